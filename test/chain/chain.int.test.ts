import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import pg from 'pg';
import type { Point } from '../../src/core/spi/index.js';
import { TestProject } from '../engine/project.js';
import { runProgram } from '../reliability/program.js';
import { startGoogleAnalytics, type AnalyticsServer } from '../servers/google-analytics.js';
import { startMariadb } from '../servers/mariadb.js';
import type { MysqlServer } from '../servers/mysql-family.js';
import { startPostgres, type PostgresServer } from '../servers/postgres.js';
import { startS3, type S3Server } from '../servers/s3.js';

/** The whole promise: four kinds of sources, filters, the warehouse, SQL for each period, a merge into PostgreSQL; killed in every stage. */
const test = suite('the chain');

let shop: MysqlServer;
let bucket: string;
let s3: S3Server;
let analytics: AnalyticsServer;
let target: PostgresServer;
let project: TestProject;

const DAYS = ['2024-05-07', '2024-05-08', '2024-05-09'] as const;
/** Where each stage is killed, one point a period. */
const INTO_WAREHOUSE: readonly Point[] = ['task.copied', 'commit.pointer_swapped', 'commit.done'];
const INTO_POSTGRESQL: readonly Point[] = ['commit.target_filled', 'commit.ledger_written', 'commit.target_committed'];

test.before(async () => {
  [shop, s3, analytics, target] = await Promise.all([startMariadb(), startS3(), startGoogleAnalytics(), startPostgres()]);
  bucket = await s3.createBucket();
  project = new TestProject();
});
test.after(async () => {
  project.remove();
  await Promise.all([shop.stop(), s3.stop(), analytics.stop(), target.stop()]);
});

function env(day: string): Record<string, string> {
  return {
    DAY: day,
    SHOP_PASSWORD: shop.password,
    S3_SECRET: s3.secretAccessKey,
    GA_KEY: analytics.key,
    TARGET_PASSWORD: target.password,
    AWS_EC2_METADATA_DISABLED: 'true',
  };
}

function writeProject(): void {
  project.write(
    'sluice.yml',
    `connections:
  shop: {type: mysql, host: 127.0.0.1, port: ${shop.port}, user: ${shop.user}, password: {env: SHOP_PASSWORD}, database: ${shop.database}}
  bucket: {type: s3, endpoint: "${s3.endpoint}", bucket: ${bucket}, access_key_id: ${s3.accessKeyId}, secret_access_key: {env: S3_SECRET}}
  mart: {type: postgresql, host: 127.0.0.1, port: ${target.port}, user: ${target.user}, password: {env: TARGET_PASSWORD}, database: ${target.database}}
`,
  );
  project.write(
    'orders.yml',
    `in: {connection: shop, table: orders, incremental_columns: [id]}
filters:
  - {type: column, add_columns: [{name: source, type: string, default: shop}]}
out: {type: warehouse, table: shop.orders}
`,
  );
  project.write(
    'events.yml',
    `in:
  connection: bucket
  path_prefix: events/
  parser: {type: csv, skip_header_lines: 1, columns: [{name: order_id, type: long}, {name: kind, type: string}, {name: day, type: date}]}
filters:
  - {type: where, condition: "kind <> 'noise'"}
out: {type: warehouse, table: shop.events}
`,
  );
  project.write(
    'traffic.yml',
    `in:
  type: google_analytics
  endpoint: "${analytics.url}"
  json_keyfile: {content: {env: GA_KEY}}
  property: "${analytics.property.number}"
  dimensions: [date, country]
  metrics: [activeUsers]
  start_date: {env: DAY}
  end_date: {env: DAY}
out: {type: warehouse, table: web.traffic, mode: merge, keys: [date, country]}
`,
  );
  project.write(
    'prices.yml',
    `in: {type: csv, path_prefix: prices/, skip_header_lines: 1, columns: [{name: day, type: date}, {name: rate, type: "decimal(6,3)"}]}
out: {type: warehouse, table: shop.rates}
`,
  );
  project.write(
    'daily.yml.liquid',
    `in:
  type: query
  sql: |
    SELECT o.day, count(*) AS orders, sum(o.amount) AS amount, sum(o.amount * r.rate)::DECIMAL(38, 3) AS local_amount,
      (SELECT count(*) FROM shop.events e WHERE e.day = o.day) AS events,
      (SELECT sum(t.active_users) FROM web.traffic t WHERE t.date = o.day)::BIGINT AS visitors
    FROM shop.orders o JOIN shop.rates r ON r.day = o.day
    WHERE o.day = DATE '{{ env.DAY }}'
    GROUP BY o.day
out: {type: warehouse, table: mart.daily, mode: replace, replace_where: "day = '{{ env.DAY }}'", partition_by: [day(day)]}
checks:
  - {type: row_count, min: 1, max: 1}
  - {type: unique, columns: [day]}
`,
  );
  project.write(
    'export.yml',
    'in: {type: query, sql: "SELECT * FROM mart.daily"}\nout: {connection: mart, table: daily, mode: merge, keys: [day]}\n',
  );
}

async function addDay(day: string, n: number): Promise<void> {
  const rows = Array.from({ length: 100 }, (_, i) => `('${day}', ${i + n}.25)`).join(', ');
  await shop.run(`INSERT INTO orders (day, amount) VALUES ${rows}`, shop.database);
  const events = Array.from({ length: 50 }, (_, i) => `${i},${i % 5 === 0 ? 'noise' : 'click'},${day}`).join('\n');
  await s3.put(bucket, `events/${day}.csv`, `order_id,kind,day\n${events}\n`);
  project.write(`prices/${day}.csv`, `day,rate\n${day},${1 + n / 8}\n`);
}

/** Runs a stage, killed at the point, then again to the end. */
async function stage(config: string, day: string, point: Point): Promise<void> {
  const task = { cwd: project.folder, argv: ['run', config] };
  const cut = await runProgram({ ...task, kill: { point, occurrence: 1 } }, { env: env(day) });
  assert.is(cut.signal, 'SIGKILL', `${config} reaches ${point}\n${cut.stderr}`);
  const again = await runProgram(task, { env: env(day) });
  assert.is(again.code, 0, `${config} on ${day} after ${point}\n${again.stderr}`);
}

test('three periods through four sources, the warehouse and a merge, killed in the middle of every stage', async () => {
  await shop.run('CREATE TABLE orders (id BIGINT AUTO_INCREMENT PRIMARY KEY, day DATE NOT NULL, amount DECIMAL(10,2) NOT NULL)', shop.database);
  analytics.property.hits = DAYS.flatMap((day, n) =>
    ['Japan', 'France'].map((country, i) => ({
      minute: `${day.replaceAll('-', '')}1200`,
      dimensions: { country },
      metrics: { activeUsers: 10 * (n + 1) + i },
    })),
  );
  writeProject();
  for (const [n, day] of DAYS.entries()) {
    await addDay(day, n);
    const point = INTO_WAREHOUSE[n] as Point;
    for (const config of ['orders.yml', 'events.yml', 'traffic.yml', 'prices.yml', 'daily.yml.liquid']) await stage(config, day, point);
    await stage('export.yml', day, INTO_POSTGRESQL[n] as Point);
  }
  assert.equal(analytics.violations, []);
  assert.equal(await project.query('SELECT count(*) AS orders, count(DISTINCT id) AS ids, count(DISTINCT source) AS sources FROM shop.orders'), [
    { orders: 300, ids: 300, sources: 1 },
  ]);
  assert.equal(
    await project.query(
      'SELECT (SELECT count(*) FROM shop.events) AS events, (SELECT count(*) FROM web.traffic) AS traffic, (SELECT count(*) FROM shop.rates) AS rates',
    ),
    [{ events: 120, traffic: 6, rates: 3 }],
  );
  const client = new pg.Client(target.url);
  await client.connect();
  try {
    const { rows } = await client.query<Record<string, string>>(
      'SELECT day::text, orders::text, amount::text, local_amount::text, events::text, visitors::text FROM daily ORDER BY day',
    );
    const expected = DAYS.map((day, n) => {
      const amount = Array.from({ length: 100 }, (_, i) => i + n + 0.25).reduce((sum, value) => sum + value, 0);
      return {
        day,
        orders: '100',
        amount: amount.toFixed(2),
        local_amount: (amount * (1 + n / 8)).toFixed(3),
        events: '40',
        visitors: String(20 * (n + 1) + 1),
      };
    });
    assert.equal(rows, expected);
    const { rows: ledger } = await client.query<{ n: string }>('SELECT count(*) AS n FROM sluice_ledger');
    assert.is(ledger[0]?.n, '3');
  } finally {
    await client.end();
  }
});

test.run();
