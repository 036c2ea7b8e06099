import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openDatabase } from '../../../src/core/duckdb/index.js';
import { castProblem, castSql } from '../../../src/core/engine/typing/index.js';
import {
  ConfigError,
  duckdbType,
  quoteIdentifier,
  quoteLiteral,
  type Column,
  type FormatContext,
  type LinesPlan,
} from '../../../src/core/spi/index.js';
import csv from '../../../src/plugins/formatter-csv/index.js';
import type { DelimitedConfig } from '../../../src/plugins/shared/text-format/delimited.js';
import { prepareConfig } from '../../../src/conformance/declaration.js';
import { copyFiles } from '../../../src/plugins/shared/object-output/index.js';

const test = suite('csv formatter');
const context: FormatContext = {
  text: { sql: (ref, type, text) => castSql(ref, type, 'string', text), problem: (type, text) => castProblem(type, 'string', text) },
  place: { at: (path) => ({ path }) },
};

let folder: string;
let database: Awaited<ReturnType<typeof openDatabase>>;
test.before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-csv-'));
  database = await openDatabase({ threads: 1 });
});
test.after(async () => {
  database.close();
  await rm(folder, { recursive: true, force: true });
});

/** The file that rows of these columns become, as latin1 text so that every byte shows; values are SQL literals. */
async function write(given: Record<string, unknown>, columns: readonly Column[], rows: readonly (readonly string[])[]): Promise<Buffer> {
  const config = (await prepareConfig(csv, given as never)) as unknown as DelimitedConfig;
  const format = csv.plan(config, columns, context) as LinesPlan;
  const select = rows.map(
    (row) => `SELECT ${columns.map((c, i) => `${row[i]}::${duckdbType(c.type)} AS ${quoteIdentifier(c.name)}`).join(', ')}, 0 AS __status`,
  );
  const sql = await database.connect();
  try {
    const plan = { file: { format, extension: '.csv', copyOptions: '', encoded: false }, partition: [], maxFileBytes: null };
    const { files } = await copyFiles(plan, { select: select.join(' UNION ALL '), schema: columns, statusColumn: '__status' }, folder, sql);
    const bytes = readFileSync(files[0]?.path ?? '');
    if (format.transform !== true) return bytes;
    const parts: Uint8Array[] = [];
    const source = (async function* () {
      for (const byte of bytes) yield Uint8Array.of(byte);
    })();
    for await (const part of csv.transform?.(source, config, undefined as never) ?? []) parts.push(Uint8Array.from(part));
    return Buffer.concat(parts);
  } finally {
    sql.close();
  }
}

interface Case {
  readonly area: string;
  readonly name: string;
  readonly config: Record<string, unknown>;
  readonly input: string | null;
  readonly expected: string;
}

test("fields are written as Embulk's formatter does", async () => {
  const cases = (JSON.parse(readFileSync(new URL('../../cases/embulk-cases.json', import.meta.url), 'utf8')) as Case[]).filter(
    (c) => c.area === 'csv_format_field',
  );
  assert.is(cases.length, 10);
  for (const { name, config, input, expected } of cases) {
    const value = input === null ? 'NULL' : quoteLiteral(input);
    const found = await write({ ...config, header_line: false, newline: 'LF' }, [{ name: 'v', type: 'string' }], [[value]]);
    assert.is(found.toString(), `${expected}\n`, name);
  }
});

const every: readonly Column[] = [
  { name: 'b', type: 'boolean' },
  { name: 'l', type: 'long' },
  { name: 'd', type: 'double' },
  { name: 'm', type: 'decimal(38,10)' },
  { name: 's', type: 'string' },
  { name: 'day', type: 'date' },
  { name: 'at', type: 'timestamp' },
  { name: 'local', type: 'datetime' },
  { name: 'j', type: 'json' },
  { name: 'x', type: 'binary' },
];
const values = [
  'true',
  '9007199254740993',
  '0.1',
  '12345678901234567890.0000000001',
  "'a,b'",
  "'2024-02-29'",
  "'2015-01-27 19:23:49.123456+00'",
  "'2015-01-27 19:23:49'",
  `'{"a":  1.10}'`,
  "'\\x00\\xFF'",
];
const nothing = every.map(() => 'NULL');

test('every type has its exact text', async () => {
  const found = await write({}, every, [values, nothing]);
  assert.is(
    found.toString(),
    'b,l,d,m,s,day,at,local,j,x\r\n' +
      'true,9007199254740993,0.1,12345678901234567890.0000000001,"a,b",2024-02-29,2015-01-27 19:23:49.123456 +0000,2015-01-27 19:23:49,"{""a"":  1.10}",AP8=\r\n' +
      ',,,,,,,,,\r\n',
  );
});

test("ALL quotes every value and no NULL; formats and zones are the column's own", async () => {
  const found = await write(
    {
      quote_policy: 'ALL',
      null_string: '\\N',
      newline: 'LF',
      default_timezone: 'Asia/Tokyo',
      column_options: { day: { format: '%d/%m/%Y' }, x: { format: 'hex' }, local: { timestamp_format: '%H"%M' } },
    },
    every.slice(4),
    [values.slice(4), nothing.slice(4)],
  );
  assert.is(
    found.toString(),
    '"s","day","at","local","j","x"\n"a,b","29/02/2024","2015-01-28 04:23:49.123456 +0900","19""23","{""a"":  1.10}","00ff"\n\\N,\\N,\\N,\\N,\\N,\\N\n',
  );
});

test('NULL, the empty text and a text like null_string stay apart', async () => {
  const columns: readonly Column[] = [
    { name: 'i', type: 'long' },
    { name: 's', type: 'string' },
  ];
  const rows = [
    ['1', 'NULL'],
    ['2', "''"],
    ['3', "'NULL'"],
    ['4', "' '"],
    ['NULL', "'x'"],
  ];
  assert.is((await write({ newline: 'LF' }, columns, rows)).toString(), 'i,s\n1,\n2,""\n3,NULL\n4, \n,x\n');
  assert.is((await write({ newline: 'LF', null_string: 'NULL' }, columns, rows)).toString(), 'i,s\n1,NULL\n2,\n3,"NULL"\n4, \nNULL,x\n');
  assert.is((await write({ newline: 'LF', null_string: '3' }, columns, rows)).toString(), 'i,s\n1,3\n2,\n"3",NULL\n4, \n3,x\n');
});

test('newlines, delimiters and headers', async () => {
  const columns: readonly Column[] = [
    { name: 'a "b"', type: 'string' },
    { name: 'c|d', type: 'string' },
  ];
  const rows = [["E'x\\r\\ny'", "'p|q'"]];
  assert.is((await write({ delimiter: '|', newline: 'CR' }, columns, rows)).toString(), '"a ""b"""|"c|d"\r"x\r\ny"|"p|q"\r');
  assert.is(
    (await write({ delimiter: '||', newline: 'CRLF', newline_in_field: 'LF' }, columns, rows)).toString(),
    '"a ""b"""||c|d\r\n"x\ny"||p|q\r\n',
  );
  assert.is(
    (await write({ quote: "'", escape: '\\', newline: 'LF' }, columns, [["'it''s \\'", "'a\\b'"]])).toString(),
    `a "b",c|d\n'it\\'s \\\\',a\\b\n`,
  );
  assert.is(
    (await write({ quote_policy: 'NONE', delimiter: '\t', newline: 'LF' }, columns, [["E'a\\tb\\\\'", "'\"'"]])).toString(),
    'a "b"\tc|d\na\\\tb\\\\\t"\n',
  );
});

test('charsets and the byte order mark', async () => {
  const columns: readonly Column[] = [{ name: '名', type: 'string' }];
  const rows = [["'東京 ① ～ ｶﾅ é'"]];
  const sjis = await write({ charset: 'shift_jis', newline: 'LF' }, columns, [["'東京 ① ｶﾅ'"]]);
  assert.is(new TextDecoder('shift_jis', { fatal: true }).decode(sjis), '名\n東京 ① ｶﾅ\n');
  assert.is(sjis.toString('hex').slice(0, 4), '96bc');
  const utf16 = await write({ charset: 'utf-16be', bom: true, newline: 'LF' }, columns, rows);
  assert.is(new TextDecoder('utf-16be', { ignoreBOM: true }).decode(utf16), '\uFEFF名\n東京 ① ～ ｶﾅ é\n');
  const euc = await write({ charset: 'euc-jp', newline: 'LF' }, columns, [["'東京 丂'"]]);
  assert.is(new TextDecoder('euc-jp', { fatal: true }).decode(euc), '名\n東京 丂\n');
  assert.is((await write({ bom: true, header_line: false, newline: 'LF' }, columns, [["'é'"]])).toString('hex'), 'efbbbfc3a90a');
  await write({ charset: 'shift_jis' }, columns, [["'😀'"]]).then(
    () => assert.unreachable('an emoji has no place in Shift_JIS'),
    (error: { code: string; message: string; hint: string }) => {
      assert.is(error.code, 'CHARSET_CANNOT');
      assert.match(error.message, /U\+1F600/);
      assert.match(error.hint, /utf-8/);
    },
  );
});

test('what does not fit is a config error that names its key', async () => {
  const column: Column = { name: 's', type: 'string' };
  const at: Column = { name: 'at', type: 'timestamp' };
  const bad: readonly (readonly [Record<string, unknown>, Column, string])[] = [
    [{ delimiter: '"' }, column, 'delimiter'],
    [{ delimiter: '\n' }, column, 'delimiter'],
    [{ null_string: 'a,b' }, column, 'null_string'],
    [{ charset: 'iso-2022-jp' }, column, 'charset'],
    [{ charset: 'none' }, column, 'charset'],
    [{ column_options: { t: { timezone: 'UTC' } } }, column, 'column_options'],
    [{ column_options: { s: { timezone: 'UTC' } } }, column, 'column_options.s'],
    [{ column_options: { at: { timestamp_format: '%K' } } }, at, 'column_options.at'],
    [{ default_timestamp_format: '%' }, at, 'default_timestamp_format'],
  ];
  for (const [config, schema, path] of bad) {
    const error = await write(config, [schema], [['NULL']]).catch((thrown: unknown) => thrown);
    assert.instance(error, ConfigError, JSON.stringify(config));
    assert.is((error as ConfigError).where.path, path);
    assert.ok((error as ConfigError).hint);
  }
});

test.run();
