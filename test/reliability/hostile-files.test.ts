import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createGzip } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { JsonObject } from '../../src/core/spi/index.js';
import { assertFails, loadConfig } from './load-project.js';
import { compiledProgram, runProgram, type ProgramEnd } from './program.js';
import { FULL, makeProject, report, type Project } from './project.js';

const MB = 1 << 20;
const SIZE = (FULL ? 1024 : 64) * MB;
const LIMIT = 400_000_000;

async function withProject(work: (project: Project) => Promise<void>): Promise<void> {
  const project = await makeProject();
  try {
    await work(project);
  } finally {
    await project.remove();
  }
}

/** Writes `bytes` of a pattern, gzipped or not, without holding them. */
async function writeLarge(path: string, pattern: Buffer, bytes: number, gzip = false): Promise<void> {
  const file = createWriteStream(path);
  const sink = gzip ? createGzip({ level: 1 }) : file;
  if (gzip) sink.pipe(file);
  const block = Buffer.concat(Array.from({ length: Math.ceil(MB / pattern.length) }, () => pattern));
  for (let written = 0; written < bytes; written += block.length) if (!sink.write(block)) await once(sink, 'drain');
  sink.end();
  await once(file, 'close');
}

// Compiling is no part of what is measured.
test.before(async () => void (await compiledProgram('run-program')));

interface Measured extends ProgramEnd {
  readonly seconds: number;
  readonly peak: number;
}

/** Runs in a process of its own; peak = the most memory it held, in bytes. */
async function runMeasured(project: Project): Promise<Measured> {
  const started = performance.now();
  const end = await runProgram({ cwd: project.root, argv: ['run', 'load.yml'], measure: true });
  const last = end.messages.at(-1) as { peak: number };
  return { ...end, seconds: (performance.now() - started) / 1000, peak: last.peak };
}

function tell(name: string, end: Measured): void {
  report(`${name}: exit ${end.code} after ${end.seconds.toFixed(1)} s, peak ${Math.round(end.peak / 1e6)} MB`);
}

function withParser(more: JsonObject, exec: JsonObject = {}): JsonObject {
  const config = loadConfig();
  const input = config['in'] as JsonObject;
  return {
    ...config,
    in: { ...input, parser: { ...(input['parser'] as JsonObject), ...more } },
    exec: { max_threads: 2, memory_limit: `${LIMIT}`, ...exec },
  };
}

for (const [name, pattern] of [
  ['zeros', Buffer.alloc(1024)],
  ['one line without an end', Buffer.from('x'.repeat(1024))],
] as const) {
  test(`a zip bomb of ${name} takes neither memory nor long`, () =>
    withProject(async (project) => {
      await project.write('data/.keep', '');
      await writeLarge(join(project.root, 'data/a.csv.gz'), pattern, SIZE, true);
      await project.pipeline('load', withParser({}));
      const end = await runMeasured(project);
      assertFails(end, { exit: 3, code: 'TOO_MANY_REJECTS', message: /data\/a\.csv\.gz record 1: /, hint: /max_rejects/ });
      assert.ok(end.peak < LIMIT * 1.15, `peak ${end.peak}`);
      tell(`gzip bomb, ${name}, ${SIZE / MB} MB`, end);
    }));
}

for (const [name, parser] of [
  ['csv', {}],
  ['own tokenizer', { trim_if_not_quoted: true }],
  ['json', { type: 'json' }],
] as const) {
  test(`a single line of ${SIZE / MB} MB is one reject (${name})`, () =>
    withProject(async (project) => {
      await project.write('data/.keep', '');
      await writeLarge(join(project.root, 'data/a.csv'), Buffer.from(name === 'json' ? '{"id":1,' : 'x'.repeat(1024)), SIZE);
      await project.pipeline('load', withParser(parser, { max_rejects: 10 }));
      const end = await runMeasured(project);
      assert.is(end.code, 0, end.stderr);
      assert.ok(end.peak < LIMIT * 1.15, `peak ${end.peak}`);
      assert.equal(await project.query('SELECT count(*) AS n FROM shop.t__rejects'), [{ n: 1 }]);
      tell(`single line, ${name}, ${SIZE / MB} MB`, end);
    }));
}

/** The Parquet writer asks for some 256 KiB a column, so very many columns need memory, and say so where there is too little. */
async function loadColumns(count: number, memory: string): Promise<void> {
  await withProject(async (project) => {
    const columns = Array.from({ length: count }, (_, i) => ({ name: `c${i}`, type: i % 2 === 0 ? 'long' : 'string' }));
    const line = columns.map((_, i) => i).join(',');
    await project.write('data/a.csv', `${line}\n${line}\n`);
    await project.pipeline('load', withParser({ columns }, { memory_limit: memory, max_threads: 1 }));
    const end = await runMeasured(project);
    if (end.code === 0)
      assert.equal(await project.query(`SELECT c0, c${count - 1} FROM shop.t LIMIT 1`), [{ c0: 0, [`c${count - 1}`]: String(count - 1) }]);
    else assertFails(end, { exit: 4, code: 'OUT_OF_MEMORY', message: /memory/i, hint: /exec\.memory_limit/ });
    assert.ok(end.code === 0 || count > 1000, end.stderr);
    tell(`${count} columns in ${memory}`, end);
  });
}

test('1,000 columns', () => loadColumns(1000, '800MB'));

if (FULL) test('10,000 columns', () => loadColumns(10_000, '8GB'));

test('a wrong delimiter on a large file ends early', () =>
  withProject(async (project) => {
    await project.write('data/.keep', '');
    const path = join(project.root, 'data/a.csv');
    await writeLarge(path, Buffer.from('123456;some name or other;2026-01-01 10:00:00\n'), SIZE * 2);
    await project.pipeline('load', withParser({}, { max_rejects: 1000 }));
    const end = await runMeasured(project);
    assertFails(end, { exit: 3, code: 'TOO_MANY_REJECTS', message: /record 1: /, hint: /sluice preview/ });
    assert.ok(end.seconds < (FULL ? 60 : 10), `${end.seconds} s`);
    tell(`wrong delimiter, ${Math.round((await stat(path)).size / MB)} MB`, end);
  }));

test('names with quotes, newlines, percent signs and dots are files like any other', () =>
  withProject(async (project) => {
    const names = [
      "it's.csv",
      'new\nline.csv',
      '100%25.csv',
      'ünï日本.csv',
      'a..b.csv',
      'a"b.csv',
      '$(touch pwned).csv',
      'x;y,z.csv',
      "'); DROP TABLE t; --.csv",
      'star*[a]?.csv',
      '{a,b}.csv',
      ' blank .csv',
      'back\\slash.csv',
    ];
    for (const [i, name] of names.entries()) await project.write(`data/${name}`, `${i},x\nbad,y\n`);
    await project.pipeline('load', withParser({}, { max_rejects: 100 }));
    await project.must('run', 'load.yml');
    assert.equal(
      (await project.query('SELECT id FROM shop.t ORDER BY id')).map((row) => row['id']),
      names.map((_, i) => i),
    );
    const rejects = await project.query('SELECT source FROM shop.t__rejects');
    assert.equal(rejects.map((row) => row['source']).sort(), names.map((name) => `data/${name}`).sort());
    assert.equal((await readdir(project.root)).sort(), ['.sluice', 'data', 'load.yml', 'sluice.yml']);
    assert.match((await project.sluice(['run', 'load.yml'])).stderr, /nothing new to load/);
    for (const [i, name] of names.entries()) assert.equal(await project.query(`SELECT id FROM shop.t WHERE id = ${i}`), [{ id: i }], name);
  }));

test('folder values that look like paths stay below the table', () =>
  withProject(async (project) => {
    const values = ['..', '..%2F..%2Fetc', "o'clock", 'a b', '日本', '=', '.'];
    for (const [i, value] of values.entries())
      await project.write(`data/place=${value === '.' || value === '..' ? `${value} ` : value}/a.csv`, `${i},x\n`);
    const config = withParser({});
    await project.pipeline('load', {
      ...config,
      in: { ...(config['in'] as JsonObject), path_prefix: 'data/place' },
      out: { type: 'warehouse', table: 'shop.t', partition_by: ['place'] },
    });
    await project.must('run', 'load.yml');
    assert.is((await project.query('SELECT id FROM shop.t')).length, values.length);
    assert.equal((await readdir(join(project.root, '.sluice/warehouse'))).sort(), ['_sluice', 'shop']);
    await project.write('data/place=%00/a.csv', '1,x\n');
    assertFails(await project.sluice(['run', 'load.yml']), { exit: 3, code: 'BAD_PARTITION_FOLDER', message: /%00/, hint: /hive_partitioning/ });
  }));

test('SQL in column and table names', () =>
  withProject(async (project) => {
    const names = ['id"; DROP TABLE t; --', "it's", 'select', '*', 'a.b', '$1', '{x}', 'new\nline', 'näme', '1', ' '];
    await project.write('data/a.csv', `${names.map((_, i) => i).join(',')}\n`);
    await project.pipeline('load', withParser({ columns: names.map((name) => ({ name, type: 'long' })) }));
    const end = await project.sluice(['run', 'load.yml']);
    assert.ok(end.code === 0 || end.code === 2, end.stderr);
    if (end.code === 0) {
      const [row] = await project.query('SELECT * FROM shop.t');
      assert.equal(row, Object.fromEntries(names.map((name, i) => [name, i])));
    }
    for (const table of ['shop.t; DROP', "shop.'t'", 'shop."t"', '../x.t', 'shop.t__rejects', 'Shop.T', 'a.b.c']) {
      await project.pipeline('bad', { ...loadConfig(), out: { type: 'warehouse', table } });
      const refused = await project.sluice(['run', 'bad.yml']);
      assert.is(refused.code, 2, `${table}: ${refused.stderr}`);
    }
  }));

test.run();
