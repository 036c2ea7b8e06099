import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import type { Desk } from '../cli/desk.js';
import { deskWith, nativeValue, signOf } from './lab.js';

const test = suite('the form of Embulk');
let desk: Desk;
test.before.each(() => {
  desk = deskWith({ 'data/n_1.csv': '1\n', 'data/n_2.csv': '2\nx\n' });
});
test.after.each(() => desk.remove());

const FILES = `in:
  type: file
  path_prefix: data/n_
  parser:
    type: csv
    stop_on_invalid_record: false
    columns: [{name: n, type: long}]
out: {type: stdout}
`;
const MYSQL = 'in: {type: mysql, host: db.example.com, table: t, database: d, user: u}\nout: {type: stdout}\n';

test('is told by what only Embulk has', async () => {
  const out = 'out: {type: stdout}\n';
  const file = 'path_prefix: a, parser: {type: csv, columns: [{name: n, type: long}]}';
  assert.is(await signOf(FILES), 'in.parser.stop_on_invalid_record');
  assert.is(await signOf(`in: {type: embulk:file, ${file}}\n${out}`), 'in.type');
  assert.is(await signOf(`in: {type: {source: maven, group: g, name: file, version: 1}, ${file}}\n${out}`), 'in.type');
  assert.is(await signOf(`in: {type: file, ${file}}\nout: {type: postgresql, table: t, mode: insert, retry_limit: 3}\n`), 'out.retry_limit');
  assert.is(await signOf(`in: {type: file, ${file}}\nexec: {min_output_tasks: 1}\n${out}`), 'exec.min_output_tasks');
  assert.is(await signOf(`in: {type: file, ${file}}\nfilters: [{type: speedometer}]\n${out}`), 'filters[0].type');
  assert.is(await signOf(`in: {type: file, ${file}}\nfilters: [{type: column, drop_columns: [{name: n}]}]\n${out}`), 'filters[0].drop_columns');
  assert.is(await signOf('in: {type: mysql, table: t, fetch_rows: 1}\n'), 'in.fetch_rows');
  assert.is(
    await signOf(`in: {type: file, ${file}}\nout: {type: postgresql, table: t, mode: insert}\n`),
    undefined,
    'spellings that both forms have',
  );
  assert.is(await signOf(`pipelines: [{name: a, in: {type: mysql, table: t, fetch_rows: 1}}]\n`), undefined);
});

test('no config of this repository is taken for it', async () => {
  const root = resolve(import.meta.dirname, '../..');
  const names = ['configs', 'examples'].flatMap((folder) =>
    (readdirSync(join(root, folder), { recursive: true }) as string[])
      .filter((name) => name.endsWith('.yml'))
      .map((name) => join(root, folder, name)),
  );
  assert.ok(names.length > 20);
  for (const name of names) assert.is(await signOf(readFileSync(name, 'utf8')), undefined, name);
});

test('a native config keeps its defaults; --embulk reads it as Embulk does', async () => {
  desk.write('c.yml', 'in:\n  type: file\n  path_prefix: q\n  parser: {type: csv, columns: [{name: a, type: string}]}\nout: {type: stdout}\n');
  desk.write('q.csv', '"a\\"b"\n');
  assert.is((await desk.sluice(['run', 'c.yml'])).code, 3, 'a backslash escapes nothing');
  const { stdout, stderr } = await desk.ok(['run', 'c.yml', '--embulk']);
  assert.is(stdout, '"a\\""b"\n'.replace('\\', ''));
  assert.match(stderr, /c\.yml is read as a config of Embulk \(--embulk\); `sluice convert c\.yml` writes the native form/);
});

test('bad records stop the run, and the hint gives what Embulk does', async () => {
  desk.write('e.yml', FILES);
  const failed = await desk.sluice(['run', 'e.yml']);
  assert.is(failed.code, 3);
  assert.match(failed.stderr, /TOO_MANY_REJECTS/);
  assert.match(failed.stderr, /hint: Embulk would have skipped these records: exec\.max_rejects: 100% \(or --max-rejects 100%\)/);
  assert.is((await desk.ok(['run', 'e.yml', '--max-rejects', '100%'])).stdout, '1\n2\n');
  desk.write('stop.yml', FILES.replace('record: false', 'record: true'));
  assert.not.match((await desk.sluice(['run', 'stop.yml'])).stderr, /would have skipped/);
});

test('without -c every run reads everything; with it only what is new, from last_path on', async () => {
  desk.write('e.yml', `${FILES}exec: {max_rejects: 100%}\n`);
  assert.is((await desk.ok(['run', 'e.yml'])).stdout, '1\n2\n');
  assert.is((await desk.ok(['run', 'e.yml'])).stdout, '1\n2\n');
  desk.write('e2.yml', `${FILES}exec: {max_rejects: 100%}\n`);
  desk.write('state.yml', 'in: {last_path: data/n_1.csv}\nout: {}\n');
  assert.is((await desk.ok(['run', 'e2.yml', '-c', 'state.yml'])).stdout, '2\n');
  assert.is((await desk.ok(['run', 'e2.yml', '-c', 'state.yml'])).stdout, '');
  desk.write('data/n_3.csv', '3\n');
  assert.is((await desk.ok(['run', 'e2.yml', '-c', 'state.yml'])).stdout, '3\n');
});

test('options without a counterpart are errors at their place, all at once', async () => {
  desk.write(
    'e.yml',
    `in:
  type: mysql
  database: d
  table: t
  fetch_row: 1
  column_options: {a: {typ: long}}
filters:
- type: speedometer
- type: remove_columns
  remov: [a]
- type: column
  columns: [{name: $.a.b}]
out:
  type: mysql
  merge_keys: [id]
  mode: merge
  table: t
`,
  );
  const first = await desk.sluice(['check', 'e.yml', '--embulk']);
  assert.is(first.code, 2);
  for (const text of [
    'e.yml:5:3 in.fetch_row: input mysql of Embulk has no option "fetch_row", did you mean "fetch_rows"?',
    'e.yml:10:3 filters[1].remov: filter remove_columns of Embulk has no option "remov", did you mean "remove"?',
    'e.yml:12:3 filters[2].columns: JSON paths are not taken, found "$.a.b"',
    'e.yml:15:3 out.merge_keys: output mysql of Embulk: merge_keys has no counterpart',
    'hint: Embulk takes the unique keys of the table; name keys: [...] instead',
  ])
    assert.ok(first.stderr.includes(text), `${text}\n${first.stderr}`);
});

test('what the native plugins find wrong is told at the place in the file of Embulk', async () => {
  desk.write(
    'e.yml',
    `in:
  type: mysql
  database: d
  table: t
  column_options: {a: {typ: long}}
  port: 'many'
filters:
- type: speedometer
- type: rename
  columns: [a]
out:
  type: postgresql
  role_name: r
  mode: upsert
  table: t
  merge_keys: id
`,
  );
  const { stderr } = await desk.sluice(['check', 'e.yml', '--embulk']);
  for (const text of [
    'e.yml:5:24 in.column_options.a.typ',
    'e.yml:6:9 in.port',
    'e.yml:10:12 filters[1].columns',
    'e.yml:14:9 out.mode',
    'e.yml:16:15 out.merge_keys',
  ])
    assert.ok(stderr.includes(text), `${text}\n${stderr}`);
  desk.write('wrong.yml', 'in: {type: mysql, database: d, table: t}\nout: {type: td, table: x}\nfilter: []\n');
  const wrong = (await desk.sluice(['convert', 'wrong.yml'])).stderr;
  assert.match(wrong, /wrong\.yml:2:7 out\.type: the output td of Embulk has no counterpart/);
  assert.match(wrong, /hint: write to a table of the warehouse/);
  assert.match(wrong, /wrong\.yml:3:1 filter: a config of Embulk has no section "filter", did you mean "filters"\?/);
});

test('time formats of Java are refused', async () => {
  desk.write('e.yml', FILES.replace('type: long}]', "type: timestamp, format: 'java:yyyy'}]"));
  assert.match((await desk.sluice(['check', 'e.yml'])).stderr, /time formats of Java are not supported, found "java:yyyy"/);
});

test('a plain connection to another machine names tls: disable, and takes it', async () => {
  desk.write('e.yml', MYSQL);
  const { stderr } = await desk.sluice(['check', 'e.yml', '--embulk']);
  assert.match(stderr, /a plain connection to db\.example\.com would show data and password to the network/);
  assert.match(stderr, /tls: disable accepts a plain one/);
  const section = async (more: string): Promise<unknown> => {
    const { tls, ssl } = ((await nativeValue(MYSQL.replace('user: u', `user: u, ${more}`))) as { in: Record<string, unknown> }).in;
    return { tls, ssl };
  };
  assert.equal(await section('tls: disable'), { tls: 'disable', ssl: undefined });
  assert.equal(await section('ssl: enable'), { tls: 'require', ssl: undefined });
  assert.equal(await section('ssl: verify'), { tls: 'verify-full', ssl: undefined });
  assert.equal(await section('ssl: false'), { tls: undefined, ssl: 'disable' });
});

test('convert keeps the expressions of a template, and quotes them where text is meant', async () => {
  desk.write(
    'e.yml.liquid',
    `# {{ env.IGNORED }}
in:
  type: file
  path_prefix: "{{ env.DIR }}/n_"
  parser: {type: csv, skip_header_lines: {{ env.SKIP | default: 0 }}, charset: '{{ env.CS | default: "utf-8" }}', columns: [{name: n, type: long}]}
out:
  type: mysql
  host: {{ env.HOST }}
  password: {{ env.DB_PASSWORD }}
  port: "{{ env.PORT }}"
  database: d
  table: t
  mode: insert
`,
  );
  const { stdout } = await desk.ok(['convert', 'e.yml.liquid']);
  for (const line of [
    "  path_prefix: '{{ env.DIR }}/n_'",
    '    skip_header_lines: {{ env.SKIP | default: 0 }}',
    `    charset: '{{ env.CS | default: "utf-8" }}'`,
    "  password: '{{ env.DB_PASSWORD }}'",
    '  port: {{ env.PORT }}',
    '  mode: append',
  ])
    assert.ok(stdout.includes(`${line}\n`), `${line}\n${stdout}`);
  desk.write('native.yml.liquid', stdout.replace(/out:[^]*/, 'out: {type: stdout}\n'));
  const run = await desk.ok(['run', 'native.yml.liquid', '--max-rejects', '1'], { env: { DIR: 'data' } });
  assert.match(run.stdout, /"n":1/);
});

test('a template with tags is rendered, its secrets become references', async () => {
  desk.write('_db.yml.liquid', '  host: {{ env.HOST }}\n  password: {{ env.DB_PASSWORD }}\n');
  desk.write('e.yml.liquid', "in:\n  type: mysql\n  database: d\n  table: t\n{% include 'db' %}out: {type: stdout}\n");
  const { stdout } = await desk.ok(['convert', 'e.yml.liquid'], { env: { HOST: 'localhost', DB_PASSWORD: 'canary' } });
  assert.equal((parse(stdout) as { in: { password: unknown } }).in.password, { env: 'DB_PASSWORD' });
  assert.not.match(stdout, /canary/);
  assert.match(stdout, /# The template was rendered/);
});

test('what was changed, added and left out stands in the comments', async () => {
  desk.write(
    'e.yml',
    `${FILES.replace('out: {type: stdout}', 'out: {type: postgresql, database: d, table: t, mode: insert_direct, merge_keys: [n]}')}`,
  );
  const { stdout } = await desk.ok(['convert', 'e.yml', '--incremental']);
  assert.match(stdout, /# Converted from e\.yml by `sluice convert`\./);
  assert.match(stdout, / {2}# left out in\.parser\.stop_on_invalid_record: .*\n {2}parser:/);
  assert.match(stdout, / {4}# Embulk’s default\n {4}escape: \\\n/);
  assert.match(stdout, / {2}# insert_direct of Embulk; all rows in one transaction, where Embulk commits batches\n {2}mode: append\n/);
  assert.match(stdout, / {2}keys:\n/);
  assert.not.match(stdout, /incremental/);
  const refused = await desk.sluice(['convert', 'e.yml', '-o', 'e.yml']);
  assert.match(refused.stderr, /FILE_EXISTS/);
});

test('guess and preview take a seed of Embulk', async () => {
  desk.write('seed.yml', 'in: {type: embulk:file, path_prefix: data/n_1}\nout: {type: stdout}\n');
  const { stdout } = await desk.ok(['guess', 'seed.yml']);
  const guessed = parse(stdout) as { in: { type: string; hive_partitioning?: boolean; parser: { type: string } } };
  assert.is(guessed.in.type, 'file');
  assert.is(guessed.in.parser.type, 'csv');
  assert.is(guessed.in.hive_partitioning, undefined);
  desk.write('e.yml', FILES);
  assert.match((await desk.ok(['preview', 'e.yml'])).stdout, /n:long/);
});

test('a program without a terminal reads signed configs as `run` does', async () => {
  const { loadPipelines } = await import('../../src/core/config/index.js');
  const { createRegistry } = await import('../../src/core/registry/index.js');
  const { BUILTIN_PLUGINS } = await import('../../src/plugins/builtins.js');
  const { rewriteSigned } = await import('../../src/embulk/index.js');
  const options = { registry: createRegistry({ builtins: BUILTIN_PLUGINS }), env: {}, cwd: desk.folder };
  const file = desk.write('e.yml', FILES);
  const [signed] = await loadPipelines(file, { ...options, rewrite: rewriteSigned });
  assert.is(signed?.input.config['incremental'], false);
  assert.is(signed?.parser?.config['escape'], '\\');
  const [native] = await loadPipelines(file, options);
  assert.is(native?.input.config['incremental'], true);
});

test('rejects are read again by a config of Embulk, also when only --embulk said so', async () => {
  const config = FILES.replace('    stop_on_invalid_record: false\n', '').replace('out: {type: stdout}', 'out: {type: warehouse, table: shop.n}');
  desk.write('e.yml', config);
  await desk.ok(['run', 'e.yml', '--embulk', '--max-rejects', '1']);
  const runId = await desk.runId();
  desk.write('e.yml', config.replace('type: csv', 'type: csv\n    null_string: x'));
  await desk.ok(['rejects', runId, '--replay']);
  const { stdout } = await desk.ok(['query', 'SELECT n FROM shop.n ORDER BY n NULLS LAST', '--format', 'jsonl']);
  assert.is(stdout, '{"n":1}\n{"n":2}\n{"n":null}\n');
});

test('relative paths start at the project, and a run from elsewhere says so', async () => {
  desk.write('sub/.keep', '');
  desk.write('sluice.yml', '');
  desk.write('e.yml', `${FILES}exec: {max_rejects: 100%}\n`);
  const { stdout, stderr } = await desk.ok(['run', '../e.yml'], { cwd: 'sub' });
  assert.is(stdout, '1\n2\n');
  assert.ok(stderr.includes(`relative paths start in ${desk.folder}, not in the working folder`), stderr);
});

test.run();
