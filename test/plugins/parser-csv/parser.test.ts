import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ConfigError, DataError, type JsonObject, type ParserFile } from '../../../src/core/spi/index.js';
import csv from '../../../src/plugins/parser-csv/index.js';
import type { CsvConfig } from '../../../src/plugins/parser-csv/schema.js';
import { fileChunks } from '../../../src/plugins/shared/file-chunks.js';
import { openLab, type CsvLab } from './harness.js';

let lab: CsvLab;
test.before(async () => void (lab = await openLab()));
test.after(() => lab.close());

const text = (...names: string[]): JsonObject[] => names.map((name) => ({ name, type: 'string' }));
const place = { at: (p: string) => ({ file: 'x.yml', line: 3, path: p }) };

async function planError(config: JsonObject): Promise<ConfigError> {
  const error = await csv.plan(config as unknown as CsvConfig, [], { ...lab.ctx, place, memory: undefined }).catch((e: unknown) => e);
  assert.instance(error, ConfigError);
  return error as ConfigError;
}

test('wrong options are config errors with a place and a hint', async () => {
  const columns = text('a');
  const wrong: [JsonObject, string, RegExp][] = [
    [{ columns, delimiter: '' }, 'CSV_DELIMITER', /delimiter: /],
    [{ columns, delimiter: '"' }, 'CSV_DELIMITER', /holds the quote/],
    [{ columns, quote: "''" }, 'CSV_QUOTE', /one ASCII character, found "''"/],
    [{ columns, escape: 'é' }, 'CSV_QUOTE', /escape must be/],
    [{ columns, header_line: true, skip_header_lines: 1 }, 'CSV_HEADER', /both given/],
    [{ columns, null_string: 'a,b' }, 'CSV_NULL_STRING', /null_string holds/],
    [{ columns, charset: 'klingon' }, 'CSV_CHARSET', /unknown charset "klingon"/],
    [{ columns: [{ name: 'a', type: 'integer' }] }, 'COLUMN_TYPE', /"integer" is no type/],
    [{ columns: text('id', 'ID') }, 'COLUMN_TWICE', /"id" and "ID"/],
  ];
  for (const [config, code, message] of wrong) {
    const error = await planError(config);
    assert.is(error.code, code);
    assert.match(error.message, message);
    assert.ok(error.hint);
    assert.is(error.where.line, 3);
  }
});

test('columns carry their formats', async () => {
  const plan = await csv.plan(
    {
      columns: [
        { name: 'at', type: 'timestamp', timezone: 'Asia/Tokyo' },
        { name: 'd', type: 'date', format: '%d.%m.%Y' },
        { name: 'n', type: 'decimal(10, 2)' },
        { name: 'l', type: 'datetime' },
      ],
      default_timestamp_format: '%Y/%m/%d %H:%M',
      default_date: '2000-01-01',
    } as unknown as CsvConfig,
    [],
    { ...lab.ctx, place, memory: undefined },
  );
  assert.equal(plan.columns, [
    { name: 'at', type: 'timestamp', text: { format: '%Y/%m/%d %H:%M', timezone: 'Asia/Tokyo', date: '2000-01-01' } },
    { name: 'd', type: 'date', text: { format: '%d.%m.%Y' } },
    { name: 'n', type: 'decimal(10,2)', text: {} },
    { name: 'l', type: 'datetime', text: { format: '%Y/%m/%d %H:%M', date: '2000-01-01' } },
  ]);
});

test('a clean file is read natively, with its hash, and counts nothing twice', async () => {
  const result = await lab.read({ columns: text('a', 'b'), skip_header_lines: 1 }, [await lab.file('a,b\n1,"x\ny"\n2,\n')]);
  assert.is(result.lane, 'native');
  assert.equal(result.rows, [
    ['1', 'x\ny'],
    ['2', null],
  ]);
  assert.is(result.verdict.read, 2);
  assert.match(result.verdict.files[0]?.hash ?? '', /^sha256:[0-9a-f]{64}$/);
});

test('rejects name record, offset, column, reason and exact text', async () => {
  const rows = Array.from({ length: 500 }, (_, i) => `${i},x,y`).join('\n');
  const { rejects, lane, places } = await lab.read(
    { columns: text('a', 'b', 'c'), skip_header_lines: 1 },
    [await lab.file(`a,b,c\n${rows}\nsoló\n1,2,3,4\n5,6,7\n`, 'rejects.csv')],
    { places: true },
  );
  assert.is(lane, 'native');
  const offset = 6 + Buffer.byteLength(rows) + 1;
  assert.equal(rejects, [
    { source: 'rejects.csv', recordNumber: 501, byteOffset: offset, columnName: 'b', reason: 'too few columns: expected 3, found 1', raw: 'soló' },
    {
      source: 'rejects.csv',
      recordNumber: 502,
      byteOffset: offset + 6,
      columnName: null,
      reason: 'too many columns: expected 3, found 4',
      raw: '1,2,3,4',
    },
  ]);
  assert.equal(places.at(-1), { source: 'rejects.csv', recordNumber: 503, byteOffset: offset + 14, raw: '5,6,7' });
});

test('a quote that is never closed costs one record, wherever it stands', async () => {
  const row = `${'v'.repeat(200)},w\n`;
  const before = row.repeat(20_000);
  const { rows, rejects, lane } = await lab.read({ columns: text('a', 'b') }, [await lab.file(`${before}x,"open\n${before}`)]);
  assert.is(lane, 'redo');
  assert.is(rows.length, 40_000);
  assert.is(rejects.length, 1);
  assert.is(rejects[0]?.recordNumber, 20_001);
  assert.is(rejects[0]?.raw, 'x,"open');
});

test('a record beyond 2 MB is one reject', async () => {
  const huge = 'y'.repeat(5_000_000);
  const { rows, rejects } = await lab.read({ columns: text('a', 'b') }, [await lab.file(`a,b\nx,${huge}\nc,d\n"${huge}\ne,f\n`)]);
  assert.equal(rows, [
    ['a', 'b'],
    ['c', 'd'],
    ['e', 'f'],
  ]);
  assert.equal(
    rejects.map((r) => [r.recordNumber, r.byteOffset, r.raw]),
    [
      [2, 4, null],
      [4, 5_000_011, null],
    ],
  );
});

test('newlines within values of a CRLF file, which DuckDB would lose, are read by our tokenizer', async () => {
  const { rows, lane } = await lab.read({ columns: text('a', 'b') }, [await lab.file('a,"x\r\ny"\r\nb,"u\nv"\r\n'.repeat(100))]);
  assert.is(lane, 'own');
  assert.is(rows.length, 200);
  assert.equal(rows.slice(0, 2), [
    ['a', 'x\r\ny'],
    ['b', 'u\nv'],
  ]);
});

test('CRLF files with empty last fields and blank lines are read natively', async () => {
  const { rows, lane, rejects } = await lab.read({ columns: text('a', 'b') }, [await lab.file(`${'a,\r\nb,c\r\n,""\r\nd,"e"\r\n'.repeat(100)}\r\n`)]);
  assert.is(lane, 'native');
  assert.equal(rejects, []);
  assert.is(rows.length, 400);
  assert.equal(rows.slice(-4), [
    ['a', null],
    ['b', 'c'],
    [null, ''],
    ['d', 'e'],
  ]);
});

test('newlines that turn out to be mixed after the sample make the other lane read it all', async () => {
  const { rows, lane, reason } = await lab.read({ columns: text('a', 'b') }, [await lab.file(`${'a,b\n'.repeat(300_000)}c,d\r\ne,f\n`)]);
  assert.equal([lane, reason], ['redo', 'newlines are mixed']);
  assert.equal(rows.slice(-2), [
    ['c', 'd'],
    ['e', 'f'],
  ]);
  assert.is(rows.length, 300_002);
});

test('the largest record passes in both lanes', async () => {
  const file = await lab.file(`a,b\nx,${'y'.repeat(1_999_997)}\nx,${'y'.repeat(1_999_998)}\nc,d\n`);
  for (const forceOwn of [false, true]) {
    const { rows, rejects } = await lab.read({ columns: text('a', 'b') }, [file], { forceOwn });
    assert.is(rows.length, 3);
    assert.equal(
      rejects.map((r) => r.recordNumber),
      [3],
    );
  }
});

test('files around the size that is read in one small buffer keep their rows', async () => {
  for (const bytes of [1_999_998, 1_999_999, 2_000_000, 2_000_001]) {
    const lines = 'x,y\n'.repeat(400_000);
    const files = [await lab.file('a,b\n'), await lab.file(`${lines}c,${'z'.repeat(bytes - lines.length - 3)}\n`), await lab.file('d,e')];
    for (const forceOwn of [false, true]) {
      const { rows, rejects } = await lab.read({ columns: text('a', 'b') }, files, { forceOwn });
      assert.equal([rows.length, rows[0], rows.at(-1), rejects], [400_003, ['a', 'b'], ['d', 'e'], []]);
    }
  }
});

test('empty, header-only and mark-only files give no rows', async () => {
  for (const content of ['', 'a,b', 'a,b\n', '\ufeff', '\ufeffa,b\n', '\n\n']) {
    const { rows, rejects } = await lab.read({ columns: text('a', 'b'), skip_header_lines: 1 }, [await lab.file(content)]);
    assert.equal([rows, rejects], [[], []]);
  }
});

test('headers in another order are mapped by name, in one file and in several', async () => {
  const config = { columns: text('a', 'b'), skip_header_lines: 1 };
  const [ab, ba] = [await lab.file('x,y\n1,2\n'), await lab.file('y,x\n4,3\n')];
  const together = await lab.read(config, [ab, ba], { places: true });
  assert.equal(together.rows, [
    ['1', '2'],
    ['3', '4'],
  ]);
  assert.equal(
    together.places.map((p) => [p.source, p.recordNumber, p.raw]),
    [
      [ab.name, 1, '1,2'],
      [ba.name, 1, '4,3'],
    ],
  );
  const alone = await lab.read(config, [ba], { memory: { header: ['x', 'y'] } });
  assert.is(alone.lane, 'native');
  assert.equal(alone.rows, [['3', '4']]);
  assert.equal((await lab.read({ ...config, match_columns: 'position' }, [ab, ba])).rows, [
    ['1', '2'],
    ['4', '3'],
  ]);
});

test('what only a later file shows is found when it is read: order, newline, other names, nothing at all', async () => {
  const config = { columns: text('a', 'b'), skip_header_lines: 1 };
  const many = (...last: string[]): Promise<ParserFile[]> =>
    Promise.all(['a,b\n1,2\n', 'a,b\n3,4\n', 'a,b\n5,6\n', 'a,b\n7,8\n', ...last].map((t) => lab.file(t)));
  const before = [
    ['1', '2'],
    ['3', '4'],
    ['5', '6'],
    ['7', '8'],
  ];
  const read = async (...last: string[]): ReturnType<typeof lab.read> => lab.read(config, await many(...last), { places: true });

  const ordered = await read('b,a\n10,9\n', 'a,b\n11,12\n', 'b,a\n14,13');
  assert.equal(ordered.rows, [...before, ['9', '10'], ['11', '12'], ['13', '14']]);
  assert.equal([ordered.lane, ordered.reason], ['redo', 'the files have their columns in different orders']);
  const quoted = await read('"a","b"\n9,10\n');
  assert.equal([quoted.lane, quoted.rows.length], ['native', 5]);
  const newline = await read('a,b\r\n9,10\r\n');
  assert.equal(newline.rows, [...before, ['9', '10']]);
  assert.is(newline.lane, 'redo');
  const empty = await read('', 'a,b\n', 'a,b\n9,10');
  assert.equal([empty.lane, empty.rows], ['native', [...before, ['9', '10']]]);

  const other = await read('a,b\n9,10\n', 'a,c\n11,12\n').catch((e: unknown) => e);
  assert.instance(other, DataError);
  assert.is((other as DataError).code, 'CSV_HEADER_MISMATCH');
  assert.match((other as DataError).message, 'missing: b; not expected: c');
});

test('a first header that only reorders the columns is mapped by name', async () => {
  const mapped = await lab.read({ columns: text('id', 'name'), skip_header_lines: 1, delimiter: ';' }, [await lab.file('"Name";"ID"\n"n";1\n')]);
  assert.equal(mapped.rows, [['1', 'n']]);
});

test('missing and extra names are an error that lists them', async () => {
  const files = [await lab.file('x,y\n1,2\n', 'first.csv'), await lab.file('x,z\n1,2\n', 'second.csv')];
  const error = await lab.read({ columns: text('a', 'b'), skip_header_lines: 1 }, files).catch((e: unknown) => e);
  assert.instance(error, DataError);
  assert.is((error as DataError).code, 'CSV_HEADER_MISMATCH');
  assert.match((error as DataError).message, /second\.csv: .*missing: y; not expected: z/);
  assert.match((error as DataError).hint ?? '', /match_columns: position/);
});

test('the first header is remembered in the plan and wins over later ones', async () => {
  const file = await lab.file('y,x\n1,2\n');
  const config = { columns: text('a', 'b'), skip_header_lines: 1 } as unknown as CsvConfig;
  assert.equal((await csv.plan(config, [file], { ...lab.ctx, place, memory: undefined })).memory, { header: ['y', 'x'] });
  assert.equal((await csv.plan(config, [file], { ...lab.ctx, place, memory: { header: ['x', 'y'] } })).memory, { header: ['x', 'y'] });
});

test('a blank header line names nothing', async () => {
  const { rows } = await lab.read({ columns: text('a', 'b'), skip_header_lines: 2 }, [await lab.file('t\n\n1,2\n'), await lab.file('u\n\n3,4\n')]);
  assert.equal(rows, [
    ['1', '2'],
    ['3', '4'],
  ]);
});

test('paths with glob characters, quotes and hive-like folders are taken literally', async () => {
  await mkdir(path.join(lab.dir, "k=v[1]*?'s"), { recursive: true });
  const files = [await lab.file('1,2\n', "k=v[1]*?'s/a[b]*?.csv"), await lab.file('3,4\n', "k=v[1]*?'s/ab.csv")];
  const { rows, lane } = await lab.read({ columns: text('a', 'filename') }, [files[0] as ParserFile]);
  assert.is(lane, 'native');
  assert.equal(rows, [['1', '2']]);
});

test('many small files are one native relation, in order', async () => {
  const files = [];
  for (let i = 0; i < 60; i++) files.push(await lab.file(i % 7 === 0 ? '' : `h,i\n${i},x\n${i},y\n`, `many${String(i).padStart(2, '0')}.csv`));
  const { rows, lane, places, verdict } = await lab.read({ columns: text('a', 'b'), skip_header_lines: 1 }, files, { places: true });
  assert.is(lane, 'native');
  const wanted = files.flatMap((_, i) =>
    i % 7 === 0
      ? []
      : [
          [String(i), 'x'],
          [String(i), 'y'],
        ],
  );
  assert.equal(rows, wanted);
  assert.is(verdict.files.length, 60);
  assert.equal(
    places.map((p) => [p.source, p.recordNumber]),
    files.flatMap((f, i) =>
      i % 7 === 0
        ? []
        : [
            [f.name, 1],
            [f.name, 2],
          ],
    ),
  );
});

test('other charsets are converted; malformed bytes reject their record', async () => {
  const sjis = Buffer.concat([Buffer.from('1,'), Buffer.from([0x83, 0x65]), Buffer.from('\n2,'), Buffer.from([0x83, 0x0a]), Buffer.from('3,x\n')]);
  const { rows, rejects } = await lab.read({ columns: text('a', 'b'), charset: 'shift_jis' }, [await lab.file(sjis)]);
  assert.equal(rows, [
    ['1', 'テ'],
    ['3', 'x'],
  ]);
  assert.equal(
    rejects.map((r) => [r.recordNumber, r.byteOffset, r.reason]),
    [[2, null, 'malformed bytes: not valid in the given charset']],
  );
  const wide = await lab.read({ columns: text('a', 'b'), charset: 'utf-16le', skip_header_lines: 1 }, [
    await lab.file(Buffer.from('\ufeffa,b\r\n1,😀\ufffd\r\n2,\ud800\r\n', 'utf16le')),
  ]);
  assert.equal(wide.rows, [['1', '😀\ufffd']]);
  assert.is(wide.rejects.length, 1);
});

test('a source that uses its buffer again is copied faithfully', async () => {
  const lines = Array.from({ length: 700_000 }, (_, i) => `${i},é${i % 97}`);
  const file = await lab.file(Buffer.from(lines.map((line) => `${line}\n`).join(''), 'latin1'), 'large.csv');
  const { rows, rejects } = await lab.read({ columns: text('a', 'b'), charset: 'windows-1252' }, [
    { ...file, open: () => fileChunks(file.path as string, { chunkBytes: 1 << 20 }) },
  ]);
  assert.equal(rejects, []);
  assert.ok(rows.length === lines.length && rows.every((row, i) => row.join(',') === lines[i]));
});

test('a continued file has no header and keeps the offsets of its source', async () => {
  const file = await lab.file('3,4\n5\n', 'tail.csv');
  const { path: _, ...stream } = file;
  const { rows, rejects } = await lab.read({ columns: text('a', 'b'), skip_header_lines: 1 }, [{ ...stream, offset: 100 }], {
    memory: { header: ['a', 'b'] },
  });
  assert.equal(rows, [['3', '4']]);
  assert.equal(
    rejects.map((r) => r.byteOffset),
    [104],
  );
});

test('a column of blank lines and NULL words keeps exactly its records', async () => {
  assert.equal((await lab.read({ columns: text('a') }, [await lab.file('x\n\n""\n \n')])).rows, [['x'], [''], [' ']]);
  assert.equal((await lab.read({ columns: text('a'), null_string: 'x' }, [await lab.file('x\n\n""\ny\n')])).rows, [[null], [''], ['y']]);
});

test('a stopped scan is read by the other lane', async () => {
  const file = await lab.file('a,b\n'.repeat(10));
  const { openCsv } = await import('../../../src/plugins/parser-csv/open-csv.js');
  const config = { columns: text('a', 'b') } as unknown as CsvConfig;
  const reading = await openCsv([file], await csv.plan(config, [file], { ...lab.ctx, place, memory: undefined }), config, lab.ctx);
  const verdict = await reading.check(-1);
  assert.is(verdict.keep, false);
  await reading.close();
  if (verdict.keep) return;
  const [row] = await lab.ctx.sql.rows(`SELECT count(*) AS n FROM ${verdict.instead.relation.from}`);
  assert.is(Number(row?.['n']), 10);
  assert.is((await verdict.instead.check(10)).keep, true);
  await verdict.instead.close();
  assert.ok(existsSync(file.path as string));
});

test('a record that is malformed in an unused column is rejected all the same', async () => {
  const file = await lab.file(Buffer.concat([Buffer.from('a,b\n'.repeat(200)), Buffer.from('c,\xff\n', 'latin1')]));
  const { openCsv } = await import('../../../src/plugins/parser-csv/open-csv.js');
  const config = { columns: text('a', 'b') } as unknown as CsvConfig;
  const reading = await openCsv(
    [file],
    {
      columns: [
        { name: 'a', type: 'string', text: {} },
        { name: 'b', type: 'string', text: {} },
      ],
    },
    config,
    lab.ctx,
  );
  const [row] = await lab.ctx.sql.rows(`SELECT count(a) AS n FROM ${reading.relation.from}`);
  const verdict = await reading.check(Number(row?.['n']));
  await reading.close();
  assert.is(verdict.keep, false);
  if (verdict.keep) return;
  assert.equal({ ...(await verdict.instead.check(200)), files: [] }.keep, true);
  await verdict.instead.close();
});

test('an aborted run stops reading', async () => {
  const stop = new AbortController();
  stop.abort(new Error('stopped'));
  const { openCsv } = await import('../../../src/plugins/parser-csv/open-csv.js');
  const file = await lab.file('a\n');
  const config = { columns: text('a'), trim_if_not_quoted: true } as unknown as CsvConfig;
  const error = await openCsv([file], { columns: [{ name: 'a', type: 'string', text: {} }] }, config, { ...lab.ctx, signal: stop.signal }).catch(
    (e: unknown) => e,
  );
  assert.is((error as Error).message, 'stopped');
});

test.run();
