import { createReadStream } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ParserFile, SourceColumn } from '../../../src/core/spi/index.js';
import parquet, { type ParquetParserConfig } from '../../../src/plugins/parser-parquet/index.js';
import { openLab, place, readAll, type Lab, type Outcome } from '../parser-json/lab.js';

let lab: Lab;
test.before(async () => {
  lab = await openLab();
});
test.after(() => lab.close());

async function make(name: string, select: string): Promise<ParserFile> {
  const target = path.join(lab.dir, name);
  await lab.sql.run(`copy (${select}) to '${target.replaceAll("'", "''")}' (format parquet)`);
  const open = (): AsyncIterable<Uint8Array> => createReadStream(target) as AsyncIterable<Uint8Array>;
  return { name, path: target, size: (await stat(target)).size, decoders: [], open, openRaw: open };
}

async function load(
  files: readonly ParserFile[],
  config: Partial<ParquetParserConfig> = {},
): Promise<Outcome & { columns: readonly SourceColumn[] }> {
  const whole: ParquetParserConfig = { type: 'parquet', ...config };
  const plan = await parquet.plan(whole, files, { ...lab.ctx, place, memory: undefined, sql: lab.sql });
  return { ...(await readAll(await parquet.open(files, plan, whole, lab.ctx), lab.sql)), columns: plan.columns };
}

async function failure(
  files: readonly ParserFile[],
  config: Partial<ParquetParserConfig> = {},
): Promise<{ code: string; message: string; hint: string }> {
  try {
    await load(files, config);
  } catch (error) {
    return error as { code: string; message: string; hint: string };
  }
  return assert.unreachable('an error was expected') as never;
}

test('every Parquet type has its column type, and values stay exact', async () => {
  const file = await make(
    'types.parquet',
    `select 255::utinyint a, -1::smallint b, 4294967295::uinteger c, 18446744073709551615::ubigint d, 1.5::float e, 12345678901234.10::decimal(18,2) f,
     time '10:00:00.123456' g, interval 3 day h, '6ba7b810-9dad-11d1-80b4-00c04fd430c8'::uuid i, [1,2] j, {x: 1.10::decimal(5,2), y: 9007199254740993} k,
     map {'k': 1} l, timestamp_ns '2024-01-01 00:00:00.123456789' m, timestamptz '2024-01-01 00:00:00+09' n, timestamp '2024-01-01 00:00:00.5' o,
     date '2024-02-29' p, '\\xFF'::blob q, '{"a": 1.10}'::json r, true s, 'é' t`,
  );
  const got = await load([file]);
  assert.equal(
    got.columns.map((c) => `${c.name} ${c.type}${c.text ? ' text' : ''}`),
    [
      'a long',
      'b long',
      'c long',
      'd decimal(20,0)',
      'e double',
      'f decimal(18,2)',
      'g string',
      'h string',
      'i string',
      'j json text',
      'k json text',
      'l json text',
      'm datetime text',
      'n timestamp',
      'o datetime',
      'p date',
      'q binary',
      'r json text',
      's boolean',
      't string',
    ],
  );
  assert.equal(got.rows, [
    {
      a: '255',
      b: '-1',
      c: '4294967295',
      d: '18446744073709551615',
      e: '1.5',
      f: '12345678901234.10',
      g: '10:00:00.123456',
      h: '3 days',
      i: '6ba7b810-9dad-11d1-80b4-00c04fd430c8',
      j: '[1,2]',
      k: '{"x":1.1,"y":9007199254740993}',
      l: '{"k":1}',
      m: '2024-01-01 00:00:00.123456789 (finer than microseconds)',
      n: '2023-12-31 15:00:00+00',
      o: '2024-01-01 00:00:00.5',
      p: '2024-02-29',
      q: '\\xFF',
      r: '{"a": 1.10}',
      s: 'true',
      t: 'é',
    },
  ]);
});

test('nanoseconds: what microseconds hold is read, the rest is rejected and not cut off', async () => {
  const file = await make(
    'ns.parquet',
    "select unnest([timestamp_ns '2024-01-01 00:00:00.123456', timestamp_ns '2024-01-01 00:00:00.123456001', null]) as t",
  );
  assert.equal((await load([file])).values, [{ t: '2024-01-01 00:00:00.123456' }, { t: null }, { t: null }]);
});

test('files of one load widen as Iceberg does, keep their order and name their rows', async () => {
  const files = [
    await make('w1.parquet', 'select i::integer as id, 1.25::decimal(5,2) as m from range(3) t(i)'),
    await make('w2.parquet', 'select (i + 3)::bigint as id, 2.25::decimal(9,2) as m from range(2) t(i)'),
  ];
  const got = await load(files);
  assert.equal(got.columns, [
    { name: 'id', type: 'long' },
    { name: 'm', type: 'decimal(9,2)' },
  ]);
  assert.equal(
    got.rows.map((r) => r['id']),
    ['0', '1', '2', '3', '4'],
  );
  assert.equal(
    got.places.map((p) => [p.source, p.recordNumber]),
    [
      ['w1.parquet', 1],
      ['w1.parquet', 2],
      ['w1.parquet', 3],
      ['w2.parquet', 1],
      ['w2.parquet', 2],
    ],
  );
  assert.equal(
    got.verdict.files.map((f) => [f.source, f.bytes]),
    files.map((f) => [f.name, f.size]),
  );
  assert.match(got.verdict.files[0]?.hash ?? '', /^sha256:[0-9a-f]{64}$/);
});

test('what does not widen is an error that names column and both files', async () => {
  const error = await failure([await make('d1.parquet', 'select 1 as a'), await make('d2.parquet', "select 'x' as a")]);
  assert.is(error.code, 'PARQUET_SCHEMAS_DIFFER');
  assert.match(error.message, /column "a" is INTEGER in d1\.parquet, but "a" VARCHAR in d2\.parquet/);
  assert.ok(error.hint);
  const cased = await failure([await make('e1.parquet', 'select 1 as a'), await make('e2.parquet', 'select 1 as A')]);
  assert.is(cased.code, 'PARQUET_SCHEMAS_DIFFER');
});

test('a column that some files lack: an error, or NULL when allowed', async () => {
  const files = [await make('m1.parquet', 'select 1 as a'), await make('m2.parquet', 'select 2 as a, 3 as b')];
  const error = await failure(files);
  assert.is(error.code, 'PARQUET_COLUMN_MISSING');
  assert.match(error.message, 'column "b" of m2.parquet is missing in m1.parquet');
  assert.match(error.hint, 'allow_missing_columns');
  assert.equal((await load(files, { allow_missing_columns: true })).rows, [
    { a: '1', b: null },
    { a: '2', b: '3' },
  ]);
  assert.equal((await load(files, { columns: ['a'] })).rows, [{ a: '1' }, { a: '2' }]);
  assert.is((await failure(files, { columns: ['zz'] })).code, 'PARQUET_COLUMN_UNKNOWN');
});

test('a corrupt file and columns that differ by case are errors; a stream is read from a copy', async () => {
  await writeFile(path.join(lab.dir, 'bad.parquet'), 'PAR1 this is no Parquet file PAR1');
  const bad = await failure([await lab.file('PAR1 this is no Parquet file', 'bad.parquet')]);
  assert.is(bad.code, 'PARQUET_UNREADABLE');
  assert.match(bad.message, 'bad.parquet: not a readable Parquet file');
  assert.match(bad.hint, 'written completely');
  const good = await make("it's.parquet", 'select 7 as a');
  const { path: _, ...stream } = good;
  assert.equal((await load([stream])).rows, [{ a: '7' }]);
});

test('no files: the columns of the last run', async () => {
  const columns: SourceColumn[] = [{ name: 'a', type: 'long' }];
  const plan = await parquet.plan({ type: 'parquet' }, [], { ...lab.ctx, place, memory: { columns: [{ name: 'a', type: 'long' }] }, sql: lab.sql });
  assert.equal(plan.columns, columns);
});

test.run();
