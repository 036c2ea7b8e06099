import { chmodSync, readdirSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TestProject } from '../../engine/project.js';

const test = suite<{ project: TestProject }>('damaged tables');
test.before.each(async (context) => {
  context.project = new TestProject();
  context.project.write('sluice.yml', '');
  for (const sql of ['TABLE shop.bad AS SELECT 1 AS gone', 'TABLE shop.orders AS SELECT 1 AS id', 'VIEW shop.v AS SELECT id FROM shop.orders'])
    assert.is((await context.project.sluice(['query', `CREATE ${sql}`])).code, 0);
});
test.after.each(({ project }) => project.remove());

for (const [what, code, damage] of [
  ['gone', 'OBJECT_MISSING', (file: string) => rmSync(file)],
  ['cut', 'METADATA_DAMAGED', (file: string) => (chmodSync(file, 0o644), truncateSync(file, 20))],
] as const)
  test(`metadata that is ${what} hides no other table, and is told where it is asked for`, async ({ project }) => {
    const files = readdirSync(project.folder, { recursive: true, encoding: 'utf8' });
    const found = files.filter((name) => /shop\/bad-.*\.metadata\.json$/.test(name));
    assert.ok(found.length > 0);
    for (const name of found) damage(join(project.folder, name));
    const names = await project.query('SELECT table_name, column_name FROM information_schema.columns');
    assert.equal(names, [{ table_name: 'orders', column_name: 'id' }]);
    assert.is((await project.query('SHOW TABLES FROM shop')).length, 3);
    assert.equal(await project.query('SHOW COLUMNS FROM shop.orders'), [{ column: 'id', type: 'long', duckdb_type: 'BIGINT' }]);
    for (const sql of ['SHOW COLUMNS FROM shop.bad', 'SELECT * FROM shop.bad']) assert.match((await project.sluice(['query', sql])).stderr, code);
  });

test('SHOW COLUMNS FROM a table that is not there says so', async ({ project }) => {
  const outcome = await project.sluice(['query', 'SHOW COLUMNS FROM shop.ordres']);
  assert.is(outcome.code, 2);
  assert.match(outcome.stderr, 'TABLE_MISSING: line 1:1: the warehouse has no table or view shop.ordres\nhint: did you mean shop.orders?');
  assert.equal(await project.query("SHOW COLUMNS FROM Shop.Orders LIKE 'x%'"), []);
  assert.match((await project.sluice(['query', 'SHOW COLUMNS FROM shop.v'])).stderr, 'shop.v is a view\nhint: DESCRIBE shop.v gives its columns');
});

test.run();
