import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openMetastore } from '../../src/metastore/index.js';
import { csv, Desk, ORDERS } from './desk.js';

const test = suite('schedule');
let desk: Desk;
const SUMS = `cron: '0 0 * * *'
timezone: Asia/Tokyo
sql: >
  SELECT CAST('{{ scheduled_time }}' AS TIMESTAMP) AS day, CAST(count(*) AS BIGINT) AS n FROM (VALUES (1), (2))
into: {table: shop.sums, mode: replace, partition_by: [day], replace_where: "day = TIMESTAMP '{{ scheduled_time }}'"}
`;

test.before.each(() => {
  desk = new Desk();
  desk.write('sluice.yml', "name: shop\nschedules:\n  orders: {cron: '30 2 * * *', pipeline: pipelines/orders.yml, tags: [team:a]}\n");
  desk.write('pipelines/orders.yml', ORDERS);
  desk.write('data/orders_1.csv', csv(1, 2));
  desk.write('schedules/sums.yml', SUMS);
});
test.after.each(() => desk.remove());

test('list and show say what runs when', async () => {
  const { stdout } = await desk.ok(['schedule', 'list']);
  assert.match(stdout, /orders\s+pipelines\/orders\.yml\s+30 2 \* \* \*\s+UTC\s+\d{4}-\d\d-\d\d 02:30:00\s+not started/);
  assert.match(stdout, /sums\s+SQL → shop\.sums\s+0 0 \* \* \*\s+Asia\/Tokyo\s+\d{4}-\d\d-\d\d 15:00:00/);
  const [orders, sums] = await desk.json<{ name: string; next_time: string; tags: string[]; catch_up: string }>(['schedule', 'list']);
  assert.equal([orders?.name, orders?.tags, orders?.catch_up], ['orders', ['team:a'], 'latest']);
  assert.match(sums?.next_time ?? '', /T15:00:00\.000Z$/);
  assert.match((await desk.ok(['schedule', 'show', 'orders'])).stdout, /next \(UTC\)\s+\S+ 02:30:00, /);
});

test('schedules by tag; a promise that was missed is shown in lists and in the status', async () => {
  desk.write('schedules/late.yml', "cron: '@hourly'\nsql: select 1\ntags: [team:b]\nsla: {finish_within: 90m, max_age: 26h}\n");
  const names = async (...more: string[]) => (await desk.json<{ name: string }>(['schedule', 'list', ...more])).map(({ name }) => name);
  assert.equal(await names(), ['late', 'orders', 'sums']);
  assert.equal(await names('--tag', 'team:b'), ['late']);
  assert.equal(await names('--tag', 'none'), []);
  await desk.ok(['schedule', 'pause', 'late']);
  await desk.ok(['schedule', 'resume', 'late']);
  assert.not.match((await desk.ok(['schedule', 'list'])).stdout, 'active, late');
  const store = await openMetastore({ url: `sqlite:${desk.folder}/.sluice/metastore.db` });
  const from = (await store.getSchedule('late'))?.slaFrom ?? 0;
  const time = Date.parse('2026-01-31T03:00:00Z');
  const misses = [{ kind: 'finish_within' as const, nominalTime: time, deadline: time + 5_400_000 }];
  assert.is((await store.stepSla({ name: 'late', expectedFrom: from, misses, from, checkAt: null })).missed.length, 1);
  assert.equal(await store.stepSla({ name: 'late', expectedFrom: from, misses, from, checkAt: null }), { missed: [], met: [] });
  await store.close();
  assert.match((await desk.ok(['schedule', 'list'])).stdout, 'active, late');
  const { stdout } = await desk.ok(['schedule', 'show', 'late']);
  assert.match(stdout, /sla +finish_within: 90m, max_age: 26h/);
  assert.match(stdout, /missed +2026-01-31 03:00:00 had to succeed by 2026-01-31 04:30:00/);
  assert.match((await desk.ok(['status'])).stdout, /late\n[^]*late +2026-01-31 03:00:00 +2026-01-31 04:30:00/);
  const [status] = await desk.json<{ late: { schedule: string; deadline: string }[] }>(['status']);
  assert.equal([status?.late[0]?.schedule, status?.late[0]?.deadline], ['late', '2026-01-31T04:30:00.000Z']);
});

test("a pipeline file in Embulk's form is scheduled as it is", async () => {
  desk.write(
    'pipelines/orders.yml',
    `in:
  type: file
  path_prefix: data/orders_
  parser: {type: csv, charset: UTF-8, newline: LF, skip_header_lines: 1, columns: [{name: id, type: long}, {name: amount, type: double}]}
filters:
  - {type: column, add_columns: [{name: shop, type: string, default: main}]}
out: {type: warehouse, table: shop.orders}
`,
  );
  const { stderr } = await desk.ok(['schedule', 'run', 'orders']);
  assert.match(stderr, 'success, 2 rows');
});

test('pause and resume are kept', async () => {
  const paused = async () => (await desk.json<{ paused: boolean }>(['schedule', 'show', 'orders']))[0]?.paused;
  assert.match((await desk.ok(['schedule', 'pause', 'orders'])).stderr, 'orders is paused');
  assert.is(await paused(), true);
  assert.match((await desk.ok(['schedule', 'list'])).stdout, 'paused');
  await desk.ok(['schedule', 'resume', 'orders']);
  assert.is(await paused(), false);
});

test('a run now loads what is new, here, where no server is alive', async () => {
  const { stderr } = await desk.ok(['schedule', 'run', 'orders']);
  assert.match(stderr, 'no server is alive: 1 job of orders runs here');
  assert.equal(await desk.ids(), [1, 2]);
  desk.write('data/orders_2.csv', csv(3));
  const [job] = await desk.json<{ status: string; result: { rowsWritten: number } }>(['schedule', 'run', 'orders']);
  assert.equal([job?.status, job?.result.rowsWritten], ['success', 1]);
  const history = await desk.json<{ trigger: string; outcome: string }>(['schedule', 'history', 'orders']);
  assert.equal(
    history.map(({ trigger, outcome }) => [trigger, outcome]),
    [
      ['manual', 'success'],
      ['manual', 'success'],
    ],
  );
});

test('periods can be repeated where that replaces them; the nominal time is theirs', async () => {
  await desk.ok(['schedule', 'backfill', 'sums', '--from', '2026-01-01', '--to', '2026-01-03']);
  await desk.ok(['schedule', 'run', 'sums', '--at', '2026-01-02']);
  const { stdout } = await desk.ok(['query', 'SELECT day, n FROM shop.sums ORDER BY day', '--format', 'csv']);
  // Midnight in Tokyo.
  assert.equal(
    stdout
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.slice(0, 13)),
    ['2025-12-31 15', '2026-01-01 15', '2026-01-02 15'],
  );
  const history = await desk.json<{ trigger: string; nominal_time: string }>(['schedule', 'history', 'sums']);
  assert.equal(
    history.map(({ trigger, nominal_time: time }) => `${trigger} ${time}`),
    [
      'backfill 2026-01-02T15:00:00.000Z',
      'manual 2026-01-01T15:00:00.000Z',
      'backfill 2026-01-01T15:00:00.000Z',
      'backfill 2025-12-31T15:00:00.000Z',
    ],
  );
});

test('what would load rows twice, or is no time of the schedule, is refused', async () => {
  const refused = async (args: readonly string[], code: string, ...words: readonly string[]): Promise<void> => {
    const { stderr, code: exit } = await desk.sluice(['schedule', ...args]);
    assert.is(exit, 2, stderr);
    for (const word of [code, ...words]) assert.match(stderr, word);
  };
  await refused(['run', 'orders', '--last', '1'], 'PERIOD_APPENDS', 'shop.orders would hold the rows of the period a second time', '--append-again');
  await refused(
    ['backfill', 'orders', '--from', '2026-01-01', '--to', '2026-01-02', '--parallel'],
    'PERIOD_PARALLEL',
    'pipelines/orders keeps a state',
  );
  await refused(['run', 'sums', '--at', '2026-01-01 12:00'], 'PERIOD_UNKNOWN', '2026-01-01T03:00:00Z is none of its times', '2025-12-31T15:00:00Z');
  await refused(['run', 'sum'], 'SCHEDULE_UNKNOWN', 'did you mean "sums"?');
  await refused(['backfill', 'sums', '--from', '2026-01-01'], 'USAGE', '--to');
  await refused(['run', 'sums', '--at', 'yesterday'], 'USAGE', '--at');
  await refused(['lst'], 'USAGE', 'did you mean "list"?');
});

test('a failed job is reported, and the exit code says so', async () => {
  desk.write('schedules/bad.yml', "cron: '@daily'\nsql: SELECT * FROM no.table\n");
  const { code, stderr } = await desk.sluice(['schedule', 'run', 'bad']);
  assert.is(code, 1);
  assert.match(stderr, '1 of 1 job did not succeed');
  assert.match((await desk.ok(['schedule', 'history', 'bad'])).stdout, /manual\s+error/);
});

test('jobs are left to a server when asked to', async () => {
  assert.match((await desk.ok(['schedule', 'run', 'orders', '--queue'])).stderr, /queued \S+ for /);
  assert.match((await desk.ok(['schedule', 'history', 'orders'])).stdout, /manual\s+queued/);
});

test.run();
