import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ConflictError, type JobRecord, type SluiceError } from '../../../src/core/spi/index.js';
import { expireResults } from '../../../src/server/runner/kept-results.js';
import { csv, ORDERS } from '../../cli/desk.js';
import { JobDesk, newJob } from './job-desk.js';

const test = suite<{ desk: JobDesk }>('payloads of jobs');
const DAY = Date.UTC(2026, 0, 31);

test.before.each((context) => {
  context.desk = new JobDesk();
  context.desk.write('sluice.yml', 'name: jobs\n');
});
test.after.each(({ desk }) => desk.remove());

async function failure(work: Promise<unknown>): Promise<SluiceError> {
  try {
    await work;
  } catch (error) {
    return error as SluiceError;
  }
  throw new Error('expected an error, found none');
}

test('a pipeline file is run; its figures are those of the job', async ({ desk }) => {
  desk.write('data/orders_1.csv', csv(1, 2, 3));
  desk.write('pipelines/orders.yml', ORDERS);
  const { result } = await desk.run({ kind: 'pipeline', file: 'pipelines/orders.yml' });
  assert.equal(result?.rowsWritten, 3);
  assert.equal(result?.runIds.length, 1);
  assert.ok((result?.bytesRead ?? 0) > 0 && (result?.cpuSeconds ?? 0) > 0);
  assert.equal(await desk.rows('SELECT count(*) FROM shop.orders'), [[3n]]);
  assert.ok(
    desk.log.some((line) => line.startsWith('info pipelines/orders: run ') && line.includes('3 written')),
    desk.log.join('\n'),
  );
});

test('one of several pipelines of a file; an unknown one is named with its neighbours', async ({ desk }) => {
  const one = (name: string): string =>
    `  - name: ${name}\n    in: {type: query, sql: 'select 1 as id'}\n    out: {type: warehouse, table: t.${name}}\n`;
  desk.write('two.yml', `pipelines:\n${one('first')}${one('second')}`);
  await desk.run({ kind: 'pipeline', file: 'two.yml', pipeline: 'second' });
  assert.equal(await desk.rows("SELECT table_name FROM information_schema.tables WHERE table_schema = 't'"), [['second']]);
  const error = await failure(desk.run({ kind: 'pipeline', file: 'two.yml', pipeline: 'secnd' }));
  assert.equal(error.code, 'JOB_PAYLOAD');
  assert.match(error.message, 'second');
  assert.equal(error.hint, 'its pipelines: first, second');
});

test('the nominal time reaches configs, SQL inputs and filters', async ({ desk }) => {
  const definition = {
    in: { type: 'query', sql: "select TD_SCHEDULED_TIME() as unix, '{{ scheduled_time }}' as text" },
    filters: [{ type: 'sql', query: 'select *, TD_SCHEDULED_TIME() as again from input' }],
    out: { type: 'warehouse', table: 't.times' },
  };
  await desk.run({ kind: 'pipeline', definition, schedule: 'daily', scheduledTime: DAY }, { trigger: 'timer', nominalTime: DAY });
  assert.equal(await desk.rows('SELECT unix, text, again FROM t.times'), [[BigInt(DAY / 1000), '2026-01-31T00:00:00Z', BigInt(DAY / 1000)]]);
});

test('SQL into a table, by mode, and to an output', async ({ desk }) => {
  for (const n of [1, 2])
    await desk.run({ kind: 'sql', sql: `select 7 as id, ${n} as n`, into: { table: 't.totals', mode: 'merge', keys: ['id'] }, schedule: 'totals' });
  assert.equal(await desk.rows('SELECT id, n FROM t.totals'), [[7n, 2n]]);
  await desk.run({
    kind: 'sql',
    sql: 'select $word as word',
    params: { word: 'hello' },
    out: { type: 'file', path: 'out.csv', formatter: { type: 'csv' } },
  });
  assert.equal(readFileSync(join(desk.folder, 'out.csv'), 'utf8'), 'word\r\nhello\r\n');
});

test('statements with side effects run in order, with the nominal time', async ({ desk }) => {
  const sql = 'create table t.log as select TD_SCHEDULED_TIME() as "at"; insert into t.log select TD_SCHEDULED_TIME() + 1';
  const { result } = await desk.run({ kind: 'sql', sql, scheduledTime: DAY });
  assert.equal(await desk.rows('SELECT "at" FROM t.log ORDER BY 1'), [[BigInt(DAY / 1000)], [BigInt(DAY / 1000 + 1)]]);
  assert.equal(result?.rowsWritten, 2);
  assert.equal(result?.runIds.length, 2);
});

test('a SELECT alone keeps its result, which is sent on by a job of its own, and expires', async ({ desk }) => {
  const kept = await desk.run({ kind: 'sql', sql: "select i as id, 'x' || i as name from range(3) r(i)" });
  const file = kept.result?.resultFile;
  assert.equal(file?.rows, 3);
  assert.equal(file?.columns, ['id', 'name']);
  const path = fileURLToPath(file?.uri ?? '');
  assert.ok(existsSync(path) && path.startsWith(join(desk.folder, '.sluice', 'results')));
  const sent = await desk.run({ kind: 'export', fromJob: kept.id, out: { type: 'file', path: 'sent.csv', formatter: { type: 'csv' } } });
  assert.equal(sent.result?.rowsWritten, 3);
  assert.equal(readFileSync(join(desk.folder, 'sent.csv'), 'utf8'), 'id,name\r\n0,x0\r\n1,x1\r\n2,x2\r\n');
  const { project } = await desk.session();
  const store = await desk.store();
  const expiresAt = file?.expiresAt ?? 0;
  assert.equal(await expireResults(project, store, expiresAt - 1), 0);
  assert.equal(await expireResults(project, store, expiresAt), 1);
  assert.not(existsSync(path));
  const error = await failure(desk.run({ kind: 'export', fromJob: kept.id, out: { type: 'file', path: 'late.csv', formatter: { type: 'csv' } } }));
  assert.equal(error.code, 'RESULT_EXPIRED');
  assert.match(error.hint ?? '', `sluice job retry ${kept.id}`);
});

test('upkeep', async ({ desk }) => {
  await desk.run({ kind: 'sql', sql: 'create table t.x as select 1 as id' });
  const { result } = await desk.run({ kind: 'maintain' });
  assert.equal(result?.details?.['tables'], 1);
});

test('a period is committed once by the timer; another job of it commits nothing', async ({ desk }) => {
  const payload = { kind: 'sql', sql: 'select 1 as id', into: { table: 't.once', mode: 'append' }, schedule: 'once', scheduledTime: DAY };
  await desk.run(payload, { trigger: 'timer', nominalTime: DAY });
  const error = await failure(desk.run(payload, { trigger: 'timer', nominalTime: DAY }));
  assert.ok(error instanceof ConflictError);
  assert.equal(error.code, 'PERIOD_COMMITTED');
  assert.equal(await desk.rows('SELECT count(*) FROM t.once'), [[1n]]);
  await desk.run({ ...payload, scheduledTime: DAY + 1000 }, { trigger: 'timer', nominalTime: DAY + 1000 });
  assert.equal(await desk.rows('SELECT count(*) FROM t.once'), [[2n]]);
});

test('a run of a period by hand neither reads nor moves the cursor', async ({ desk }) => {
  desk.write('data/orders_1.csv', csv(1));
  desk.write('merge.yml', `name: orders\n${ORDERS.replace('table: shop.orders', 'table: shop.orders, mode: merge, keys: [id]')}`);
  const store = await desk.store();
  const cursor = async (): Promise<string> => JSON.stringify((await store.listStates({})).map(({ key, state }) => [key.stream, state]));
  await desk.run({ kind: 'pipeline', file: 'merge.yml' });
  const before = await cursor();
  desk.write('data/orders_2.csv', csv(2));
  const byHand = await desk.run(
    { kind: 'pipeline', file: 'merge.yml', schedule: 's', scheduledTime: DAY, movesState: false },
    { trigger: 'backfill' },
  );
  assert.equal(byHand.result?.rowsRead, 2, 'both files are read');
  assert.equal(await cursor(), before);
  const usual = await desk.run({ kind: 'pipeline', file: 'merge.yml' });
  assert.equal(usual.result?.rowsRead, 1, 'the second file is still new');
  assert.equal(await desk.rows('SELECT id FROM shop.orders ORDER BY id'), [[1n], [2n]]);
});

test('a further try does not repeat what an earlier one had committed', async ({ desk }) => {
  const payloads = [
    { kind: 'sql', sql: 'create table t.a as select 1 as id; insert into t.a select 2' },
    { kind: 'sql', sql: 'select 1 as id', into: { table: 't.b', mode: 'append' } },
  ];
  for (const payload of payloads) {
    const job = await desk.claimed(newJob(payload, { maxAttempts: 2 }));
    await desk.try(job);
    // The process ended here, and another server took the job over.
    const again: JobRecord = { ...job, fence: job.fence + 1, attempts: 2 };
    await desk.try(again);
  }
  assert.equal(await desk.rows('SELECT id FROM t.a ORDER BY id'), [[1n], [2n]]);
  assert.equal(await desk.rows('SELECT count(*) FROM t.b'), [[1n]]);
});

test('an aborted job stops and commits nothing', async ({ desk }) => {
  const stop = new AbortController();
  const job = await desk.claimed(
    newJob({ kind: 'sql', sql: 'select sum(a.i * b.i) as n from range(1000000) a(i), range(1000000) b(i)', into: { table: 't.never' } }),
  );
  const work = failure(desk.try(job, stop.signal));
  setTimeout(() => stop.abort(new Error('killed')), 300);
  await work;
  assert.equal(await desk.rows("SELECT count(*) FROM information_schema.tables WHERE table_schema = 't'"), [[0n]]);
});

test.run();
