import { appendFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TestProject } from './project.js';

const test = suite<{ project: TestProject }>('data that changes between runs');
test.before.each((context) => {
  context.project = new TestProject();
});
test.after.each(({ project }) => project.remove());

const orders = (more: string, out: string, idType = 'long') => `in:
  type: file
  path_prefix: data/
  ${more}
  parser: {type: csv, skip_header_lines: 1, columns: [{name: id, type: ${idType}}, {name: name, type: string}]}
out: {type: warehouse, table: shop.orders, ${out}}
exec: {max_rejects: 1}
`;
const rows = (project: TestProject) => project.query('SELECT id, name FROM shop.orders ORDER BY id');

test('on_changed: reload loads a changed file again where its rows take the place of the old ones', async ({ project }) => {
  project.write('data/a.csv', 'id,name\n1,a\n');
  project.write('orders.yml', orders('on_changed: reload', 'mode: merge, keys: [id]'));
  await project.run('orders.yml');
  project.write('data/a.csv', 'id,name\n1,b\n2,c\n');
  assert.is((await project.run('orders.yml')).read, 2);
  assert.equal(await rows(project), [
    { id: 1, name: 'b' },
    { id: 2, name: 'c' },
  ]);
  assert.is((await project.run('orders.yml')).status, 'up-to-date');
});

test('on_changed: reload is refused where the rows would stand twice', async ({ project }) => {
  project.write('data/a.csv', 'id,name\n1,a\n');
  project.write('orders.yml', orders('on_changed: reload', 'mode: append'));
  await project.run('orders.yml');
  project.write('data/a.csv', 'id,name\n1,b\n2,c\n');
  const { code, stderr } = await project.sluice(['run', 'orders.yml']);
  assert.is(code, 3, stderr);
  assert.match(stderr, /RELOAD_NEEDS_REPLACE: data\/a\.csv: changed since it was loaded/);
  assert.match(stderr, /hint: .*merge, truncate or replace/);
  assert.equal(await rows(project), [{ id: 1, name: 'a' }]);
});

for (const mode of ['truncate', 'replace']) {
  test(`${mode} of files without records is refused unless allow_empty`, async ({ project }) => {
    project.write('data/a.csv', 'id,name\n1,a\n');
    project.write('orders.yml', orders('', `mode: ${mode}`));
    await project.run('orders.yml');
    project.write('data/a.csv', 'id,name\n');
    const { code, stderr } = await project.sluice(['run', 'orders.yml']);
    assert.is(code, 3, stderr);
    assert.match(stderr, /NOTHING_READ: orders: nothing to read, and this run would replace shop\.orders with nothing/);
    assert.match(stderr, /hint: .*allow_empty/);
    assert.equal(await rows(project), [{ id: 1, name: 'a' }]);
    appendFileSync(`${project.folder}/data/a.csv`, '2,b\n');
    await project.run('orders.yml');
    assert.equal(await rows(project), [{ id: 2, name: 'b' }]);
    project.write('data/a.csv', 'id,name\n');
    project.write('orders.yml', orders('', `mode: ${mode}, allow_empty: true`));
    await project.run('orders.yml');
    assert.equal(await rows(project), []);
  });
}

test('rejects are not replayed into a mode that would keep them alone', async ({ project }) => {
  project.write('data/a.csv', 'id,name\n1,a\nx,b\n');
  project.write('orders.yml', orders('', 'mode: truncate'));
  const { run_id: runId } = await project.run('orders.yml');
  const { code, stderr } = await project.sluice(['rejects', runId as string, '--replay']);
  assert.is(code, 2, stderr);
  assert.match(stderr, /REPLAY_NEEDS_APPEND: .*out\.mode: orders: a replay adds rows, but this output replaces those of shop\.orders/);
  assert.match(stderr, /hint: run the pipeline again/);
  assert.equal(await rows(project), [{ id: 1, name: 'a' }]);
});

test('what is rejected behind a filter over the whole run is kept with the row that it was', async ({ project }) => {
  const lines = Array.from({ length: 50_000 }, (_, i) => `${i},${i % 1000 === 7 ? 'x' : '1'}${i}`);
  project.write('data/a.csv', `id,name\n${lines.join('\n')}\n`);
  const filters = [
    '{type: sql, query: "SELECT id, max(name) AS name FROM input GROUP BY id"}',
    '{type: column, columns: [{name: name, type: long}]}',
  ];
  project.write(
    'orders.yml',
    orders('', 'mode: append').replace(
      'out:',
      `filters:
  - ${filters.join('\n  - ')}
out:`,
    ),
  );
  const summary = await project.run('orders.yml', '--max-rejects', '50');
  assert.equal([summary.read, summary.written, summary.rejected], [50_000, 49_950, 50]);
  const found = await project.query('SELECT count(*) AS n, count(*) FILTER (raw LIKE \'%"name":"x%7"}\') AS matching FROM shop.orders__rejects');
  assert.equal(found, [{ n: 50, matching: 50 }]);
});

test.run();
