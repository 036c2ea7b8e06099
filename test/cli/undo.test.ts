import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { csv, Desk, ORDERS, steady } from './desk.js';

const test = suite<{ desk: Desk }>('undo');
test.before.each((context) => {
  const desk = new Desk();
  context.desk = desk;
  desk.write('sluice.yml', '');
  desk.write('orders.yml', `${ORDERS}exec: {max_rejects: 10}\n`);
});
test.after.each(({ desk }) => desk.remove());

async function load(desk: Desk, ...ids: readonly (number | string)[]): Promise<string> {
  desk.write(`data/orders_${ids.join('_')}.csv`, csv(...ids));
  await desk.ok(['run', 'orders.yml']);
  return desk.runId();
}

test('table, rejects and state go back together, so that the next run loads the files again', async ({ desk }) => {
  await load(desk, 1);
  const run = await load(desk, 2, 'x');
  const [undone] = await desk.json(['undo', run]);
  assert.equal([undone?.['table'], undone?.['undone_runs']], ['shop.orders', [run]]);
  assert.equal(await desk.ids(), [1]);
  assert.equal((await desk.ok(['query', 'SELECT count(*) FROM shop.orders__rejects', '--format', 'jsonl'])).stdout, '{"count_star()":0}\n');
  const [state] = await desk.json<{ state: { files: object } }>(['state', 'show']);
  assert.equal(Object.keys(state?.state.files ?? {}), ['data/orders_1.csv']);
  await desk.ok(['run', 'orders.yml']);
  assert.equal(await desk.ids(), [1, 2]);
});

test('later commits are named and refused; --with-later takes them back, too', async ({ desk }) => {
  await load(desk, 1);
  const second = await load(desk, 2);
  const third = await load(desk, 3);
  const refused = await desk.sluice(['undo', second]);
  assert.is(refused.code, 5);
  assert.match(refused.stderr, `UNDO_LATER_COMMITS: shop.orders was changed once after run ${second}: ${third}`);
  assert.match(refused.stderr, /hint: --with-later takes all of that back, too; snapshots reach back to \d{4}-/);
  assert.equal(await desk.ids(), [1, 2, 3]);
  const [undone] = await desk.json(['undo', second, '--with-later']);
  assert.equal(undone?.['undone_runs'], [third, second]);
  assert.equal(await desk.ids(), [1]);
  await desk.ok(['run', 'orders.yml']);
  assert.equal(await desk.ids(), [1, 2, 3]);
});

test('the first run leaves an empty table and no state', async ({ desk }) => {
  const run = await load(desk, 1);
  const { stderr } = await desk.ok(['undo', run]);
  assert.match(stderr, 'shop.orders is empty, as before the run');
  assert.equal(await desk.ids().then((ids) => ids.length), 0);
  assert.equal(await desk.json(['state', 'show']), []);
  await desk.ok(['run', 'orders.yml']);
  assert.equal(await desk.ids(), [1]);
});

test('a replace is undone with the schema and partitioning of before', async ({ desk }) => {
  await load(desk, 1, 2);
  desk.write(
    'other.yml',
    'in: {type: config, columns: [{name: id, type: long}, {name: note, type: string}], rows: [[7, a]]}\nout: {type: warehouse, table: shop.orders, mode: replace, partition_by: [note]}\n',
  );
  await desk.ok(['run', 'other.yml']);
  assert.equal(await desk.ids(), [7]);
  assert.equal((await desk.json(['show', 'shop.orders']))[0]?.['partitioned_by'], ['note']);
  await desk.ok(['undo', 'latest']);
  assert.is((await desk.ok(['query', 'SELECT * FROM shop.orders ORDER BY id', '--format', 'csv'])).stdout, 'id,amount\n1,1.50\n2,1.50\n');
  assert.equal((await desk.json(['show', 'shop.orders']))[0]?.['partitioned_by'], []);
  await load(desk, 3);
  assert.equal(await desk.ids(), [1, 2, 3]);
});

test('what was undone stays readable by its snapshot, and is not undone twice', async ({ desk }) => {
  await load(desk, 1);
  const run = await load(desk, 2);
  const [table] = await desk.json<{ current_snapshot: string }>(['show', 'shop.orders']);
  await desk.ok(['undo', run]);
  const { stdout } = await desk.ok([
    'query',
    'SELECT id FROM shop.orders ORDER BY id',
    '--snapshot',
    table?.current_snapshot ?? '',
    '--format',
    'csv',
  ]);
  assert.is(stdout, 'id\n1\n2\n');
  const again = await desk.sluice(['undo', run]);
  assert.is(again.code, 2);
  assert.match(again.stderr, `UNDO_DONE: shop.orders: run ${run} was undone before`);
  const next = (await desk.json<{ run_id: string }>(['runs'])).at(-1)?.run_id ?? '';
  assert.match(again.stderr, `hint: sluice undo ${next} takes back the newest committed run; \`sluice show shop.orders\` lists the snapshots`);
  await desk.ok(['undo', next]);
  assert.not.match((await desk.sluice(['undo', next])).stderr, 'newest committed');
});

test('runs that did not commit, wrote nothing or lost their table have nothing to undo', async ({ desk }) => {
  await load(desk, 1);
  desk.write('data/orders_2.csv', csv(2));
  await desk.ok(['run', 'orders.yml', '--hold']);
  const held = await desk.sluice(['undo', 'latest']);
  assert.match(held.stderr, 'UNDO_NOT_COMMITTED');
  assert.match(held.stderr, 'sluice discard');
  const first = (await desk.json<{ run_id: string }>(['runs'])).at(-1)?.run_id ?? '';
  const unfinished = await desk.sluice(['undo', first]);
  assert.is(unfinished.code, 5);
  assert.match(steady(unfinished.stderr), 'RUN_UNFINISHED: orders: run <run> is held and would store its own state');
  await desk.ok(['discard', 'latest']);
  await desk.ok(['drop', 'shop.orders', '--yes']);
  const gone = await desk.sluice(['undo', first]);
  assert.match(gone.stderr, 'UNDO_TABLE_GONE');
  assert.match(gone.stderr, 'sluice undrop shop.orders');
});

test('a run is undone under the table’s new name; on a terminal it asks', async ({ desk }) => {
  await load(desk, 1);
  const run = await load(desk, 2);
  await desk.ok(['rename', 'shop.orders', 'shop.sales']);
  const no = await desk.sluice(['undo', run], { types: '\n' });
  assert.is(no.code, 130);
  assert.match(no.stderr, `Take run ${run} back out of shop.sales? It will hold 1 row. [y/N]`);
  await desk.ok(['undo', run], { types: 'yes\n' });
  assert.equal(await desk.ids('shop.sales'), [1]);
});

test('a run that was taken back is listed as undone', async ({ desk }) => {
  const first = await load(desk, 1);
  const second = await load(desk, 2);
  await desk.ok(['undo', second]);
  const { stdout } = await desk.ok(['runs']);
  assert.match(stdout, new RegExp(`${second} .* undone `));
  assert.match(stdout, new RegExp(`${first} .* committed `));
  assert.match((await desk.ok(['runs', 'show', second])).stdout, /status +undone\n/);
});

test('a replay that failed is shown with the command that continues it, and can be discarded', async ({ desk }) => {
  const run = await load(desk, 1, 'x');
  desk.write('orders.yml', ORDERS);
  const replay = await desk.sluice(['rejects', run, '--replay']);
  assert.match(replay.stderr, 'TOO_MANY_REJECTS');
  const failed = await desk.runId();
  assert.match((await desk.sluice(['undo', 'latest'])).stderr, `sluice undo ${run} takes back the newest committed run`);
  assert.match((await desk.ok(['runs', 'show', failed])).stdout, `sluice rejects ${run} --replay to continue it; sluice discard ${failed} ends it`);
  await desk.ok(['discard', failed]);
  assert.match((await desk.ok(['runs', 'show', failed])).stdout, /status +discarded\n/);
  assert.equal(await desk.ids(), [1]);
});

test('runs of SQL statements tell what they count', async ({ desk }) => {
  await load(desk, 1, 2);
  await desk.ok(['query', 'DELETE FROM shop.orders WHERE id = 1']);
  await desk.ok(['query', 'INSERT INTO shop.orders SELECT * FROM shop.orders']);
  const listed = (await desk.ok(['runs'])).stdout;
  const [inserted, deleted] = await desk.json<{ run_id: string }>(['runs']);
  const shown = (await desk.ok(['runs', 'show', deleted?.run_id ?? ''])).stdout;
  assert.match(shown, /commit +rows deleted 1/);
  const both = listed + shown + (await desk.ok(['runs', 'show', inserted?.run_id ?? ''])).stdout;
  assert.not.match(both, 'undefined');
});

test.run();
