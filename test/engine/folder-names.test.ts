import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import type { TestProject } from './project.js';
import { suiteBelow } from './project-below.js';

// DuckDB takes folders `key=value` of any path for columns, and lets them win over those of the file.
const FOLDERS = 'id=7/env=prod/amount=9/json=1/c0=2/reason=no/run_id=3/file=4';

const test = suiteBelow(FOLDERS, 'folder names');

const COLUMNS = '[{name: id, type: long}, {name: env, type: string}, {name: amount, type: "decimal(10,2)"}]';
const OUT = 'out: {type: warehouse, table: shop.t}\nexec: {max_rejects: 5}';

async function rows(project: TestProject, sql: string): Promise<string> {
  const outcome = await project.sluice(['query', sql, '--format', 'csv']);
  assert.is(outcome.code, 0, outcome.stderr);
  return outcome.stdout.trim().split('\n').slice(1).join(' ');
}

const LOADED = '1,a,1.50 2,"b,2",2.50';
const SORTED = 'SELECT id, env, amount FROM shop.t ORDER BY id';

test('a project below folders that are called like columns loads what its CSV files hold', async ({ project }) => {
  project.write('data.csv', 'id,env,amount\n1,a,1.50\n2,"b,2",2.50\nx,c,3\n');
  project.write('p.yml', `in: {type: file, paths: [data.csv], parser: {type: csv, skip_header_lines: 1, columns: ${COLUMNS}}}\n${OUT}`);
  await project.run('p.yml');
  assert.is(await rows(project, SORTED), LOADED);
  assert.match(await rows(project, 'SELECT reason, raw FROM shop.t__rejects'), /"x,c,3"$/);
  assert.is(await rows(project, 'SELECT id FROM shop.t WHERE id = 2'), '2');
  assert.is(
    (await project.sluice(['query', 'INSERT INTO shop.t SELECT id + 10, env, amount FROM shop.t; DELETE FROM shop.t WHERE id = 11'])).code,
    0,
  );
  assert.is(await rows(project, 'SELECT id FROM shop.t ORDER BY id'), '1 2 12');
});

test('and its JSON and Parquet files, and what filters over all rows make of them', async ({ project }) => {
  project.write('data.jsonl', '{"id":1,"env":"a","amount":1.50}\n{"id":2,"env":"b,2","amount":2.50}\n{"id":"x","env":"c","amount":3}\n');
  project.write(
    'p.yml',
    `in: {type: file, paths: [data.jsonl], parser: {type: json, columns: ${COLUMNS}}}\nfilters: [{type: dedupe, keys: [id]}]\n${OUT}`,
  );
  await project.run('p.yml');
  assert.is(await rows(project, SORTED), LOADED);
  assert.is((await project.sluice(['query', SORTED, '-o', 'copy.parquet'])).code, 0);
  const query = 'select i.id + 20 as id, t.env, i.amount from input i join shop.t t using (id)';
  project.write(
    'q.yml',
    `in: {type: file, paths: [copy.parquet], parser: {type: parquet}}\nfilters: [{type: sql, query: "${query}"}]\nout: {type: warehouse, table: "shop.t_\${env}"}\nexec: {max_rejects: 5}`,
  );
  await project.run('q.yml');
  assert.is(await rows(project, 'SELECT id, env, amount FROM shop.t_a'), '21,a,1.50');
});

test('and what a query gives', async ({ project }) => {
  assert.is((await project.sluice(['query', `CREATE TABLE shop.t AS SELECT 1 AS id, 'a' AS env, 1.5 AS amount`])).code, 0);
  project.write('p.yml', `in: {type: query, sql: "${SORTED}"}\nout: {type: file, path_prefix: out/x, formatter: {type: csv}}\n`);
  const outcome = await project.sluice(['run', 'p.yml']);
  assert.is(outcome.code, 0, outcome.stderr);
  const [file] = readdirSync(join(project.folder, 'out')).filter((name) => name.endsWith('.csv'));
  assert.is(
    readFileSync(join(project.folder, 'out', file ?? ''), 'utf8')
      .trim()
      .split('\n')[1],
    '1,a,1.5',
  );
});

test('no scan leaves the folders of its path to DuckDB, nor takes the path for a pattern', () => {
  const source = new URL('../../src/', import.meta.url).pathname;
  const problems = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => {
      const text = readFileSync(join(source, name), 'utf8');
      const count = (pattern: RegExp): number => text.match(pattern)?.length ?? 0;
      // `${` begins what is filled in; a scan that is named in prose or in a list has none.
      const scans = count(/\bread_(?:parquet|csv|json|ndjson_objects|ndjson|text|blob)\([^`)]{0,3}\$\{/g);
      const others = count(/\b(?:parquet_(?:schema|metadata|file_metadata|kv_metadata|scan)|sniff_csv)\([^`)]{0,3}\$\{/g);
      const escaped = count(/\bread_\w+\(\\?\$\{quotePaths?\(/g);
      return [
        ...(scans > count(/hive_partitioning ?= ?false/g) ? [`${name}: folders as columns`] : []),
        ...(scans > escaped || (others > 0 && count(/\bquotePaths?\(/g) === 0) ? [`${name}: path as pattern`] : []),
      ];
    });
  assert.equal(problems, []);
});

test.run();
