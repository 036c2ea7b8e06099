import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { csv, Desk, ORDERS, steady } from './desk.js';

const test = suite<{ desk: Desk }>('tables');
test.before.each(async (context) => {
  const desk = new Desk();
  context.desk = desk;
  desk.write('sluice.yml', '');
  desk.write('orders.yml', `${ORDERS}exec: {max_rejects: 10}\n`);
  desk.write('data/orders_1.csv', csv(1, 2));
  await desk.ok(['run', 'orders.yml']);
});
test.after.each(({ desk }) => desk.remove());

test('tables lists tables and views; --json gives one object each', async ({ desk }) => {
  await desk.ok(['query', 'CREATE VIEW shop.big AS SELECT * FROM shop.orders WHERE id > 1']);
  const tables = await desk.json(['tables']);
  assert.equal(
    tables.map((t) => [t['name'], t['kind'], t['rows'], t['files']]),
    [
      ['shop.big', 'view', undefined, undefined],
      ['shop.orders', 'table', 2, 1],
    ],
  );
  const { stdout } = await desk.ok(['tables', '--namespace', 'shop']);
  assert.match(stdout, /^name +kind +rows +bytes +files +partitioned by +last commit \(UTC\)\n/);
  assert.equal(await desk.json(['tables', '--namespace', 'other']), []);
});

test('show spells types as configs do, and as Iceberg does beside it', async ({ desk }) => {
  await desk.ok([
    'query',
    `CREATE TABLE shop.types AS SELECT now() AS at, TIMESTAMP '2026-01-01' AS local, 1.5::DECIMAL(12,2) AS price, [1] AS list, 's' AS s`,
  ]);
  const [types] = await desk.json<{ columns: { name: string; type: string; iceberg_type: string; comment: string | null }[] }>([
    'show',
    'shop.types',
  ]);
  assert.equal(
    types?.columns.map((c) => [c.name, c.type, c.iceberg_type, c.comment]),
    [
      ['at', 'timestamp', 'timestamptz', null],
      ['local', 'datetime', 'timestamp', null],
      ['price', 'decimal(12,2)', 'decimal(12, 2)', null],
      ['list', 'json', 'string', null],
      ['s', 'string', 'string', null],
    ],
  );
  const { stdout } = await desk.ok(['show', 'shop.types']);
  assert.match(stdout, /  at +timestamp\n  local +datetime\n  price +decimal\(12,2\)\n  list +json\n/);
});

test('show tells columns, size, snapshots and who loads', async ({ desk }) => {
  desk.write('data/orders_2.csv', csv(3));
  await desk.ok(['run', 'orders.yml']);
  const { stdout } = await desk.ok(['show', 'shop.orders', '--limit', '1']);
  const shown = steady(stdout, desk.folder);
  for (const line of [
    '  id      long\n',
    '  amount  decimal(12,2)\n',
    'partitioned by  (nothing)',
    'rows            3\n',
    'files           2 in 1 partition\n',
    'snapshots (1 of 2)',
    'append         1        0      3  <run>',
    '  orders    2 files',
  ])
    assert.ok(shown.includes(line), `${line} in\n${shown}`);
  const [facts] = await desk.json<{ snapshots: unknown[]; states: unknown[]; current_snapshot: string }>(['show', 'shop.orders']);
  assert.equal([facts?.snapshots.length, facts?.states.length], [2, 1]);
  await desk.ok(['query', 'CREATE VIEW shop.big AS SELECT * FROM shop.orders']);
  assert.match((await desk.ok(['show', 'shop.big'])).stdout, 'shop.big, a view (duckdb)');
  const missing = await desk.sluice(['show', 'shop.order']);
  assert.is(missing.code, 2);
  assert.match(missing.stderr, 'TABLE_MISSING: there is no table shop.order');
  assert.match(missing.stderr, 'did you mean shop.orders?');
});

test('drop needs --yes in a pipe and asks on a terminal; undrop restores table and state', async ({ desk }) => {
  const piped = await desk.sluice(['drop', 'shop.orders']);
  assert.is(piped.code, 2);
  assert.match(piped.stderr, 'NOT_CONFIRMED: sluice drop shop.orders: expected --yes, because nobody can be asked here');
  const no = await desk.sluice(['drop', 'shop.orders'], { types: 'no\n' });
  assert.is(no.code, 130);
  assert.match(no.stderr, /Drop shop\.orders \(2 rows, [\d.]+ k?B\)\? \[y\/N\] /);
  const nothing = await desk.sluice(['drop', 'shop.orders'], { types: '' });
  assert.is(nothing.code, 130);
  assert.equal(await desk.ids(), [1, 2]);
  await desk.ok(['drop', 'shop.orders'], { types: 'y\n' });
  assert.equal(await desk.json(['tables']), []);
  assert.equal(
    (await desk.json(['undrop'])).map((d) => d['table']),
    ['shop.orders'],
  );
  const back = await desk.ok(['undrop', 'shop.orders']);
  assert.match(back.stderr, 'shop.orders is back, with the state of orders');
  await desk.ok(['run', 'orders.yml']);
  assert.equal(await desk.ids(), [1, 2]);
  assert.match((await desk.sluice(['undrop', 'shop.orders'])).stderr, 'TABLE_NOT_DROPPED');
});

test('--json never asks, also on a terminal', async ({ desk }) => {
  const { code, stdout } = await desk.sluice(['drop', 'shop.orders', '--json'], { types: 'y\n' });
  assert.is(code, 2);
  assert.is((JSON.parse(stdout) as Record<string, unknown>)['code'], 'NOT_CONFIRMED');
});

test('after a rename the state is the table’s, and the pipelines to change are named', async ({ desk }) => {
  const { stderr } = await desk.ok(['rename', 'shop.orders', 'sales.all_orders']);
  assert.match(stderr, 'shop.orders is now sales.all_orders');
  assert.match(stderr, 'change `table:` in orders');
  assert.is((await desk.json(['state', 'show', 'orders']))[0]?.['target'], 'sales.all_orders');
  desk.write('orders.yml', ORDERS.replace('shop.orders', 'sales.all_orders'));
  desk.write('data/orders_2.csv', csv(3));
  await desk.ok(['run', 'orders.yml']);
  assert.equal(await desk.ids('sales.all_orders'), [1, 2, 3]);
  const bad = await desk.sluice(['rename', 'sales.all_orders', 'Sales.X']);
  assert.is(bad.code, 2);
  assert.match(bad.stderr, 'TABLE_NAME');
});

test('a renamed table that `sluice load` filled: the next load is told how to know its files', async ({ desk }) => {
  desk.write('more/1.csv', 'id,name\n1,a\n2,b\n');
  await desk.ok(['load', 'more', '--into', 'shop.more', '--yes']);
  const { stderr } = await desk.ok(['rename', 'shop.more', 'shop.most']);
  const move = /sluice (state move load:shop\.more load:shop\.most)$/m.exec(stderr)?.[1] ?? '';
  assert.not.match(stderr, 'change `table:`');
  await desk.ok(move.split(' '));
  assert.match((await desk.ok(['load', 'more', '--into', 'shop.most', '--yes'])).stderr, 'nothing new to load');
});

test('after a swap the state is the name’s: each pipeline goes on where it was', async ({ desk }) => {
  desk.write('new.yml', ORDERS.replace('data/orders_', 'other/x_').replace('shop.orders', 'shop.orders_new'));
  desk.write('other/x_1.csv', csv(10));
  await desk.ok(['run', 'new.yml']);
  const piped = await desk.sluice(['swap', 'shop.orders', 'shop.orders_new']);
  assert.is(piped.code, 2);
  assert.match(piped.stderr, 'Exchange shop.orders (2 rows) and shop.orders_new (1 row)?');
  await desk.ok(['swap', 'shop.orders', 'shop.orders_new', '--yes']);
  assert.equal(await desk.ids(), [10]);
  assert.equal(await desk.ids('shop.orders_new'), [1, 2]);
  desk.write('data/orders_2.csv', csv(3));
  desk.write('other/x_2.csv', csv(11));
  await desk.ok(['run', 'orders.yml']);
  await desk.ok(['run', 'new.yml']);
  assert.equal(await desk.ids(), [3, 10]);
  assert.equal(await desk.ids('shop.orders_new'), [1, 2, 11]);
  const same = await desk.sluice(['swap', 'shop.orders', 'shop.orders', '--yes']);
  assert.match(same.stderr, 'USAGE: sluice swap: expected two tables, found shop.orders twice');
});

test('views are not dropped, renamed or swapped as if they were tables', async ({ desk }) => {
  await desk.ok(['query', 'CREATE VIEW shop.v AS SELECT 1 AS one']);
  for (const args of [
    ['drop', 'shop.v', '--yes'],
    ['rename', 'shop.v', 'shop.w'],
    ['swap', 'shop.v', 'shop.orders', '--yes'],
  ]) {
    const { code, stderr } = await desk.sluice(args);
    assert.is(code, 2);
    assert.match(stderr, 'IS_VIEW');
    assert.match(stderr, 'DROP VIEW shop.v');
  }
});

test.run();
