import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { TestProject } from './project.js';

interface Bench {
  project: TestProject;
  server: Server;
  url: string;
  requests: string[];
}

const test = suite<Bench>('checks of a load, whatever the target');

test.before((bench) => {
  bench.requests = [];
  bench.server = createServer((request, response) => {
    bench.requests.push(`${request.method} ${request.url}`);
    request.resume().on('end', () => response.end('{}'));
  });
  return new Promise<void>((done) =>
    bench.server.listen(0, '127.0.0.1', () => {
      bench.url = `http://127.0.0.1:${(bench.server.address() as AddressInfo).port}/rows`;
      done();
    }),
  );
});
test.after(({ server }) => void server.close());
test.before.each((bench) => {
  bench.project = new TestProject();
  bench.project.write('data/1.csv', 'id,status,at\n1,open,2026-01-01 00:00:00\n2,closed,2026-01-02 00:00:00\n2,again,2026-01-03 00:00:00\n');
});
test.after.each((bench) => bench.project.remove());

function write(project: TestProject, out: string, checks: readonly string[], more = ''): void {
  project.write(
    'load.yml',
    `in: {type: csv, path_prefix: data/, skip_header_lines: 1, columns: [{name: id, type: long}, {name: status, type: string}, {name: at, type: timestamp}]}
out: ${out}
checks:
${checks.map((check) => `  - ${check}`).join('\n')}
${more}`,
  );
}

interface Summary {
  written: number;
  notes: string[];
}

async function run(project: TestProject, hooks: Parameters<TestProject['sluice']>[1] = {}, ...args: string[]) {
  const outcome = await project.sluice(['run', 'load.yml', '--json', ...args], hooks);
  const last = outcome.stdout.trim().split('\n').at(-1) ?? '';
  const { pipelines } = (last.startsWith('{') ? JSON.parse(last) : {}) as { pipelines?: Summary[] };
  return { code: outcome.code, told: outcome.stdout + outcome.stderr, summary: pipelines?.[0], stdout: outcome.stdout };
}

function filesBelow(project: TestProject, folder: string): readonly string[] {
  const path = join(project.folder, folder);
  const names = existsSync(path) ? readdirSync(path, { recursive: true, encoding: 'utf8' }) : [];
  return names.filter((name) => /\.(csv|parquet)$/.test(name) && !name.startsWith('_sluice'));
}

const FILES = '{type: file, path_prefix: out/orders_, formatter: {type: csv}}';
const NESTED = '{type: file, path_prefix: out/orders_, partition_by: [status], formatter: {type: parquet}}';
const LIST = `[${FILES}, {type: warehouse, table: shop.orders, where: "id = 2"}, {type: "null"}]`;

for (const [kind, check, says] of [
  ['row_count', '{type: row_count, max: 2}', 'rows = 3'],
  ['not_null', '{type: not_null, columns: [id]}', undefined],
  ['unique', '{type: unique, columns: [id]}', 'id = 2, times = 2'],
  ['accepted_values', '{type: accepted_values, column: status, values: [open, closed]}', 'status = again'],
  ['freshness', '{type: freshness, column: at, max_age_secs: 1}', 'newest = '],
  ['sql', '{type: sql, name: small ids, query: "SELECT id FROM {rows} WHERE id < 2"}', 'check small ids failed on the rows of this load: id = 1'],
] as const) {
  test(`files and lists: ${kind}`, async ({ project }) => {
    for (const out of kind === 'unique' ? [FILES, NESTED, LIST] : [kind === 'sql' ? LIST : FILES]) {
      write(project, out, [check]);
      const { code, told } = await run(project);
      if (says === undefined) {
        assert.is(code, 0, told);
        continue;
      }
      assert.is(code, 3, told);
      assert.match(told, 'CHECK_FAILED');
      assert.match(told, says);
      assert.match(told, 'nothing was committed');
      assert.equal(filesBelow(project, 'out'), [], out);
      assert.is((await project.sluice(['query', 'SELECT * FROM shop.orders'])).code, 2);
      assert.equal(JSON.parse((await project.sluice(['state', 'show', '--json'])).stdout || '[]'), []);
    }
  });
}

test('stdout, null and http: nothing is sent when a check fails, all of it when the checks hold', async ({ project, url, requests }) => {
  const http = `{type: http, url: "${url}"}`;
  for (const out of ['{type: stdout}', '{type: "null"}', http]) {
    write(project, out, ['{type: unique, columns: [id]}']);
    const failed = await run(project);
    assert.is(failed.code, 3, failed.told);
    assert.match(failed.told, 'id = 2, times = 2');
    assert.not.match(failed.stdout, '"status":"open"');
    assert.equal(requests, []);
    write(project, out, ['{type: unique, columns: [id, status]}', '{type: row_count, min: 3, max: 3}']);
    const { code, told, stdout } = await run(project);
    assert.is(code, 0, told);
    if (out === '{type: stdout}') assert.match(stdout, '"status":"open"');
  }
  assert.equal(requests, ['POST /rows']);
});

test('the file that is written holds the rows as they came; a warning stands in the report', async ({ project }) => {
  write(project, '{type: file, path: out/orders.csv, formatter: {type: csv, newline: LF}}', ['{type: unique, columns: [id], severity: warn}']);
  const { code, told, summary } = await run(project);
  assert.is(code, 0, told);
  assert.ok(summary?.notes.some((note) => note.includes('check unique id failed on the rows of this load: id = 2, times = 2')));
  assert.ok(summary?.notes.some((note) => note.includes('not of a table: check unique id')));
  assert.match(readFileSync(join(project.folder, 'out/orders.csv'), 'utf8'), /^id,status,at\n1,open,.*\n2,closed,.*\n2,again,.*\n$/);
});

test('a check of the table is refused where none can be asked, with the place and the way out', async ({ project }) => {
  for (const [out, says] of [
    [FILES, 'the output file has no table that could be asked'],
    [LIST, 'the outputs of this list do not all commit together'],
  ] as const) {
    write(project, out, ['{type: unique, columns: [id], on: table}']);
    const { code, told } = await run(project);
    assert.is(code, 2, told);
    assert.match(told, 'CHECK_UNSUPPORTED');
    assert.match(told, says);
    assert.match(told, 'use on: load');
    assert.match(told, 'load.yml:4');
  }
});

test('the tables of a list in the warehouse are asked each by itself, and none changes when one fails', async ({ project }) => {
  const tables = '[{type: warehouse, table: shop.a, where: "id = 1"}, {type: warehouse, table: shop.b}]';
  write(project, tables, ['{type: unique, columns: [id]}']);
  const { code, told } = await run(project);
  assert.is(code, 3, told);
  assert.match(told, 'shop.b: check unique id failed on the table as it would be: id = 2, times = 2');
  write(project, tables, ['{type: unique, columns: [id, status]}']);
  assert.is((await run(project)).code, 0);
  assert.equal(await project.query('SELECT (SELECT count(*) FROM shop.a) a, (SELECT count(*) FROM shop.b) b'), [{ a: 1, b: 3 }]);
});

test('tables that are named by values are asked, too', async ({ project }) => {
  const routed = '{type: warehouse, table: "shop.by_${status}"}';
  write(project, routed, ['{type: row_count, max: 0, on: table}']);
  const { code, told } = await run(project);
  assert.is(code, 3, told);
  assert.match(told, /shop\.by_\w+: check row_count failed on the table as it would be: rows = 1/);
  assert.is((await project.sluice(['query', 'SELECT * FROM shop.by_open'])).code, 2);
});

for (const [name, out] of [
  ['a table', '{type: warehouse, table: shop.orders}'],
  ['files', FILES],
  ['a list', LIST],
] as const) {
  test(`a failed run is continued under the checks as they are now: ${name}`, async ({ project }) => {
    project.write('data/2.csv', 'id,status,at\n7,open,2026-01-03 00:00:00\n');
    write(project, out, ['{type: row_count, max: 1}']);
    const failed = await run(project);
    assert.is(failed.code, 3, failed.told);
    write(project, out, ['{type: row_count, max: 2}']);
    const other = await run(project);
    assert.is(other.code, 3, other.told);
    assert.match(other.told, 'rows = 4');
    write(project, out, ['{type: row_count, max: 4}']);
    // The tasks are finished: not one of them starts again.
    const points: string[] = [];
    const { code, told, summary } = await run(project, { reach: (point) => void points.push(point) }, '--resume');
    assert.is(code, 0, told);
    assert.is(summary?.written, 4);
    assert.not.ok(points.includes('task.started'));
  });
}

test('checks that came in later ask for rows that were not kept: the run begins anew', async ({ project }) => {
  write(project, FILES, []);
  project.write('load.yml', readFileSync(join(project.folder, 'load.yml'), 'utf8').replace('checks:\n', ''));
  const cut = await run(project, {
    reach: (point) => {
      if (point === 'run.tasks_done') throw new Error('cut');
    },
  });
  assert.is.not(cut.code, 0);
  write(project, FILES, ['{type: unique, columns: [id]}']);
  assert.match((await run(project, {}, '--resume')).told, 'checks of the load were added');
  const { code, told } = await run(project);
  assert.is(code, 3, told);
  assert.match(told, 'id = 2, times = 2');
});

test.run();
