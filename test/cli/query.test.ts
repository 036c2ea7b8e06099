import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { csv, Desk, ORDERS } from './desk.js';

const test = suite<{ desk: Desk }>('query');
test.before.each((context) => {
  context.desk = new Desk();
  context.desk.write('sluice.yml', '');
});
test.after.each(({ desk }) => desk.remove());

async function answer(desk: Desk, ...args: readonly string[]): Promise<string> {
  return (await desk.ok(['query', ...args, '--format', 'csv'])).stdout.trim().split('\n').slice(1).join('\n');
}

test('--scheduled-time is what TD_SCHEDULED_TIME gives', async ({ desk }) => {
  const sql = "SELECT TD_TIME_STRING(TD_SCHEDULED_TIME(), 's!', 'JST')";
  assert.is(await answer(desk, sql, '--scheduled-time', '2026-01-31 12:00:00'), '2026-01-31 21:00:00');
  assert.is(await answer(desk, sql, '--scheduled-time', '2026-01-31 JST'), '2026-01-31 00:00:00');
  assert.is(await answer(desk, sql, '--scheduled-time', '1769860800'), '2026-01-31 21:00:00');
  const wrong = await desk.sluice(['query', sql, '--scheduled-time', 'tomorrow']);
  assert.is(wrong.code, 2);
  assert.match(wrong.stderr, 'USAGE: --scheduled-time: expected a time, found tomorrow');
});

test('one time holds for all statements that write', async ({ desk }) => {
  await desk.ok(['query', 'CREATE TABLE shop.runs AS SELECT TD_SCHEDULED_TIME() AS "time"', '--scheduled-time', '100']);
  await desk.ok([
    'query',
    "INSERT INTO shop.runs SELECT TD_SCHEDULED_TIME(); INSERT INTO shop.runs SELECT td_time_add(0, '5s')",
    '--scheduled-time',
    '200',
  ]);
  assert.is(await answer(desk, 'SELECT "time" FROM shop.runs ORDER BY 1'), '5\n100\n200');
  await desk.ok(['query', "DELETE FROM shop.runs WHERE TD_TIME_RANGE(time, NULL, '1970-01-01 00:02:00')"]);
  assert.is(await answer(desk, 'SELECT "time" FROM shop.runs'), '200');
});

test('equal names of a result are told apart alike in every format that programs read', async ({ desk }) => {
  const sql = 'SELECT 1 AS a, 2 AS a, 3 AS a_1, 4 AS "A", 5 AS b';
  const as = async (format: string): Promise<string> => (await desk.ok(['query', sql, '--format', format])).stdout.trim();
  assert.is(await as('jsonl'), '{"a":1,"a_1":2,"a_1_1":3,"A_2":4,"b":5}');
  assert.is(await as('json'), '[\n{"a":1,"a_1":2,"a_1_1":3,"A_2":4,"b":5}\n]');
  assert.is(await as('csv'), 'a,a_1,a_1_1,A_2,b\n1,2,3,4,5');
  assert.is((await as('tsv')).split('\n')[0], 'a\ta_1\ta_1_1\tA_2\tb');
  // The Parquet file is DuckDB's own.
  await desk.ok(['query', sql, '-o', 'r.parquet']);
  await desk.ok(['load', 'r.parquet', '--into', 'shop.names', '--yes']);
  assert.match((await desk.ok(['show', 'shop.names', '--json'])).stdout, /"a_1".*"a_1_1".*"A_2"/);
  assert.match((await desk.ok(['query', sql, '--format', 'table'])).stdout, /a +a +a_1 +A +b/);
});

test('a device or pipe of -o is written to, and stays what it is', async ({ desk }) => {
  const pipe = join(desk.folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const read = readFile(pipe, 'utf8');
  await desk.ok(['query', 'SELECT 1 AS a', '--format', 'csv', '-o', 'pipe']);
  assert.is(await read, 'a\n1\n');
  for (const args of [
    ['query', 'SELECT 1 AS a', '--format', 'parquet', '-o', 'pipe', '--force'],
    ['export', '--query', 'SELECT 1 AS a', '--to', 'file:pipe?format=csv&overwrite=true'],
  ]) {
    const refused = await desk.sluice(args);
    assert.is(refused.code, 2, refused.stderr);
    assert.match(refused.stderr, /FILE_SPECIAL: .*pipe is no regular file/);
  }
  assert.ok(statSync(pipe).isFIFO());
});

test('a file of -o is whole, or as it was before', async ({ desk }) => {
  for (const name of ['old.csv', 'old.parquet']) {
    desk.write(name, 'old');
    assert.is((await desk.sluice(['query', 'SELECT nothing', '-o', name, '--force'])).code, 2);
    assert.is((await desk.sluice(['query', 'SELECT CAST(range AS TINYINT) FROM range(300000)', '-o', name, '--force'])).code, 3);
    assert.is(readFileSync(join(desk.folder, name), 'utf8'), 'old', name);
    await desk.ok(['query', 'SELECT 1 AS a', '-o', name, '--force']);
    assert.is.not(readFileSync(join(desk.folder, name), 'utf8'), 'old', name);
  }
  mkdirSync(join(desk.folder, 'folder.csv'));
  assert.match((await desk.sluice(['query', 'SELECT 1', '-o', 'folder.csv', '--force'])).stderr, /FILE_SPECIAL: .*folder\.csv is a folder/);
  await desk.ok(['query', 'SELECT 1 AS a', '-o', 'results/today/a.csv']);
  assert.is(readFileSync(join(desk.folder, 'results/today/a.csv'), 'utf8'), 'a\n1\n');
  desk.write('file', '');
  const below = await desk.sluice(['query', 'SELECT 1 AS a', '-o', 'file/a.csv']);
  assert.is(below.code, 4);
  assert.match(below.stderr, /FILE_SYSTEM: writing .*file\/a\.csv: /);
  const two = await desk.sluice(['query', 'SELECT 1; SELECT 2', '-o', 'two.csv', '--force']);
  assert.is(two.code, 2);
  assert.match(two.stderr, 'one SELECT');
  assert.equal(
    readdirSync(desk.folder).filter((name) => /partial|two/.test(name)),
    [],
  );
});

test('an empty namespace is a wrong use', async ({ desk }) => {
  const outcome = await desk.sluice(['query', 'SELECT 1', '--namespace', '']);
  assert.is(outcome.code, 2);
  assert.match(outcome.stderr, 'USAGE: --namespace');
});

test('exec of sluice.yml limits queries', async ({ desk }) => {
  desk.write('sluice.yml', 'exec: {memory_limit: 700MB, max_threads: 1, temp_dir: work/tmp}\n');
  assert.is(await answer(desk, "SELECT current_setting('memory_limit'), current_setting('threads')"), '367.0 MiB,1');
  assert.match(await answer(desk, "SELECT current_setting('temp_directory')"), `${desk.folder}/work/tmp/sluice-query-`);
});

test('tables --format td lists as Treasure Data’s client does', async ({ desk }) => {
  assert.is((await desk.ok(['tables', '--format', 'td'])).stdout, '0 rows in set\n');
  desk.write('orders.yml', ORDERS);
  desk.write('data/orders_1.csv', csv(1, 2));
  await desk.ok(['run', 'orders.yml']);
  await desk.ok(['query', 'CREATE TABLE testdb.www_access AS SELECT 1 AS a; CREATE VIEW shop.v AS SELECT 1 AS a']);
  const { stdout } = await desk.ok(['tables', '--format', 'td']);
  assert.is(
    stdout,
    [
      '+------------+------------+------+-----------+',
      '| Database   | Table      | Type | Count     |',
      '+------------+------------+------+-----------+',
      '| shop       | orders     | log  | 2         |',
      '| testdb     | www_access | log  | 1         |',
      '+------------+------------+------+-----------+',
      '2 rows in set',
      '',
    ].join('\n'),
  );
  const wrong = await desk.sluice(['tables', '--format', 'xml']);
  assert.is(wrong.code, 2);
  assert.match(wrong.stderr, 'USAGE: --format: expected table or td, found xml');
});

/** Files of the warehouse below the desk, by path. */
function filesOf(desk: Desk): readonly string[] {
  return readdirSync(desk.folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(parquet|avro|json)$/.test(file))
    .sort();
}

test('--run shows a held run as its commit would be, and leaves nothing behind', async ({ desk }) => {
  desk.write('orders.yml', `${ORDERS}exec: {max_rejects: 10}\n`);
  desk.write('data/orders_1.csv', csv(1, 2));
  await desk.ok(['run', 'orders.yml']);
  desk.write('data/orders_2.csv', csv(3, 'x', 4));
  await desk.ok(['run', 'orders.yml', '--hold']);
  const before = filesOf(desk);
  const sql = 'SELECT count(*), max(id) FROM shop.orders';
  assert.is(await answer(desk, sql), '2,2');
  assert.is(await answer(desk, sql, '--run', 'latest'), '4,4');
  const rejects = 'SELECT record_number, column_name, raw FROM shop.orders__rejects';
  assert.is(await answer(desk, rejects, '--run', 'latest'), '2,id,"x,1.50"');
  assert.match((await desk.ok(['query', 'SELECT * FROM shop.orders', '--run', 'latest', '--explain'])).stdout, /shop\.orders +1 +2 +2 +4 +4/);
  await desk.ok(['query', sql, '--run', 'latest', '-o', 'held.parquet']);
  const write = await desk.sluice(['query', 'DELETE FROM shop.orders', '--run', 'latest']);
  assert.is(write.code, 2);
  assert.match(write.stderr, /SQL_REFUSED: run .* is held: with --run there are only SELECTs/);
  assert.equal(
    filesOf(desk).filter((file) => file !== 'held.parquet'),
    before,
  );
  await desk.ok(['commit', 'latest']);
  assert.is(await answer(desk, sql), '4,4');
  const over = await desk.sluice(['query', sql, '--run', 'latest']);
  assert.is(over.code, 2);
  assert.match(over.stderr, /RUN_NOT_HELD: run .* is committed/);
  assert.match(over.stderr, 'leave --run out');
});

test('--run shows a table that does not exist yet, and merges', async ({ desk }) => {
  const merge = ORDERS.replace('table: shop.orders', 'table: shop.orders, mode: merge, merge_keys: [id]');
  desk.write('orders.yml', merge);
  desk.write('data/orders_1.csv', csv(1, 2));
  await desk.ok(['run', 'orders.yml', '--hold']);
  assert.is(await answer(desk, 'SELECT id FROM shop.orders ORDER BY 1', '--run', 'latest'), '1\n2');
  assert.match((await desk.sluice(['query', 'SELECT id FROM shop.orders'])).stderr, 'TABLE_MISSING');
  await desk.ok(['commit', 'latest']);
  desk.write('data/orders_2.csv', 'id,amount\n2,9\n3,9\n');
  await desk.ok(['run', 'orders.yml', '--hold']);
  const before = filesOf(desk);
  const sql = 'SELECT id, amount FROM shop.orders ORDER BY 1';
  assert.is(await answer(desk, sql, '--run', 'latest'), '1,1.50\n2,9.00\n3,9.00');
  assert.is(await answer(desk, sql), '1,1.50\n2,1.50');
  assert.equal(filesOf(desk), before);
  await desk.ok(['discard', 'latest']);
  assert.is(await answer(desk, sql), '1,1.50\n2,1.50');
});

test('--run shows all tables of a list of outputs', async ({ desk }) => {
  const list = 'out:\n  - {type: warehouse, table: shop.small, where: "id < 3"}\n  - {type: warehouse, table: shop.all}\n';
  desk.write('orders.yml', ORDERS.replace('out: {type: warehouse, table: shop.orders}\n', list));
  desk.write('data/orders_1.csv', csv(1, 2, 3));
  await desk.ok(['run', 'orders.yml', '--hold']);
  const sql = 'SELECT (SELECT count(*) FROM shop.small), (SELECT count(*) FROM shop.all)';
  assert.is(await answer(desk, sql, '--run', 'latest'), '2,3');
  await desk.ok(['discard', 'latest']);
});

test.run();
