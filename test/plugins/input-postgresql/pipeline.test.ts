import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { TestProject } from '../../engine/project.js';
import { startCutProxy } from '../../servers/cut-proxy.js';
import { startPgLab, type PgLab } from './lab.js';

let pg: PgLab;
let project: TestProject;
test.before(async () => void (pg = await startPgLab()));
test.before.each(() => void (project = new TestProject()));
test.after.each(() => project.remove());
test.after(() => pg.stop());

function writePipeline(input: string, output = 'table: shop.orders', port = pg.server.port): void {
  project.write(
    'p.yml',
    `in:
  type: postgresql
  host: 127.0.0.1
  port: ${port}
  user: ${pg.server.user}
  password: {file: password}
  database: shop
${input.replaceAll(/^/gm, '  ')}
out:
  type: warehouse
${output.replaceAll(/^/gm, '  ')}
exec: {retry: {initial_wait_secs: 0.01}}
`,
  );
  project.write('password', pg.server.password);
}

const loaded = (): Promise<{ n: number; d: number }[]> => project.query('SELECT count(*) AS n, count(DISTINCT id) AS d FROM shop.orders');

test('types go into the warehouse and come back; new rows follow', async () => {
  await pg.client
    .query(`create table orders (id bigint primary key, total numeric(12,2) not null, placed_at timestamptz not null, note text, tags text[], raw bytea);
    insert into orders values (9007199254740993, 10.50, '2024-03-10 02:30:00.5-08', E'a,"b"\\n', '{x,NULL}', '\\x00ff'), (2, -0.01, '0001-01-01 00:00+00', null, null, '')`);
  writePipeline('table: orders\nincremental_columns: [id]', 'table: shop.orders\ntime_column: placed_at');
  const first = await project.run('p.yml');
  assert.is(first.read, 2);
  assert.equal(
    await project.query(
      'SELECT id::varchar AS id, total::varchar AS total, epoch_us(placed_at)::varchar AS us, note, tags, hex(raw) AS raw FROM shop.orders ORDER BY shop.orders.id DESC',
    ),
    [
      { id: '9007199254740993', total: '10.50', us: '1710066600500000', note: 'a,"b"\n', tags: '["x",null]', raw: '00FF' },
      { id: '2', total: '-0.01', us: '-62135596800000000', note: null, tags: null, raw: '' },
    ],
  );
  await pg.client.query(`insert into orders values (9007199254740995, 1, now(), '', '{}', null)`);
  assert.is((await project.run('p.yml')).read, 1);
  assert.equal(await loaded(), [{ n: 3, d: 3 }]);
});

test('a cut connection: the task is done again, and every row is there once', async () => {
  await pg.client.query(`create table cut as select i as id, repeat('x', 200) as v from generate_series(1, 30000) i`);
  const proxy = await startCutProxy(pg.server);
  try {
    // The plan takes connection 1; the first two reads are cut at different places.
    proxy.set((n) =>
      n === 2 ? { cutAfter: { direction: 'down', bytes: 3_000_000 } } : n === 3 ? { cutAfter: { direction: 'down', bytes: 2000, mode: 'end' } } : {},
    );
    writePipeline('table: cut', 'table: shop.orders', proxy.port);
    const summary = await project.run('p.yml');
    assert.is(summary.written, 30_000);
    assert.equal(await loaded(), [{ n: 30_000, d: 30_000 }]);
    assert.ok(proxy.connections >= 4);
  } finally {
    await proxy.stop();
  }
});

test('a value that does not fit is a reject with its reason', async () => {
  await pg.client.query(`create table dates (id int, d date); insert into dates values (1, '2024-01-01'), (2, 'infinity')`);
  writePipeline('table: dates');
  const refused = await project.sluice(['run', 'p.yml']);
  assert.is(refused.code, 3);
  assert.match(refused.stderr, /not a date/);
  project.write('q.yml', readFileSync(join(project.folder, 'p.yml'), 'utf8'));
  const kept = await project.run('q.yml', '--max-rejects', '1');
  assert.is(kept.rejected, 1);
  assert.equal(await project.query('SELECT source, column_name FROM shop.orders__rejects'), [{ source: 'dates', column_name: 'd' }]);
});

test('many tables are one run with a state for each', async () => {
  await pg.client.query(
    `create table s_a (id int primary key); create table s_b (id int primary key); insert into s_a values (1), (2); insert into s_b values (7)`,
  );
  writePipeline('tables: ["s_*"]\nincremental: true', 'table: "shop.${stream_table}"');
  const first = await project.sluice(['run', 'p.yml', '--json']);
  assert.is(first.code, 0, first.stderr);
  await pg.client.query('insert into s_a values (3)');
  const second = await project.sluice(['run', 'p.yml', '--json']);
  assert.is(second.code, 0, second.stderr);
  const read = (JSON.parse(second.stdout) as { pipelines: { read: number }[] }).pipelines.map((p) => p.read);
  assert.equal(read, [1, 0]);
  assert.equal(await project.query('SELECT (SELECT count(*) FROM shop.s_a) AS a, (SELECT count(*) FROM shop.s_b) AS b'), [{ a: 3, b: 1 }]);
});

test('the password is nowhere to be found afterwards', async () => {
  const secret = 'canary-4711-secret';
  await pg.client.query(
    `create role canary login password '${secret}'; create table open_to_all as select 1 as id; grant select on open_to_all to canary`,
  );
  writePipeline('table: open_to_all');
  const file = readFileSync(join(project.folder, 'p.yml'), 'utf8')
    .replace(`user: ${pg.server.user}`, 'user: canary')
    .replace('{file: password}', '{env: CANARY}');
  project.write('p.yml', file);
  const env = { CANARY: secret };
  assert.is((await project.sluice(['run', 'p.yml'], { env })).code, 0);
  project.write('q.yml', file.replace('open_to_all', 'orders'));
  const denied = await project.sluice(['run', 'q.yml', '--log-format', 'json'], { env });
  assert.is(denied.code, 4);
  assert.not.match(denied.stderr + denied.stdout, secret);
  for (const name of readdirSync(project.folder, { recursive: true }) as string[]) {
    const path = join(project.folder, name);
    if (statSync(path).isFile()) assert.not.ok(readFileSync(path).includes(secret), `${name} holds the password`);
  }
});

test('rows that were refused at the end are read again, as they are by then', async () => {
  await pg.client.query('create table refused (id bigint); insert into refused values (1), (null)');
  writePipeline('table: refused');
  project.write('p.yml', `${readFileSync(join(project.folder, 'p.yml'), 'utf8')}checks: [{type: not_null, columns: [id]}]\n`);
  const failed = await project.sluice(['run', 'p.yml']);
  assert.is(failed.code, 3, failed.stderr);
  assert.match(failed.stderr, 'CHECK_FAILED');
  await pg.client.query('delete from refused where id is null');
  const summary = await project.run('p.yml');
  assert.match(summary.notes.join(), /is not continued \(its rows were refused \(CHECK_FAILED\), so they are read again\)/);
  assert.equal(await loaded(), [{ n: 1, d: 1 }]);
});

test.run();
