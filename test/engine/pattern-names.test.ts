import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { openDatabase } from '../../src/core/duckdb/index.js';
import { escapePattern, quotePath, quotePaths } from '../../src/core/spi/index.js';
import type { TestProject } from './project.js';
import { suiteBelow } from './project-below.js';

/** Folders whose names DuckDB would take for patterns, and others that these fit. */
const FOLDERS = 'p[1]/a*b?/c\\d';
const SIBLINGS = ['p1/a*b?/c\\d', 'p1/axbz/c\\d', 'p[1]/axbz/c\\d', 'p[1]/a*b?/cxd', 'p[1]/a*b?/c/d', 'p[1]/a*b?/c[d'];

const test = suiteBelow(FOLDERS, 'names that are patterns');

const COLUMNS = '[{name: id, type: long}, {name: env, type: string}]';

/** Copies all there is now to where the patterns would look. */
function copyAside(base: string): void {
  const from = mkdtempSync(join(base, 'copy-'));
  cpSync(join(base, FOLDERS), join(from, 'all'), { recursive: true });
  for (const to of SIBLINGS) cpSync(join(from, 'all'), join(base, to), { recursive: true, force: true });
}

async function succeed(project: TestProject, ...args: string[]): Promise<string> {
  const outcome = await project.sluice(args);
  assert.is(outcome.code, 0, outcome.stderr);
  return outcome.stdout;
}

async function ids(project: TestProject, table = 'shop.t'): Promise<string> {
  return (await project.query<{ id: number; env: string }>(`SELECT id, env FROM ${table} ORDER BY id`)).map((row) => `${row.id}${row.env}`).join(' ');
}

test('a project below such folders loads, queries, changes and compacts its own files', async ({ project, base }) => {
  const out = `out: {type: warehouse, table: shop.t, mode: merge, merge_keys: [id]}\nexec: {max_rejects: 5}`;
  project.write('in/data.csv', 'id,env\n1,a\n2,b\n3,c\nx,c\n');
  project.write('p.yml', `in: {type: file, paths: [in], parser: {type: csv, skip_header_lines: 1, columns: ${COLUMNS}}}\n${out}`);
  await project.run('p.yml');
  assert.equal(readdirSync(base), ['p[1]'], 'nothing beside the project');
  copyAside(base);
  assert.is(await ids(project), '1a 2b 3c');
  assert.is((await project.query(`SELECT raw FROM shop.t__rejects`)).length, 1);

  project.write('in/more.csv', 'id,env\n3,d\n4,e\n');
  copyAside(base);
  await project.run('p.yml');
  assert.is(await ids(project), '1a 2b 3d 4e');
  copyAside(base);
  await succeed(project, 'query', 'INSERT INTO shop.t SELECT id + 10, env FROM shop.t WHERE id < 3');
  copyAside(base);
  await succeed(project, 'query', 'DELETE FROM shop.t WHERE id = 11 OR id = 2');
  assert.is(await ids(project), '1a 3d 4e 12b');

  for (let i = 20; i < 28; i++) await succeed(project, 'query', `INSERT INTO shop.t SELECT ${i}, 'z'`);
  copyAside(base);
  await succeed(project, 'maintain', 'shop.t');
  const [{ n } = { n: 0 }] = await project.query<{ n: number }>('SELECT count(*) AS n FROM shop."t$files"');
  assert.ok(n < 9, `${n} files`);
  assert.is(await ids(project), '1a 3d 4e 12b 20z 21z 22z 23z 24z 25z 26z 27z');
  assert.is((await succeed(project, 'query', 'SELECT id FROM shop.t WHERE id < 5 ORDER BY id', '-o', 'o[1]*.csv')).trim(), '');
  assert.is(readFileSync(join(project.folder, 'o[1]*.csv'), 'utf8'), 'id\n1\n3\n4\n');
});

test('a wildcard that finds nothing for the backslash above it says so', async ({ project }) => {
  project.write('data.csv', '1,a\n');
  project.write('p.yml', `in: {type: file, paths: ['*.csv'], parser: {type: csv, columns: ${COLUMNS}}}\nout: {type: stdout}`);
  const { code, stderr } = await project.sluice(['run', 'p.yml']);
  assert.is(code, 2);
  assert.match(stderr, 'NO_FILES');
  assert.match(stderr, 'hint: no wildcard finds files below a folder whose name holds a backslash: name the files or their folder');
});

test('a data file that is gone is missed, not looked for in other folders', async ({ project, base }) => {
  await succeed(project, 'query', `CREATE TABLE shop.t AS SELECT 1 AS id, 'a' AS env`);
  copyAside(base);
  const data = readdirSync(project.folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.parquet'));
  assert.is(data.length, 1);
  rmSync(join(project.folder, data[0] ?? ''));
  const outcome = await project.sluice(['query', 'SELECT * FROM shop.t']);
  assert.match(outcome.stderr, 'OBJECT_MISSING');
});

for (const [type, content, decoy] of [
  ['csv', '1,a\n2,b\n', '7,x\n'],
  ['json', '{"id":1,"env":"a"}\n{"id":2,"env":"b"}\n', '{"id":7,"env":"x"}\n'],
] as const)
  test(`input files of such names: ${type}, through a filter over all rows`, async ({ project }) => {
    for (const folder of ['in[1]', 'in1']) for (const file of ['d*?', 'dx1', 'd*1']) project.write(`${folder}/${file}`, decoy);
    project.write('in[1]/d*?', content);
    project.write(
      'p.yml',
      `in: {type: file, paths: ['in[1]/d*?'], parser: {type: ${type}, columns: ${COLUMNS}}}\nfilters: [{type: dedupe, keys: [id]}]\nout: {type: warehouse, table: shop.t}`,
    );
    await project.run('p.yml');
    assert.is(await ids(project), '1a 2b');
  });

test('and Parquet, from a query into files and back', async ({ project }) => {
  await succeed(project, 'query', `CREATE TABLE shop.s AS SELECT 1 AS id, 'a' AS env`);
  for (const [where, id] of [
    ['in1', 7],
    ['in[1]', 1],
  ] as const) {
    project.write(
      'e.yml',
      `in: {type: query, sql: "SELECT ${id} AS id, env FROM shop.s"}\nout: {type: file, path_prefix: '${where}/d*', formatter: {type: parquet}}`,
    );
    await succeed(project, 'run', 'e.yml');
  }
  const [file = ''] = readdirSync(join(project.folder, 'in[1]')).filter((name) => name.endsWith('.parquet'));
  assert.match(file, /^d\*/);
  const [other = ''] = readdirSync(join(project.folder, 'in1')).filter((name) => name.endsWith('.parquet'));
  for (const to of ['in[1]', 'in1'])
    for (const name of [file, file.replace('*', '0')])
      if (to === 'in1' || name !== file) cpSync(join(project.folder, 'in1', other), join(project.folder, to, name));
  project.write('p.yml', `in: {type: file, paths: ['in[1]/${file}'], parser: {type: parquet}}\nout: {type: warehouse, table: shop.t}`);
  await project.run('p.yml');
  assert.is(await ids(project), '1a');
});

test('a backslash in such a name fits nothing else', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-test-'));
  const database = await openDatabase();
  const sql = await database.connect();
  try {
    const names = ['\\', '\\\\', 'x', '[', ']', '^', '-', '!', ' ', '~', '\x01', '\x7f', 'é', 'ÿ', '\u0080', '€', '💧'].map(
      (middle) => `a${middle}b[1].csv`,
    );
    for (const name of names) writeFileSync(join(folder, name), 'n\n1\n');
    for (const name of names) {
      const found = await sql.rows(`SELECT filename FROM read_csv(${quotePath(join(folder, name))}, filename = true)`);
      assert.equal(found, [{ filename: join(folder, name) }]);
    }
  } finally {
    sql.close();
    database.close();
    rmSync(folder, { recursive: true });
  }
});

test('what DuckDB would take for a pattern is written as itself', () => {
  assert.is(escapePattern('/a/[x]*?.csv'), '/a/[[]x][*][?].csv');
  // Without anything that makes it a pattern a backslash stands for itself.
  assert.is(escapePattern('/a\\b'), '/a\\b');
  assert.is(quotePaths(["/it's", '/b?']), "['/it''s', '/b[?]']");
});

test.run();
