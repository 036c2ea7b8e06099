import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TestProject } from '../../engine/project.js';

const test = suite<{ project: TestProject }>('tables named by values');
test.before.each((context) => {
  context.project = new TestProject();
});
test.after.each((context) => context.project.remove());

function pipeline(values: string, out: string, exec = ''): string {
  return `in:
  type: config
  columns: [{name: id, type: long}, {name: country, type: string}, {name: day, type: date}]
  values: ${values}
out: {type: warehouse, ${out}}
${exec}`;
}

test('each value has its table, over several tasks, in one commit; values that make no name are rejected', async ({ project }) => {
  const table = 'table: "shop.logs_${country}", time_column: day, add_loaded_at: true';
  project.write(
    'r.yml',
    pipeline(
      `[[[1, JP, 2024-01-01], [2, us, 2024-01-02], [3, "a b", 2024-01-01]], [[4, jp, 2024-01-02], [5, null, 2024-01-01], [6, de, 2024-01-01], [7, "", 2024-01-01], [8, "x__rejects", 2024-01-01]]]`,
      table,
      'exec: {max_rejects: 4}',
    ),
  );
  const summary = await project.run('r.yml');
  assert.equal([summary.read, summary.written, summary.rejected], [8, 4, 4]);
  assert.is(summary.commit?.['tables'], 3);
  assert.equal(await project.query('SELECT id, country FROM shop.logs_jp ORDER BY id'), [
    { id: 1, country: 'JP' },
    { id: 4, country: 'jp' },
  ]);
  assert.equal(await project.query('SELECT id FROM shop.logs_us UNION ALL SELECT id FROM shop.logs_de ORDER BY id'), [{ id: 2 }, { id: 6 }]);
  const rejects = await project.query<{ record_number: number; reason: string }>(
    'SELECT record_number, reason FROM shop.logs__rejects ORDER BY reason, record_number',
  );
  assert.equal(
    rejects.map((r) => r.reason.slice(0, 22)),
    ['cannot be part of a ta', 'cannot be part of a ta', 'cannot be part of a ta', 'gives a table name tha'],
  );
  assert.is((await project.query<{ n: number }>('SELECT count(DISTINCT _loaded_at) AS n FROM shop.logs_jp'))[0]?.n, 1);
  const undo = await project.sluice(['undo', summary.run_id ?? '', '--yes']);
  assert.is(undo.code, 0, undo.stderr);
  for (const table of ['logs_jp', 'logs_us', 'logs_de', 'logs__rejects'])
    assert.equal(await project.query(`SELECT count(*) AS n FROM shop.${table}`), [{ n: 0 }], table);
  const again = await project.run('r.yml');
  assert.is(again.written, 4);
  assert.is((await project.query<{ n: number }>('SELECT count(*) AS n FROM shop.logs_jp'))[0]?.n, 2);
  const shown = await project.sluice(['rejects', 'latest', '--format', 'jsonl']);
  assert.is(shown.stdout.trim().split('\n').length, 4, shown.stderr);
});

test('too many tables end the run before anything is there', async ({ project }) => {
  project.write('r.yml', pipeline('[[[1, a, 2024-01-01], [2, b, 2024-01-01], [3, c, 2024-01-01]]]', 'table: "t_${country}", max_tables: 2'));
  const { code, stderr } = await project.sluice(['run', 'r.yml']);
  assert.is(code, 3);
  assert.match(stderr, /MAX_TABLES.*more than 2 tables, such as t_a, t_b, t_c/);
  const spread = pipeline('[[[1, a, 2024-01-01], [2, b, 2024-01-01]], [[3, c, 2024-01-01]]]', 'table: "t_${country}", max_tables: 2');
  project.write('s.yml', spread);
  assert.match((await project.sluice(['run', 's.yml'])).stderr, /MAX_TABLES/);
  const tables = await project.sluice(['tables', '--json']);
  assert.not.match(tables.stdout, /t_a/);
});

test('merge works within each table, a run without rows commits its state', async ({ project }) => {
  const out = 'table: "shop.c_${country}", mode: merge, merge_keys: [id]';
  project.write('m.yml', pipeline('[[[1, a, 2024-01-01], [1, b, 2024-01-01]]]', out));
  await project.run('m.yml');
  project.write('m.yml', pipeline('[[[1, a, 2024-02-02], [2, a, 2024-02-02]]]', out));
  await project.run('m.yml');
  assert.equal(await project.query('SELECT id, CAST(day AS VARCHAR) AS day FROM shop.c_a ORDER BY id'), [
    { id: 1, day: '2024-02-02' },
    { id: 2, day: '2024-02-02' },
  ]);
  assert.equal(await project.query('SELECT id FROM shop.c_b'), [{ id: 1 }]);
  project.write('none.yml', pipeline('[[]]', out));
  assert.is((await project.run('none.yml')).status, 'committed');
});

test('what cannot name a table is an error of the config', async ({ project }) => {
  const cases: [string, string, RegExp][] = [
    ['table: "${country}.logs"', 'TABLE_NAME', /fixed namespace/],
    ['table: "shop.Logs_${country}"', 'TABLE_NAME', /of a-z/],
    ['table: "shop.logs_${nosuch}"', 'TABLE_COLUMN', /there is no column nosuch/],
    ['table: "shop.logs_${country}", mode: merge', 'MERGE_KEYS', /needs the columns/],
    ['table: "shop.logs_${country}", time_column: nosuch', 'TIME_COLUMN', /nosuch/],
  ];
  for (const [out, code, message] of cases) {
    project.write('x.yml', pipeline('[[[1, a, 2024-01-01]]]', out));
    const { code: exit, stderr } = await project.sluice(['run', 'x.yml']);
    assert.is(exit, 2, stderr);
    assert.match(stderr, code);
    assert.match(stderr, message);
  }
});

test.run();
