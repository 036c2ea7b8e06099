import { gunzipSync, gzipSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { parse as parseYaml } from 'yaml';
import { writeConfigYaml, type GuessedConfig } from '../../../src/core/engine/guess/index.js';
import type { JsonObject } from '../../../src/core/spi/index.js';
import { openLab, type Lab } from '../parser-json/lab.js';
import { guessBytes } from './lab.js';

let lab: Lab;
test.before(async () => {
  lab = await openLab();
});
test.after(() => lab.close());

const parserOf = (guessed: GuessedConfig): JsonObject => guessed.in['parser'] as JsonObject;
const columnsOf = (guessed: GuessedConfig): Record<string, unknown> =>
  Object.fromEntries(
    (parserOf(guessed)['columns'] as readonly JsonObject[]).map((c) => [c['name'], c['format'] === undefined ? c['type'] : [c['type'], c['format']]]),
  );
const noteAt = (guessed: GuessedConfig, path: string): string | undefined => guessed.notes.find((n) => n.path === path)?.text;

test('types from a sample, each with its reason', async () => {
  const rows = Array.from(
    { length: 40 },
    (_, i) =>
      `${i},0${i % 10}1,${i}.${10 + i},${9223372036854775000n + BigInt(i * 100)},${i === 3 ? 'N/A' : i},yes,2024-01-0${1 + (i % 9)} 10:00:00,0.${i}5${i}`,
  );
  const guessed = await guessBytes(lab, `Id,Zip Code,Amount,Big,Mixed,Ok,Created_At,Score\n${rows.join('\n')}\n`);
  assert.equal(columnsOf(guessed), {
    id: 'long',
    zip_code: 'string',
    amount: 'decimal(18,2)',
    big: 'decimal(38,0)',
    mixed: 'string',
    ok: 'boolean',
    created_at: ['datetime', '%Y-%m-%d %H:%M:%S'],
    score: 'double',
  });
  assert.is(noteAt(guessed, 'parser.columns[4]'), "97.5 % integer, 1 value like 'N/A'");
  assert.is(noteAt(guessed, 'parser.columns[2]'), 'all 40 values are numbers with 2 digits after the point');
  assert.is(guessed.timeColumn, 'created_at');
  assert.is(guessed.partitionBy, undefined);
});

test('an ambiguous date is reported and not chosen; one clear value decides', async () => {
  const unclear = await guessBytes(lab, 'd,v\n01/02/2014,1\n02/03/2014,2\n');
  assert.equal(columnsOf(unclear), { d: 'string', v: 'long' });
  assert.match(unclear.warnings.join(), /column "d": 2 values like '01\/02\/2014' are %m\/%d\/%Y or %d\/%m\/%Y/);
  assert.equal(columnsOf(await guessBytes(lab, 'd,v\n01/02/2014,1\n13/03/2014,2\n'))['d'], ['date', '%d/%m/%Y']);
  assert.equal(columnsOf(await guessBytes(lab, 'd,v\n01/02/2014,1\n03/31/2014,2\n'))['d'], ['date', '%m/%d/%Y']);
});

test('more than 1,000 days in the sample suggest months', async () => {
  const guessed = await guessBytes(lab, 'day,v\n2019-01-01,1\n2024-01-01,2\n');
  assert.is(guessed.timeColumn, 'day');
  assert.equal(guessed.partitionBy, ['month(day)']);
});

test('charsets: byte order marks, UTF-16, Shift_JIS, EUC-JP, Latin-1', async () => {
  const utf16 = Buffer.from('id,name\r\n1,ann\r\n2,bob\r\n', 'utf16le');
  assert.is(parserOf(await guessBytes(lab, utf16))['charset'], 'UTF-16LE');
  assert.is(parserOf(await guessBytes(lab, Buffer.from(utf16).swap16()))['charset'], 'UTF-16BE');
  const bom = await guessBytes(lab, '\ufeffid,name\n1,ann\n');
  assert.is(parserOf(bom)['charset'], 'UTF-8');
  assert.equal(columnsOf(bom), { id: 'long', name: 'string' });
  // 名前,東京 and こんにちは in both encodings.
  const sjis = Buffer.from([
    ...Buffer.from('id,v\n1,'),
    0x96,
    0xbc,
    0x91,
    0x4f,
    ...Buffer.from('\n2,'),
    0x82,
    0xb1,
    0x82,
    0xf1,
    0x82,
    0xc9,
    0x82,
    0xbf,
    0x82,
    0xcd,
    0x0a,
  ]);
  assert.is(parserOf(await guessBytes(lab, sjis))['charset'], 'Shift_JIS');
  const euc = Buffer.from([
    ...Buffer.from('id,v\n1,'),
    0xcc,
    0xbe,
    0xc1,
    0xb0,
    ...Buffer.from('\n2,'),
    0xa4,
    0xb3,
    0xa4,
    0xf3,
    0xa4,
    0xcb,
    0xa4,
    0xc1,
    0xa4,
    0xcf,
    0x0a,
  ]);
  assert.is(parserOf(await guessBytes(lab, euc))['charset'], 'EUC-JP');
  assert.is(parserOf(await guessBytes(lab, Buffer.from('id,v\n1,caf\xe9 au lait\n2,x\n', 'latin1')))['charset'], 'windows-1252');
  assert.is(parserOf(await guessBytes(lab, Buffer.from('id,v\n1,\u00e9').subarray(0, 8), {}, { complete: false }))['charset'], 'UTF-8');
});

test('what is no text is not taken for text', async () => {
  const workbook = await guessBytes(lab, Buffer.from('504b030414000600080000002100', 'hex'));
  assert.is(workbook.in['parser'], undefined);
  assert.match(workbook.warnings.join(), /looks like a ZIP archive or an Excel workbook \(.xlsx\): unpack it, or save the sheet as CSV/);
  const zeros = await guessBytes(lab, Buffer.from('id,v\n1,a\0b\n'));
  assert.is(zeros.in['parser'], undefined);
  assert.match(zeros.warnings.join(), /holds zero bytes/);
});

test('delimiters, quotes, preamble, comments, null words, odd names', async () => {
  for (const [delimiter, text] of [
    ['\t', 'a\tb\n1\tx\n2\ty\n'],
    ['|', 'a|b\n1|x\n2|y\n'],
    [';', 'a;b\n1,5;x\n2,5;y\n'],
    ['::', 'a::b\n1::x\n2::y\n'],
  ] as const) {
    assert.is(parserOf(await guessBytes(lab, text))['delimiter'], delimiter, text);
  }
  const ragged = await guessBytes(lab, 'a,b\n1,2\n3\n4,5\n6,7\n');
  assert.is(parserOf(ragged)['delimiter'], ',');
  assert.match(ragged.warnings.join(), /1 of 4 sampled records have fewer or more than 2 fields/);
  const single = await guessBytes(lab, "id,name\n1,'a,b'\n2,'c'\n");
  assert.is(parserOf(single)['quote'], "'");
  const preamble = await guessBytes(lab, 'Report X\n\nid,name\n1,a\n2,b\n');
  assert.is(parserOf(preamble)['skip_header_lines'], 3);
  assert.equal(columnsOf(preamble), { id: 'long', name: 'string' });
  const wide = await guessBytes(lab, 'a,b\n1,2\n3,4\n5,6,7\n8,9\n');
  assert.is(parserOf(wide)['skip_header_lines'], 1, 'a record that is too wide hides none before it');
  assert.is(parserOf(await guessBytes(lab, 'a,b\n1,2\n3\n4,5,6\n'))['skip_header_lines'], 1);
  const only = await guessBytes(lab, 'id,name\n');
  assert.match(only.warnings.join(), /the only line was taken for a record/);
  const comments = await guessBytes(lab, '# made by x\nid,name\n1,a\n2,b\n');
  assert.is(parserOf(comments)['comment_line_marker'], '#');
  const nulls = await guessBytes(lab, 'id,v\n1,NULL\n2,\n3,4\n');
  assert.is(parserOf(nulls)['null_string'], 'NULL');
  assert.equal(columnsOf(nulls), { id: 'long', v: 'long' });
  assert.equal(Object.keys(columnsOf(await guessBytes(lab, 'A,a,,Total ($),__x\n1,2,3,4,5\n'))), ['a', 'a_2', 'c2', 'total', 'x']);
  assert.equal(columnsOf(await guessBytes(lab, 'a,b\r\n1,2\r\n')), { a: 'long', b: 'long' });
});

test("the user's keys win, and the last line of a cut sample is left out", async () => {
  const guessed = await guessBytes(lab, 'a;b\n1;x\n2;y\n3;zzz', { type: 'file', parser: { type: 'csv', delimiter: ',' } }, { complete: false });
  assert.is(parserOf(guessed)['delimiter'], ',');
  assert.is(
    guessed.notes.some((n) => n.path === 'parser.delimiter'),
    false,
  );
  const cut = await guessBytes(lab, 'a,b\n1,2\n3,x', {}, { complete: false });
  assert.equal(columnsOf(cut), { a: 'long', b: 'long' });
});

test('JSON: kinds decide, keys that are no column names get element_at', async () => {
  const guessed = await guessBytes(
    lab,
    '{"id":1,"User Name":"ann","at":"2024-01-01T00:00:00Z","x":1.25,"tags":["a"],"m":1,"ok":true}\n{"id":2,"m":"two","x":2.50,"n":null}\n{"id":3,"cut',
    {},
    { complete: false },
  );
  assert.equal(columnsOf(guessed), {
    id: 'long',
    user_name: 'string',
    at: ['timestamp', '%Y-%m-%dT%H:%M:%S%z'],
    x: 'decimal(18,2)',
    tags: 'json',
    m: 'json',
    ok: 'boolean',
    n: 'json',
  });
  assert.equal((parserOf(guessed)['columns'] as readonly JsonObject[])[1], { name: 'user_name', type: 'string', element_at: '/User Name' });
  const array = await guessBytes(lab, '[\n {"a":1},\n {"a":2}\n]');
  assert.is(parserOf(array)['flatten_json_array'], true);
  assert.equal(columnsOf(array), { a: 'long' });
});

test('compressed data is decoded before the rest is guessed; Parquet needs no columns', async () => {
  const guessed = await guessBytes(lab, gzipSync('a,b\n1,x\n2,y\n'), {}, { decode: (bytes) => gunzipSync(bytes) });
  assert.equal(guessed.in['decoders'], [{ type: 'gzip' }]);
  assert.equal(columnsOf(guessed), { a: 'long', b: 'string' });
  assert.equal((await guessBytes(lab, 'PAR1....PAR1')).in, { parser: { type: 'parquet' } });
});

test('the written config is commented, complete and reads back as it was', async () => {
  const guessed = await guessBytes(lab, 'id,d\n1,01/02/2014\n2,03/02/2014\n', { type: 'file', paths: ['x.csv'] });
  const config: JsonObject = { in: guessed.in, out: { type: 'warehouse', table: 'a.b' } };
  const yaml = writeConfigYaml(config, guessed);
  assert.equal(parseYaml(yaml), config);
  assert.match(yaml, /^# yaml-language-server: \$schema=.*\n# Look at: column "d"/);
  assert.match(yaml, /- \{name: id, type: long\} # all 2 values are integers\n/);
  assert.match(yaml, /delimiter: "," # 100 % of 3 records have 2 fields with it\n/);
});

test('JSON below a root: its objects, or those of its array', async () => {
  const text = JSON.stringify({
    data: {
      items: [
        { id: 1, n: 'a' },
        { id: 2, n: 'b' },
      ],
    },
  });
  const given = { parser: { type: 'json', root: '/data/items', flatten_json_array: true } };
  assert.equal(columnsOf(await guessBytes(lab, text, given)), { id: 'long', n: 'string' });
  const lines = await guessBytes(lab, '{"r":{"id":1}}\n{"r":{"id":2}}\n{"r":null}\n', { parser: { type: 'json', root: '/r' } });
  assert.equal(columnsOf(lines), { id: 'long' });
});

test('lines that start with a marker and have the fields of the others are no comments', async () => {
  const tags = await guessBytes(lab, 'tag,count\n#foo,1\n#bar,2\nbaz,3\nqux,4\n');
  assert.is(parserOf(tags)['comment_line_marker'], undefined);
  assert.equal(columnsOf(tags), { tag: 'string', count: 'long' });
  const header = await guessBytes(lab, '#id,name\n1,a\n2,b\n');
  assert.is(parserOf(header)['skip_header_lines'], 1);
  assert.equal(Object.values(columnsOf(header)), ['long', 'string']);
  const comments = await guessBytes(lab, '# made by x, in 2026\nid,name\n1,a\n2,b\n');
  assert.is(parserOf(comments)['comment_line_marker'], '#');
  assert.match(comments.warnings.join(), '1 line that starts with # would be left out as comments; comment_line_marker: null takes them for data');
});

test('UTF-8 with a broken byte is UTF-8; Latin-1 is not', async () => {
  const rows = Array.from({ length: 30 }, (_, i) => `${i},東京都港区${i}\n`);
  const bytes = Buffer.concat([Buffer.from(`id,name\n${rows.join('')}30,`), Buffer.from([0xff]), Buffer.from('x\n')]);
  const guessed = await guessBytes(lab, bytes);
  assert.is(parserOf(guessed)['charset'], 'UTF-8');
  assert.is(noteAt(guessed, 'parser.charset'), 'valid UTF-8 but for 1 place, whose records would be rejected');
  assert.is(parserOf(await guessBytes(lab, Buffer.from('id,name\n1,Müller\n2,Ångström\n', 'latin1')))['charset'], 'windows-1252');
});

test('names above codes, addresses and times of day are a header', async () => {
  const rows = Array.from({ length: 20 }, (_, i) => `12:${10 + i},${i % 2 === 0 ? 'A' : 'bcdef'}-${i},n${i}.example.org,x\n`);
  const guessed = await guessBytes(lab, `start,code,host name,kind\n${rows.join('')}`);
  assert.is(parserOf(guessed)['skip_header_lines'], 1);
  assert.is(noteAt(guessed, 'parser.skip_header_lines'), "the first line's text has no digit, while all values of column 1 have");
  assert.equal(Object.keys(columnsOf(guessed)), ['start', 'code', 'host_name', 'kind']);
  for (const data of ['a,b\nc,d\ne,f\ng,h\n', 'ab,x\na1,y\ncd,z\nb2,w\n', 'ab,ab\na1,y1\nc2,z2\nb2,w2\n', 'ab,x\na1,y\nb2,z\n'])
    assert.is(parserOf(await guessBytes(lab, data))['skip_header_lines'], 0, data);
});

const ACCESS = (i: number): string => `10.0.0.${i} - - [0${1 + (i % 9)}/Oct/2026:13:55:36 +0900] "GET /a/${i}.gif HTTP/1.0" 200 ${i === 3 ? '-' : i}`;
const many = (line: (i: number) => string, count = 40): string => Array.from({ length: count }, (_, i) => `${line(i)}\n`).join('');

test("Apache's access logs are recognised, a few odd lines among them too", async () => {
  const common = await guessBytes(lab, many(ACCESS));
  assert.equal(common.in, { parser: { type: 'regexp', format: 'apache_common' } });
  assert.is(noteAt(common, 'parser.format'), "40 lines of Apache's common access log");
  assert.is(common.timeColumn, 'time');
  assert.equal(common.warnings, []);
  const combined = await guessBytes(lab, `${many((i) => `${ACCESS(i)} "-" "Mozilla/5.0 (a \\"b\\")"`)}broken\n`);
  assert.equal(combined.in, { parser: { type: 'regexp', format: 'apache_combined' } });
  assert.match(combined.warnings.join(), '1 of 41 sampled lines do not match and would be rejected');
  assert.equal(parserOf(await guessBytes(lab, `${many(ACCESS, 4)}broken\n`))['type'], 'csv');
  const own = { parser: { type: 'regexp', pattern: '(?<all>.*)', columns: [{ name: 'all', type: 'string' }] } };
  assert.equal((await guessBytes(lab, many(ACCESS), own)).in, own);
});

test('labelled tab-separated values: labels become columns, whatever their order', async () => {
  const line = (i: number): string => {
    const fields = [`time:0${1 + (i % 9)}/Oct/2026:13:55:36 +0900`, `Status-Code:${i}`, `url:http://x/?a:b=${i}`];
    return [...(i % 2 === 0 ? fields : fields.reverse()), ...(i > 20 ? ['user:-'] : []), ...(i === 30 ? ['size:5'] : [])].join('\t');
  };
  const guessed = await guessBytes(lab, many(line));
  assert.equal(columnsOf(guessed), {
    time: ['timestamp', '%d/%b/%Y:%H:%M:%S %z'],
    status_code: 'long',
    url: 'string',
    user: 'string',
    size: 'long',
  });
  assert.equal((parserOf(guessed)['columns'] as readonly JsonObject[])[1]?.['label'], 'Status-Code');
  assert.is(parserOf(guessed)['null_string'], '-');
  assert.is(noteAt(guessed, 'parser.null_string'), '19 values are this');
  assert.is(guessed.timeColumn, 'time');
  const cut = await guessBytes(lab, `${many(line)}time:05/Oc`, {}, { complete: false });
  assert.is(noteAt(cut, 'parser.type'), '40 lines of label:value fields between tabs');
  const odd = await guessBytes(lab, `${many(line)}no field\n`);
  assert.match(odd.warnings.join(), '1 of 41 sampled lines are not label:value fields and would be rejected');
});

test('times of day, keys and values of other formats between tabs are no LTSV', async () => {
  for (const text of [
    many((i) => `12:${10 + i}\t13:${10 + i}`),
    many((i) => `a${i}:1\tb${i}:2`),
    many((i) => `key: ${i}`),
    many((i) => `a:1\tb${i}`),
  ])
    assert.not.equal(parserOf(await guessBytes(lab, text))['type'], 'ltsv', text.slice(0, 20));
  const told = await guessBytes(lab, 'a:1\n', { parser: { type: 'ltsv' } });
  assert.equal(columnsOf(told), { a: 'long' });
});

test.run();
