import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TestProject } from '../../engine/project.js';

const test = suite<{ project: TestProject }>('output warehouse');
test.before.each((context) => {
  context.project = new TestProject();
});
test.after.each((context) => context.project.remove());

function pipeline(rows: string, out: string, exec = ''): string {
  return `in:
  type: config
  columns: [{name: id, type: long}, {name: day, type: date}, {name: name, type: string}]
  rows: ${rows}
out: {type: warehouse, table: shop.t, ${out}}
${exec}`;
}

test('merge replaces by key, whatever its spelling; NULL keys are rejected with their reason', async ({ project }) => {
  project.write('a.yml', pipeline('[[1, 2024-01-01, a], [2, 2024-01-02, b]]', 'time_column: day'));
  await project.run('a.yml');
  for (const [i, spelling] of ['mode: merge, merge_keys: [id]', 'mode: merge_direct, keys: id', 'mode: update, unique: "id"'].entries()) {
    project.write(
      `m${i}.yml`,
      pipeline(`[[2, 2024-01-0${i + 3}, m${i}], [null, 2024-01-01, x], [${i + 10}, null, n]]`, spelling, 'exec: {max_rejects: 1}'),
    );
    const summary = await project.run(`m${i}.yml`);
    assert.equal([summary.read, summary.written, summary.rejected], [3, 2, 1]);
    assert.is(summary.commit?.['rowsReplaced'], 1);
  }
  assert.equal(await project.query('SELECT id, CAST(day AS VARCHAR) AS day, name FROM shop.t ORDER BY id'), [
    { id: 1, day: '2024-01-01', name: 'a' },
    { id: 2, day: '2024-01-05', name: 'm2' },
    { id: 10, day: null, name: 'n' },
    { id: 11, day: null, name: 'n' },
    { id: 12, day: null, name: 'n' },
  ]);
  const rejects = await project.query<{ reason: string; column_name: string }>('SELECT DISTINCT reason, column_name FROM shop.t__rejects');
  assert.equal(rejects, [{ reason: 'NULL in a key column', column_name: 'id' }]);
});

test('a full refresh of a merge replaces the table by the rows that a merge of them all gives', async ({ project }) => {
  const input = (rows: string): string =>
    `in:\n  type: config\n  columns: [{name: id, type: long}, {name: name, type: string}, {name: gone, type: boolean}]\n  rows: ${rows}\n`;
  const out = 'out: {type: warehouse, table: shop.r, mode: merge, keys: id, delete_column: gone';
  project.write('a.yml', `${input('[[99, stray, false]]')}${out}}\n`);
  await project.run('a.yml');
  const all = input('[[1, a, false], [1, b, false], [2, a, false], [2, b, true], [3, c, false]]');
  project.write('b.yml', `${all}${out}}\n`);
  const refused = await project.sluice(['run', 'b.yml', '--full-refresh']);
  assert.is(refused.code, 3, refused.stderr);
  assert.match(refused.stderr, /DUPLICATE_KEYS: shop\.r: 2 keys stand in several rows of this load/);
  assert.equal(await project.query('SELECT * FROM shop.r'), [{ id: 99, name: 'stray' }]);
  project.write('b.yml', `${all}${out}, merge_order_by: name}\n`);
  await project.run('b.yml', '--full-refresh');
  assert.equal(await project.query('SELECT * FROM shop.r ORDER BY id'), [
    { id: 1, name: 'b' },
    { id: 3, name: 'c' },
  ]);
  await project.run('b.yml', '--full-refresh');
  assert.equal(await project.query('SELECT count(*) AS n FROM shop.r'), [{ n: 2 }]);
});

test('delete_column takes rows out by key; what was not there is no error', async ({ project }) => {
  const input = (rows: string): string =>
    `in:\n  type: config\n  columns: [{name: id, type: long}, {name: name, type: string}, {name: gone, type: boolean}]\n  rows: ${rows}\n`;
  const out = 'out: {type: warehouse, table: shop.d, mode: merge, keys: id, delete_column: gone, merge_order_by: name}\n';
  project.write('a.yml', input('[[1, a, false], [2, b, null], [3, c, false]]') + out);
  await project.run('a.yml');
  project.write('b.yml', input('[[1, null, true], [2, x, false], [9, null, true], [4, a, true], [4, b, false], [5, a, false], [5, b, true]]') + out);
  const summary = await project.run('b.yml');
  assert.is(summary.written, 7);
  const left = [
    { id: 2, name: 'x' },
    { id: 3, name: 'c' },
    { id: 4, name: 'b' },
  ];
  assert.equal(await project.query('SELECT * FROM shop.d ORDER BY id'), left);
  project.write('c.yml', input('[[77, null, true]]') + out);
  await project.run('c.yml');
  assert.equal(await project.query('SELECT * FROM shop.d ORDER BY id'), left);
  project.write('x.yml', input('[[1, a, true]]') + out.replace('delete_column: gone', 'delete_column: name'));
  assert.match((await project.sluice(['run', 'x.yml'])).stderr, /DELETE_COLUMN.*name is string, expected a boolean/);
});

test('two rows with one key commit nothing; with merge_order_by the run is planned anew', async ({ project }) => {
  const rows = '[[1, 2024-01-01, a], [1, 2024-01-02, b]]';
  project.write('m.yml', pipeline(rows, 'mode: merge, keys: id'));
  const failed = await project.sluice(['run', 'm.yml']);
  assert.is(failed.code, 3);
  assert.match(failed.stderr, 'DUPLICATE_KEYS');
  assert.match(failed.stderr, 'id = 1');
  project.write('m.yml', pipeline(rows, 'mode: merge, keys: id, merge_order_by: day desc'));
  await project.run('m.yml');
  assert.equal(await project.query('SELECT name FROM shop.t'), [{ name: 'a' }]);
});

test('replace_where replaces its range and nothing else, and rejects what lies outside', async ({ project }) => {
  project.write('a.yml', pipeline('[[1, 2024-01-01, a], [2, 2024-01-15, b], [3, 2024-02-01, c], [4, null, d]]', 'partition_by: [month(day)]'));
  await project.run('a.yml');
  const where = `mode: replace, replace_where: "day >= '2024-01-10' and day < '2024-02-01'"`;
  project.write('r.yml', pipeline('[[20, 2024-01-20, x], [21, 2024-02-01, y], [22, null, z]]', where, 'exec: {max_rejects: 2}'));
  const summary = await project.run('r.yml');
  assert.equal([summary.written, summary.rejected], [1, 2]);
  assert.equal(await project.query('SELECT id FROM shop.t ORDER BY id'), [{ id: 1 }, { id: 3 }, { id: 4 }, { id: 20 }]);
  assert.equal(await project.query('SELECT DISTINCT reason, column_name FROM shop.t__rejects'), [
    { reason: 'outside replace_where', column_name: 'day' },
  ]);
  const again = await project.run('r.yml');
  assert.equal([again.commit?.['rowsReplaced'], again.written], [1, 1]);
  project.write('none.yml', pipeline('[]', `${where}, allow_empty: true`));
  await project.run('none.yml');
  assert.equal(await project.query('SELECT id FROM shop.t ORDER BY id'), [{ id: 1 }, { id: 3 }, { id: 4 }]);
});

test('truncate reads everything again and keeps the schema', async ({ project }) => {
  project.write('data/1.csv', 'id\n1\n2\n');
  const config = (mode: string): string =>
    `in: {type: file, path_prefix: data/, parser: {type: csv, skip_header_lines: 1, columns: [{name: id, type: long}]}}\nout: {type: warehouse, table: shop.t, mode: ${mode}}\n`;
  project.write('t.yml', config('truncate_insert'));
  assert.is((await project.run('t.yml')).written, 2);
  project.write('data/2.csv', 'id\n3\n');
  assert.is((await project.run('t.yml')).written, 3);
  assert.equal(await project.query('SELECT id FROM shop.t ORDER BY id'), [{ id: 1 }, { id: 2 }, { id: 3 }]);
});

test('options of another mode are errors at their place', async ({ project }) => {
  const cases: [string, string, RegExp][] = [
    ['merge_keys: id', 'MODE_OPTION', /merge_keys belongs to mode: merge, found mode: append/],
    ['mode: merge, keys: id, unique: id', 'MODE_OPTION', /keys and unique say the same/],
    [`mode: truncate, replace_where: "id = 1"`, 'MODE_OPTION', /replace_where belongs to mode: replace/],
    ['mode: merge', 'MERGE_KEYS', /needs the columns that tell rows apart/],
    [`mode: replace, replace_where: "id ="`, 'REPLACE_WHERE', /syntax error/],
    [`mode: replace, replace_where: "nosuch = 1"`, 'REPLACE_WHERE', /there is no column nosuch/],
    [`mode: replace, replace_where: "day < now()"`, 'REPLACE_WHERE', /the function now is not possible here/],
    [`mode: replace, replace_where: "id in (select 1)"`, 'REPLACE_WHERE', /subquery is not possible here/],
    [`mode: replace, replace_where: "id + 1"`, 'REPLACE_WHERE', /expected a condition, found a value of type BIGINT/],
    [`mode: replace, replace_where: "1 = 1"`, 'REPLACE_WHERE', /it names no column/],
    [`mode: replace, time_column: day, replace_where: "id = 1"`, 'REPLACE_WHERE', /id is not a column that the table is partitioned by/],
    [`mode: replace, replace_where: "id = 1) or (true"`, 'REPLACE_WHERE', /syntax error/],
  ];
  for (const [out, code, message] of cases) {
    project.write('x.yml', pipeline('[[1, 2024-01-01, a]]', out));
    const { code: exit, stderr } = await project.sluice(['run', 'x.yml']);
    assert.is(exit, 2, `${out}: ${stderr}`);
    assert.match(stderr, code);
    assert.match(stderr, message, out);
    assert.match(stderr, 'x.yml:');
  }
});

test.run();
