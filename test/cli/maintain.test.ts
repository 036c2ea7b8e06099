import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { csv, Desk, ORDERS, steady } from './desk.js';

const test = suite<{ desk: Desk }>('maintain');
test.before.each(async (context) => {
  const desk = new Desk();
  context.desk = desk;
  desk.write('sluice.yml', 'maintain: {automatic: true, snapshot_days: 5, min_snapshots: 1, max_snapshots: 500}\n');
  desk.write('orders.yml', ORDERS);
  for (const id of [1, 2, 3]) {
    desk.write(`data/orders_${id}.csv`, csv(id));
    await desk.ok(['run', 'orders.yml']);
  }
});
test.after.each(({ desk }) => desk.remove());

test('a dry run says what would be done, the real one does it, a second one has nothing to do', async ({ desk }) => {
  const dry = await desk.ok(['maintain', '--dry-run']);
  assert.match(dry.stdout, /^shop\.orders: 3 files would be compacted into 1, \d/);
  assert.equal((await desk.json(['show', 'shop.orders', '--json'])).length > 0, true);
  const done = await desk.ok(['maintain', 'shop.orders']);
  assert.match(done.stdout, /^shop\.orders: 3 files compacted into 1, .*B to .*B\n$/);
  assert.equal(await desk.ids(), [1, 2, 3]);
  assert.is((await desk.ok(['maintain'])).stdout, 'shop.orders: nothing to do\n');
});

test('--json prints one object a table and a last one', async ({ desk }) => {
  const [table, last] = await desk.json<Record<string, unknown>>(['maintain', '--dry-run']);
  assert.equal([table?.['event'], table?.['table'], table?.['dry_run'], table?.['problems']], ['maintain.table', 'shop.orders', true, []]);
  assert.equal((table?.['compaction'] as { files_before: number }).files_before, 3);
  assert.equal(last, { event: 'maintain', dry_run: true, tables: 1, garbage_files: 0 });
});

test('orphans: nothing is young enough to be one; --yes alone and unknown tables are errors', async ({ desk }) => {
  assert.not.match((await desk.ok(['maintain', '--orphans'])).stdout, 'orphan');
  const yes = await desk.sluice(['maintain', '--yes']);
  assert.is(yes.code, 2);
  assert.match(yes.stderr, 'ORPHANS_YES');
  const missing = await desk.sluice(['maintain', 'shop.order']);
  assert.match(steady(missing.stderr), 'TABLE_MISSING: there is no table shop.order\nhint: did you mean shop.orders?');
});

test('a run can be undone although its file was compacted with others', async ({ desk }) => {
  const run = await desk.runId();
  await desk.ok(['maintain']);
  await desk.ok(['undo', run]);
  assert.equal(await desk.ids(), [1, 2]);
  await desk.ok(['run', 'orders.yml']);
  assert.equal(await desk.ids(), [1, 2, 3]);
  assert.is(await desk.runId().then((id) => id === run), false, 'upkeep is no run');
});

test('a step that fails is told with its hint, and the exit code says so', async ({ desk }) => {
  desk.write('days.yml', `${ORDERS.replace('table: shop.orders', 'table: shop.days, expire_days: 30')}`);
  await desk.ok(['run', 'days.yml']);
  const { code, stdout, stderr } = await desk.sluice(['maintain']);
  assert.is(code, 1);
  assert.match(stdout, 'shop.orders: 3 files compacted');
  assert.match(stderr, 'error EXPIRE_DAYS: shop.days: sluice.expire-days: expected a time column, found none\nhint: ');
});

test.run();
