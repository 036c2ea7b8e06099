import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { csv, Desk, ORDERS } from './desk.js';

const test = suite<{ desk: Desk }>('state');
test.before.each(async (context) => {
  const desk = new Desk();
  context.desk = desk;
  desk.write('sluice.yml', '');
  desk.write('orders.yml', ORDERS);
  desk.write('data/orders_1.csv', csv(1));
  await desk.ok(['run', 'orders.yml']);
});
test.after.each(({ desk }) => desk.remove());

test('what show prints, set takes', async ({ desk }) => {
  const { stdout } = await desk.ok(['state', 'show', 'orders']);
  assert.match(stdout, /^files:\n {2}data\/orders_1\.csv:\n {4}size: 17\n/);
  desk.write('data/orders_2.csv', csv(2));
  await desk.ok(['run', 'orders.yml']);
  const { stderr } = await desk.ok(['state', 'set', 'orders', '-'], { stdin: stdout });
  assert.match(stderr, 'orders → shop.orders: state 2 files → 1 file');
  await desk.ok(['run', 'orders.yml']);
  assert.equal(await desk.ids(), [1, 2, 2]);
});

test('set refuses what is no state', async ({ desk }) => {
  desk.write('empty.yml', '\n');
  desk.write('text.yml', 'hello\n');
  for (const [file, message] of [
    ['empty.yml', 'is empty'],
    ['text.yml', 'expected a mapping'],
    ['none.yml', 'reading none.yml'],
  ] as const) {
    const { code, stderr } = await desk.sluice(['state', 'set', 'orders', file]);
    assert.is.not(code, 0);
    assert.match(stderr, message);
  }
});

test('reset warns about a table that holds rows, and asks', async ({ desk }) => {
  const piped = await desk.sluice(['state', 'reset', 'orders']);
  assert.is(piped.code, 2);
  assert.match(piped.stderr, 'warning: shop.orders holds 1 row, and the next run appends everything once more');
  assert.match(piped.stderr, 'sluice run CONFIG --full-refresh');
  assert.match(piped.stderr, 'NOT_CONFIRMED');
  await desk.ok(['state', 'reset', 'orders', '--yes']);
  await desk.ok(['run', 'orders.yml']);
  assert.equal(await desk.ids(), [1, 1]);
});

test('no warning where the target is replaced or empty', async ({ desk }) => {
  desk.write('orders.yml', ORDERS.replace('table: shop.orders', 'table: shop.orders, mode: replace'));
  await desk.ok(['run', 'orders.yml']);
  const { stderr } = await desk.ok(['state', 'reset', 'orders', '--yes']);
  assert.not.match(stderr, 'warning');
});

test('a run that did not finish would undo the change, so it must end first', async ({ desk }) => {
  desk.write('data/orders_2.csv', csv('x'));
  assert.is((await desk.sluice(['run', 'orders.yml'])).code, 3);
  const { code, stderr } = await desk.sluice(['state', 'reset', 'orders', '--yes']);
  assert.is(code, 5);
  assert.match(stderr, 'RUN_UNFINISHED');
  assert.match(stderr, 'sluice discard');
  await desk.ok(['discard', 'latest']);
  await desk.ok(['state', 'reset', 'orders', '--yes']);
});

test('a renamed pipeline gets its state by move', async ({ desk }) => {
  desk.write('sales.yml', ORDERS);
  const renamed = await desk.sluice(['run', 'sales.yml']);
  assert.is(renamed.code, 5);
  assert.match(renamed.stderr, 'sluice state move orders sales');
  assert.match((await desk.ok(['state', 'move', 'orders', 'sales'])).stderr, '1 state of orders now belongs to sales');
  await desk.ok(['run', 'sales.yml']);
  assert.equal(await desk.ids(), [1]);
  const gone = await desk.sluice(['state', 'move', 'order', 'x']);
  assert.is(gone.code, 2);
  assert.match(gone.stderr, 'STATE_MISSING: pipeline order has no state');
});

test('with several targets one must be chosen', async ({ desk }) => {
  desk.write('orders.yml', ORDERS.replace('shop.orders', 'shop.copy'));
  await desk.ok(['run', 'orders.yml']);
  assert.is((await desk.json(['state', 'show'])).length, 2);
  const { code, stderr } = await desk.sluice(['state', 'show', 'orders']);
  assert.is(code, 2);
  assert.match(stderr, 'STATE_AMBIGUOUS: orders: expected one state, found 2');
  assert.match(stderr, '--target shop.copy or --target shop.orders');
  assert.is((await desk.json(['state', 'show', 'orders', '--target', 'shop.copy']))[0]?.['target'], 'shop.copy');
});

test.run();
