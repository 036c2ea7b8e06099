import { setTimeout as delay } from 'node:timers/promises';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RemoteError } from '../../../src/core/spi/index.js';
import { TestProject } from '../../engine/project.js';
import { startCutProxy, type CutProxy } from '../../servers/cut-proxy.js';
import { startPgLab, until, type PgLab } from './lab.js';

/** Enough that the rows are read back while they come: about 13 MB. */
const ROWS = 60_000;
const FOLLOWED = 8_000_000;

let pg: PgLab;
let proxy: CutProxy;
let project: TestProject;
test.before(async () => {
  pg = await startPgLab();
  proxy = await startCutProxy(pg.server);
  await pg.client.query(
    `create table big as select i as id, timestamptz '2024-01-01Z' + (i % 30) * interval '1 day' as at, 'a "quoted", text ' || repeat('x', 180) as v
     from generate_series(1, ${ROWS}) i;
     create table odd as select id, case when id in (7, ${ROWS}) then 'infinity' else at end as at, v from big;
     create table wide as select id, at, case when id = ${ROWS} then repeat('y', 3000000) else v end as v from big`,
  );
});
test.before.each(() => {
  project = new TestProject();
  proxy.set({});
});
test.after.each(async () => {
  assert.equal(leftOvers(), []);
  project.remove();
  await until(pg.client, `select count(*) = 0 from pg_stat_activity where application_name = 'follower'`);
});
test.after(async () => {
  await proxy.stop();
  await pg.stop();
});

function leftOvers(): string[] {
  const names = readdirSync(join(project.folder, '.sluice'), { recursive: true }) as string[];
  return names.filter((name) => name.includes('spool-'));
}

function writePipeline(table: string, extra = '', out = '{type: warehouse, table: shop.big, time_column: at}'): void {
  const { host, port } = proxy;
  project.write('password', pg.server.password);
  project.write(
    'p.yml',
    `in: {type: postgresql, host: ${host}, port: ${port}, user: ${pg.server.user}, password: {file: password}, database: shop, table: ${table}, order_by: id, application_name: follower}
${extra}out: ${out}
exec: {retry: {initial_wait_secs: 0.01}}
`,
  );
}

interface Sums {
  readonly n: number;
  readonly d: number;
  readonly sum: number;
  readonly length: number;
}
const sums = async (): Promise<Sums | undefined> =>
  (
    await project.query<Sums>('SELECT count(*) AS n, count(DISTINCT id) AS d, sum(id)::bigint AS sum, sum(length(v))::bigint AS length FROM shop.big')
  )[0];

async function expected(table: string): Promise<Sums> {
  const { rows } = await pg.client.query<Record<keyof Sums, string>>(
    `select count(*) as n, count(distinct id) as d, sum(id) as sum, sum(length(v)) as length from ${table}`,
  );
  return Object.fromEntries(Object.entries(rows[0] ?? {}).map(([key, value]) => [key, Number(value)])) as unknown as Sums;
}

test('rows that were read while they came are all there, one file a partition', async () => {
  writePipeline('big');
  const summary = await project.run('p.yml');
  assert.is(summary.written, ROWS);
  assert.equal(await sums(), await expected('big'));
  const files = readdirSync(project.folder, { recursive: true }) as string[];
  assert.is(files.filter((name) => /at_day=.*\.parquet$/.test(name)).length, 30);
});

test('a connection that is cut while they are read: the table starts again, nothing is short or double', async () => {
  for (const [mode, table] of [
    ['end', 'big'],
    ['reset', 'odd'],
  ] as const) {
    writePipeline(table);
    const first = proxy.connections + 2;
    proxy.set((n) =>
      n === first
        ? { cutAfter: { direction: 'down', bytes: FOLLOWED, mode } }
        : n === first + 1
          ? { cutAfter: { direction: 'down', bytes: 11_000_000, mode } }
          : {},
    );
    const summary = await project.run('p.yml', '--max-rejects', '2');
    assert.is(proxy.connections, first + 2);
    assert.is(summary.written, table === 'big' ? ROWS : ROWS - 2);
    await project.sluice(['drop', 'shop.big', '--yes']);
  }
});

test('values that do not fit are rejected alone, from the start and from the end', async () => {
  writePipeline('odd');
  const refused = await project.sluice(['run', 'p.yml']);
  assert.is(refused.code, 3, refused.stderr);
  assert.match(refused.stderr, /not a timestamp/);
  const summary = await project.run('p.yml', '--max-rejects', '2');
  assert.equal([summary.read, summary.written, summary.rejected], [ROWS, ROWS - 2, 2]);
  assert.equal(await project.query('SELECT record_number AS n, source, column_name FROM shop.big__rejects ORDER BY n'), [
    { n: 7, source: 'odd', column_name: 'at' },
    { n: ROWS, source: 'odd', column_name: 'at' },
  ]);
});

test('a record of 3 MB among short ones', async () => {
  writePipeline('wide');
  assert.is((await project.run('p.yml')).written, ROWS);
  assert.equal(await sums(), await expected('wide'));
});

test('a query that fails while the reader is writing ends the reader', async () => {
  // The server has not sent everything yet, and sends nothing more.
  const first = proxy.connections + 2;
  proxy.set((n) => (n === first ? { pauseAfter: { direction: 'down', bytes: FOLLOWED } } : {}));
  writePipeline('big');
  const failed = await project.sluice(['run', 'p.yml'], {
    reach(point) {
      if (point === 'task.staging_recorded') throw new RemoteError({ code: 'BROKEN_TARGET', message: 'the target broke', retryable: false });
    },
  });
  assert.is(failed.code, 4);
  assert.match(failed.stderr, /BROKEN_TARGET/);
});

test('Ctrl-C while rows are read as they come', async () => {
  const first = proxy.connections + 2;
  proxy.set((n) => (n === first ? { pauseAfter: { direction: 'down', bytes: FOLLOWED } } : {}));
  writePipeline('big');
  const before = proxy.passed.down;
  let interrupt: (signal: string) => void = () => undefined;
  const running = project.sluice(['run', 'p.yml'], { onInterrupt: (handler) => (interrupt = handler) });
  while (proxy.passed.down - before < FOLLOWED) await delay(5);
  interrupt('SIGINT');
  assert.is((await running).code, 130);
  proxy.set({});
  assert.is((await project.run('p.yml')).written, ROWS);
});

test('an output that reads its rows twice gets them twice', async () => {
  writePipeline('odd', '', '{type: file, path_prefix: out/rows-, formatter: {type: csv}, mode: append}');
  const summary = await project.run('p.yml', '--max-rejects', '2');
  assert.equal([summary.written, summary.rejected], [ROWS - 2, 2]);
});

test.run();
