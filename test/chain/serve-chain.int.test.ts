import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import pg from 'pg';
import { openMetastore, type Metastore } from '../../src/metastore/index.js';
import { TestProject } from '../engine/project.js';
import { killServes, ServeProcess } from '../server/serve-process.js';
import { startGoogleAnalytics, type AnalyticsServer } from '../servers/google-analytics.js';
import { startMariadb } from '../servers/mariadb.js';
import type { MysqlServer } from '../servers/mysql-family.js';
import { startPostgres, type PostgresServer } from '../servers/postgres.js';
import { startS3, type S3Server } from '../servers/s3.js';

/**
 * examples/chain with servers, unattended: schedules that wait for one another under `sluice serve`, three days of data, and in each of them
 * every stage loses its worker or the whole server while it runs.
 */
const test = suite('the chain under serve');

const EXAMPLE = fileURLToPath(new URL('../../examples/chain', import.meta.url));
const DAYS = ['2024-05-07', '2024-05-08', '2024-05-09'] as const;
const STAGES = ['orders', 'events', 'traffic', 'prices', 'daily', 'send'] as const;
const EVERY_SECS = 3;

let shop: MysqlServer;
let s3: S3Server;
let bucket: string;
let analytics: AnalyticsServer;
let target: PostgresServer;
let project: TestProject;
let store: Metastore;
let serve: ServeProcess;

test.before(async () => {
  [shop, s3, analytics, target] = await Promise.all([startMariadb(), startS3(), startGoogleAnalytics(), startPostgres()]);
  bucket = await s3.createBucket();
  project = new TestProject();
  cpSync(EXAMPLE, project.folder, { recursive: true, filter: (path) => !path.endsWith('.sluice') && !path.endsWith('/data') });
  cpSync(join(EXAMPLE, 'servers'), project.folder, { recursive: true });
  for (const file of ['imports', 'daily', 'send']) often(join(project.folder, 'schedules', `${file}.yml`));
  // The server of the tests stands for Google's.
  const traffic = join(project.folder, 'pipelines', 'traffic.yml');
  writeFileSync(
    traffic,
    readFileSync(traffic, 'utf8').replace('  type: google_analytics\n', `  type: google_analytics\n  endpoint: "${analytics.url}"\n`),
  );
  writeFileSync(join(project.folder, 'sluice.yml'), `${readFileSync(join(project.folder, 'sluice.yml'), 'utf8')}  http: {enabled: false}\n`);
});

test.after(async () => {
  await killServes();
  await store?.close();
  project.remove();
  await Promise.all([shop.stop(), s3.stop(), analytics.stop(), target.stop()]);
});

/** A period takes seconds, not a day. */
function often(file: string): void {
  const text = readFileSync(file, 'utf8');
  const changed = text.replaceAll("cron: '0 2 * * *'", `cron: '*/${EVERY_SECS} * * * * *'`);
  assert.is.not(changed, text);
  writeFileSync(file, changed);
}

const env = (): Record<string, string> => ({
  SHOP_HOST: '127.0.0.1',
  SHOP_PORT: String(shop.port),
  SHOP_DATABASE: shop.database,
  SHOP_USER: shop.user,
  SHOP_PASSWORD: shop.password,
  S3_ENDPOINT: s3.endpoint,
  S3_BUCKET: bucket,
  S3_ACCESS_ID: s3.accessKeyId,
  S3_SECRET: s3.secretAccessKey,
  GA_KEY: analytics.key,
  GA_PROPERTY: String(analytics.property.number),
  GA_FROM: DAYS[0],
  GA_TO: DAYS[2],
  MART_HOST: '127.0.0.1',
  MART_PORT: String(target.port),
  MART_DATABASE: target.database,
  MART_USER: target.user,
  MART_PASSWORD: target.password,
  AWS_EC2_METADATA_DISABLED: 'true',
});

async function startServe(): Promise<void> {
  serve = new ServeProcess(project.folder, env(), { built: true });
  await serve.said('serving chain');
}

async function addDay(day: string, n: number): Promise<void> {
  const rows = Array.from({ length: 100 }, (_, i) => `('${day}', ${i + n}.25)`).join(', ');
  await shop.run(`INSERT INTO orders (day, amount) VALUES ${rows}`, shop.database);
  const events = Array.from({ length: 50 }, (_, i) => `${i},${i % 5 === 0 ? 'noise' : 'click'},${day}`).join('\n');
  await s3.put(bucket, `events/${day}.csv`, `order_id,kind,day\n${events}\n`);
  project.write(`data/prices/${day}.csv`, `day,rate\n${day},${1 + n / 8}\n`);
}

/** Ends the worker, or the server with all its workers, while a job of the stage runs. Answers the job. */
async function strike(stage: string, whole: boolean): Promise<string> {
  for (;;) {
    const job = (await store.listJobs({ name: stage, status: 'running', limit: 1 }))[0];
    if (job === undefined) {
      await delay(10);
      continue;
    }
    await delay(Math.random() * 300);
    if (whole) {
      await serve.kill('SIGKILL');
      await startServe();
    } else for (const pid of serve.workers()) serve.endWorker(pid);
    return job.id;
  }
}

/** When a period has come through all stages that began after this call. */
async function nextPeriod(): Promise<void> {
  const from = await store.now();
  for (;;) {
    const sent = await store.listFirings('send', { from });
    if (sent.some(({ succeededAt }) => succeededAt !== null)) return;
    const failed = (await store.listJobs({ status: 'error', limit: 1 }))[0];
    assert.is(failed, undefined, JSON.stringify(failed));
    await delay(100);
  }
}

async function sentRows(): Promise<readonly Record<string, string>[]> {
  const client = new pg.Client({ connectionString: target.url });
  await client.connect();
  try {
    const sql = 'SELECT day::text, orders::text, amount::text, local_amount::text, events::text, visitors::text FROM daily ORDER BY day';
    return (await client.query<Record<string, string>>(sql)).rows;
  } finally {
    await client.end();
  }
}

function expectedRows(days: number): readonly Record<string, string>[] {
  return DAYS.slice(0, days).map((day, n) => {
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
}

test('three days through four imports, SQL and a merge, with kills of workers and servers in every stage', async () => {
  await shop.run('CREATE TABLE orders (id BIGINT AUTO_INCREMENT PRIMARY KEY, day DATE NOT NULL, amount DECIMAL(10,2) NOT NULL)', shop.database);
  analytics.property.hits = DAYS.flatMap((day, n) =>
    ['Japan', 'France'].map((country, i) => ({
      minute: `${day.replaceAll('-', '')}1200`,
      dimensions: { country },
      metrics: { activeUsers: 10 * (n + 1) + i },
    })),
  );
  await addDay(DAYS[0], 0);
  await startServe();
  store = await openMetastore({ url: `sqlite:${join(project.folder, '.sluice', 'metastore.db')}` });
  const struck: string[] = [];
  for (const [n, day] of DAYS.entries()) {
    if (n > 0) await addDay(day, n);
    for (const [i, stage] of STAGES.entries()) struck.push(await strike(stage, (i + n) % 2 === 0));
    await nextPeriod();
    assert.equal(await sentRows(), expectedRows(n + 1));
  }
  assert.is(await serve.kill('SIGTERM'), 0);
  for (const id of struck) assert.is((await store.getJob(id))?.status, 'success', id);
  assert.equal(await store.listJobs({ status: 'error' }), []);
  assert.equal(analytics.violations, []);
  const counts = await project.sluice(
    [
      'query',
      '--format',
      'jsonl',
      'SELECT (SELECT count(*) FROM shop.orders) AS o, (SELECT count(*) FROM shop.events) AS e, (SELECT count(*) FROM web.traffic) AS t, (SELECT count(*) FROM shop.rates) AS r',
    ],
    { env: env() },
  );
  assert.is(counts.stdout.trim(), '{"o":300,"e":120,"t":6,"r":3}');
});

test.run();
