import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Desk, ORDERS, csv } from './desk.js';

const test = suite<{ desk: Desk }>('sluice export');
test.before.each(async (context) => {
  const desk = (context.desk = new Desk());
  desk.write('orders.yml', ORDERS);
  desk.write('data/orders_1.csv', csv(1, 2, 3));
  await desk.ok(['run', 'orders.yml']);
});
test.after.each((context) => context.desk.remove());

test('a result goes to a file of the working folder, with the format of its name', async ({ desk }) => {
  mkdirSync(join(desk.folder, 'sub'));
  const { stderr } = await desk.ok(['export', 'select id, amount from shop.orders order by id', '--to', 'file:out/totals.csv'], { cwd: 'sub' });
  assert.is(readFileSync(join(desk.folder, 'sub/out/totals.csv'), 'utf8'), 'id,amount\r\n1,1.50\r\n2,1.50\r\n3,1.50\r\n');
  assert.match(stderr, /the query reads 1 of 1 files of shop\.orders/);
  const again = await desk.sluice(['export', 'select 1 as x', '--to', 'file:out/totals.csv'], { cwd: 'sub' });
  assert.is.not(again.code, 0, 'a file of another run stays');
  await desk.ok(['export', 'select 1 as x', '--to', 'file:out/totals.csv?overwrite=true&newline=LF&header=false'], { cwd: 'sub' });
  assert.is(readFileSync(join(desk.folder, 'sub/out/totals.csv'), 'utf8'), '1\n');
});

test('to stdout: the rows and nothing else', async ({ desk }) => {
  const { stdout } = await desk.ok(['export', '--query', 'select id from shop.orders order by id', '--to', 'stdout:?format=jsonl']);
  assert.is(stdout, '{"id":1}\n{"id":2}\n{"id":3}\n');
});

test('the text may come from a file or stdin, with parameters', async ({ desk }) => {
  desk.write('q.sql', 'select id from shop.orders where id >= $least::BIGINT order by id');
  const fromFile = await desk.ok(['export', '-f', 'q.sql', '-p', 'least=2', '--to', '-']);
  assert.is(fromFile.stdout, 'id\r\n2\r\n3\r\n');
  const piped = await desk.ok(['export', '--to', 'stdout'], { stdin: 'select count(*) as n from orders', cwd: '.' }).catch((error: Error) => error);
  assert.match((piped as Error).message, /TABLE_MISSING|SQL_INVALID|orders/);
  const named = await desk.ok(['export', '--namespace', 'shop', '--to', 'stdout'], { stdin: 'select count(*) as n from orders' });
  assert.is(named.stdout, 'n\r\n3\r\n');
});

test('into a table of the warehouse, as a run with a name, kept as a pipeline', async ({ desk }) => {
  const to = 'warehouse:mart.totals?mode=merge&keys=id';
  await desk.ok(['export', 'select id, amount from shop.orders', '--to', to, '--save', 'pipelines/totals.yml']);
  await desk.ok(['export', 'select id, amount * 2 as amount from shop.orders where id > 1', '--to', to]);
  const { stdout } = await desk.ok(['query', 'select id, amount from mart.totals order by id', '--format', 'csv']);
  assert.is(stdout, 'id,amount\n1,1.50\n2,3.00\n3,3.00\n');
  const [run] = await desk.json<{ pipeline: string }>(['runs', '--limit', '1']);
  assert.is(run?.pipeline, 'export:warehouse:mart.totals');
  const saved = readFileSync(join(desk.folder, 'pipelines/totals.yml'), 'utf8');
  assert.match(saved, /name: export:warehouse:mart\.totals/);
  assert.match(saved, /mode: merge/);
  await desk.ok(['check', 'pipelines/totals.yml']);
  await desk.ok(['run', 'pipelines/totals.yml']);
});

test('a dry run says what would happen and leaves nothing', async ({ desk }) => {
  await desk.ok(['export', 'select 1 as a', '--to', 'file:x.csv', '--dry-run']);
  assert.not.ok(existsSync(join(desk.folder, 'x.csv')));
});

test('a password of the URL is told about and shown nowhere', async ({ desk }) => {
  const outcome = await desk.sluice([
    'export',
    'select 1 as a',
    '--to',
    'postgresql://me:canary-4711@127.0.0.1:1/db/t?mode=append',
    '--save',
    'p.yml',
    '--log-level',
    'debug',
  ]);
  assert.is(outcome.code, 4, outcome.stderr);
  assert.match(outcome.stderr, /the URL holds a secret/);
  assert.match(readFileSync(join(desk.folder, 'p.yml'), 'utf8'), /env: SLUICE_PASSWORD/);
  for (const text of [
    outcome.stdout,
    outcome.stderr,
    readFileSync(join(desk.folder, 'p.yml'), 'utf8'),
    readFileSync(join(desk.folder, '.sluice/metastore.db'), 'latin1'),
  ])
    assert.not.match(text, /canary-4711/);
});

test('mistakes on the command line', async ({ desk }) => {
  const cases: [string[], string, RegExp][] = [
    [['select 1'], 'USAGE', /expected --to TARGET/],
    [['select 1', '--query', 'select 2', '--to', '-'], 'USAGE', /given twice/],
    [['select 1', '--to', '-', '--connection', 'x:y'], 'USAGE', /two targets/],
    [['select 1', '--to', 'nosuch:t'], 'RESULT_URL', /no connection nosuch/],
    [['drop table shop.orders', '--to', '-'], 'QUERY_TEXT', /writes/],
    [['select 1', '--to', 'warehouse:a.b?modes=x'], 'CONFIG_UNKNOWN_KEY', /modes/],
    [['select 1', '--to', '-', '--param', 'x'], 'USAGE', /expected NAME=VALUE/],
  ];
  for (const [args, code, message] of cases) {
    const { code: exit, stderr } = await desk.sluice(['export', ...args]);
    assert.is(exit, 2, stderr);
    assert.match(stderr, code);
    assert.match(stderr, message);
  }
  assert.equal(await desk.ids(), [1, 2, 3]);
});

test.run();
