import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Desk } from './desk.js';

const test = suite<{ desk: Desk }>('sluice export --diff');
test.before.each(async (context) => {
  const desk = (context.desk = new Desk());
  await desk.ok([
    'query',
    `CREATE TABLE shop.t AS SELECT * FROM (VALUES (1, 'a', 1.50, '{"x": 1}'::JSON), (2, 'b', NULL, NULL), (3, NULL, 3.00, NULL)) v(id, name, amount, more)`,
  ]);
});
test.after.each((context) => context.desk.remove());

const TO = 'warehouse:mart.t?mode=update&unique=id';

async function exported(desk: Desk, sql: string, ...args: string[]): Promise<{ written: number; status: string }> {
  const { stdout } = await desk.ok(['export', sql, '--to', TO, '--diff', '--json', ...args]);
  const { pipelines } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as { pipelines: { written: number; status: string }[] };
  return pipelines[0] as { written: number; status: string };
}

async function target(desk: Desk): Promise<string> {
  return (await desk.ok(['query', 'SELECT id, name, amount, more FROM mart.t ORDER BY id', '--format', 'csv'])).stdout;
}

test('the first export gives all, the next what changed, with deletions', async ({ desk }) => {
  const sql = 'select * from shop.t';
  assert.is((await exported(desk, sql)).written, 3);
  assert.is(await target(desk), 'id,name,amount,more\n1,a,1.50,"{""x"": 1}"\n2,b,,\n3,,3.00,\n');
  assert.is((await exported(desk, sql)).written, 0);
  await desk.ok(['query', 'DELETE FROM shop.t WHERE id = 1']);
  await desk.ok(['query', "DELETE FROM shop.t WHERE id = 3; INSERT INTO shop.t VALUES (3, 'now', 3.00, NULL), (4, 'd', 4.00, NULL)"]);
  assert.is((await exported(desk, sql)).written, 3);
  assert.is(await target(desk), 'id,name,amount,more\n2,b,,\n3,now,3.00,\n4,d,4.00,\n');
  assert.is((await exported(desk, sql)).written, 0);
  assert.is((await exported(desk, 'select * from shop.t where false')).written, 3);
  assert.is(await target(desk), 'id,name,amount,more\n');
});

test('what others put into the target stays; a new column makes every row another one', async ({ desk }) => {
  await exported(desk, 'select id, name from shop.t');
  await desk.ok(['query', "INSERT INTO mart.t VALUES (99, 'other')"]);
  assert.is((await exported(desk, 'select id, name, id * 2 as twice from shop.t')).written, 3);
  const { stdout } = await desk.ok(['query', 'SELECT id, twice FROM mart.t ORDER BY id', '--format', 'csv']);
  assert.is(stdout, 'id,twice\n1,2\n2,4\n3,6\n99,\n');
});

test('an export that fails is not taken for delivered', async ({ desk }) => {
  await exported(desk, 'select id, name from shop.t');
  const failed = await desk.sluice(['export', 'select id, name from shop.t union all select 2, null', '--to', TO, '--diff']);
  assert.is(failed.code, 3);
  assert.match(failed.stderr, /DUPLICATE_KEYS.*1 keys stand in several rows of the result, such as id = 2/);
  assert.is((await exported(desk, 'select id, name from shop.t')).written, 0);
});

test('without keys, or to a target that takes no deletions, it is refused', async ({ desk }) => {
  const cases: [string, string, RegExp][] = [
    ['warehouse:mart.t', 'EXPORT_DIFF', /needs mode=merge and keys, found mode=append/],
    ['warehouse:mart.t?mode=merge', 'EXPORT_DIFF', /found no keys/],
    ['warehouse:mart.t?mode=merge&keys=nosuch', 'DIFF_KEYS', /the result has no column nosuch/],
    ['stdout:?mode=merge&keys=id', 'EXPORT_DIFF', /the output stdout does not take deletions/],
  ];
  for (const [to, code, message] of cases) {
    const { code: exit, stderr } = await desk.sluice(['export', 'select * from shop.t', '--to', to, '--diff']);
    assert.is(exit, 2, stderr);
    assert.match(stderr, code);
    assert.match(stderr, message);
  }
});

test.run();
