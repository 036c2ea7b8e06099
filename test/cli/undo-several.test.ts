import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { csv, Desk } from './desk.js';

const test = suite<{ desk: Desk }>('undo of runs into several tables');
const INPUT = 'in: {type: csv, path_prefix: data/orders_, skip_header_lines: 1, columns: [{name: id, type: long}, {name: amount, type: string}]}\n';
test.before.each((context) => {
  const desk = new Desk();
  context.desk = desk;
  desk.write('sluice.yml', '');
  desk.write(
    'list.yml',
    `${INPUT}out:
  - {type: warehouse, table: shop.small, where: "id < 10"}
  - {type: warehouse, table: shop.all, mode: merge, keys: [id]}
exec: {max_rejects: 10}
`,
  );
});
test.after.each(({ desk }) => desk.remove());

async function load(desk: Desk, config: string, ...ids: readonly (number | string)[]): Promise<string> {
  desk.write(`data/orders_${ids.join('_')}.csv`, csv(...ids));
  await desk.ok(['run', config]);
  return desk.runId();
}

async function files(desk: Desk): Promise<readonly string[]> {
  const [state] = await desk.json<{ state: { files: object } }>(['state', 'show']);
  return Object.keys(state?.state.files ?? {});
}

test('all tables of a list, its rejects and its state go back in one step', async ({ desk }) => {
  await load(desk, 'list.yml', 1, 20);
  const run = await load(desk, 'list.yml', 2, 'x', 30);
  assert.equal(
    [await desk.ids('shop.small'), await desk.ids('shop.all')],
    [
      [1, 2],
      [1, 2, 20, 30],
    ],
  );
  const [undone] = await desk.json<{ tables: { table: string }[]; undone_runs: string[] }>(['undo', run]);
  assert.equal([undone?.tables.map(({ table }) => table), undone?.undone_runs], [['shop.small', 'shop.all'], [run]]);
  assert.equal([await desk.ids('shop.small'), await desk.ids('shop.all')], [[1], [1, 20]]);
  assert.equal((await desk.ok(['query', 'SELECT count(*) n FROM sluice_rejects.list', '--format', 'jsonl'])).stdout, '{"n":0}\n');
  assert.equal(await files(desk), ['data/orders_1_20.csv']);
  await desk.ok(['run', 'list.yml']);
  assert.equal(
    [await desk.ids('shop.small'), await desk.ids('shop.all')],
    [
      [1, 2],
      [1, 2, 20, 30],
    ],
  );
});

test('what came later into one of the tables is named; --with-later takes back all that it wrote elsewhere, too', async ({ desk }) => {
  const single = `${INPUT.replace('orders_', 'more_')}out: {type: warehouse, table: shop.small}\n`;
  desk.write('single.yml', single);
  desk.write('data/more_5.csv', csv(5));
  const first = await load(desk, 'list.yml', 1);
  await desk.ok(['run', 'single.yml']);
  const middle = await desk.runId();
  const last = await load(desk, 'list.yml', 2, 20);
  const refused = await desk.sluice(['undo', middle]);
  assert.is(refused.code, 5);
  assert.match(refused.stderr, `UNDO_LATER_COMMITS: shop.small was changed once after run ${middle}: ${last}`);
  assert.equal(
    [await desk.ids('shop.small'), await desk.ids('shop.all')],
    [
      [1, 2, 5],
      [1, 2, 20],
    ],
  );
  const [undone] = await desk.json<{ tables: { table: string }[]; undone_runs: string[] }>(['undo', middle, '--with-later']);
  assert.equal(undone?.undone_runs, [last, middle]);
  assert.equal([await desk.ids('shop.small'), await desk.ids('shop.all')], [[1], [1]]);
  await desk.ok(['undo', first]);
  assert.equal([await desk.ids('shop.small'), await desk.ids('shop.all')], [[], []]);
});

test('a target elsewhere, or a table that is gone, refuses the whole before anything changes', async ({ desk }) => {
  desk.write(
    'mixed.yml',
    `${INPUT}out:
  - {type: file, path_prefix: out/orders_, formatter: {type: csv}}
  - {type: warehouse, table: shop.all}
`,
  );
  const mixed = await load(desk, 'mixed.yml', 1);
  const outside = await desk.sluice(['undo', mixed]);
  assert.is(outside.code, 2);
  assert.match(outside.stderr, `UNDO_OUTSIDE: run ${mixed} wrote to file out/orders_*, which cannot be undone; nothing was changed`);
  assert.match(outside.stderr, 'undo takes back tables of the warehouse only');
  assert.equal(await desk.ids('shop.all'), [1]);
  desk.write('only.yml', `${INPUT}out: {type: file, path_prefix: out/only_, formatter: {type: csv}}\n`);
  await desk.ok(['run', 'only.yml']);
  assert.match((await desk.sluice(['undo', 'latest'])).stderr, 'wrote to out/only_*, which cannot be undone');
  await desk.ok(['drop', 'shop.all', '--yes']);
  const run = await load(desk, 'list.yml', 2);
  await desk.ok(['drop', 'shop.small', '--yes']);
  const gone = await desk.sluice(['undo', run]);
  assert.match(gone.stderr, 'UNDO_TABLE_GONE: shop.small, which run');
  assert.equal(await desk.ids('shop.all'), [1, 2]);
});

test.run();
