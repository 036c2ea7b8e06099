import { createGunzip, gzipSync } from 'node:zlib';
import { createReadStream } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import json from '../../../src/plugins/parser-json/index.js';
import { readLayout, type JsonParserConfig } from '../../../src/plugins/parser-json/config.js';
import { CommaWatch } from '../../../src/plugins/parser-json/comma-watch.js';
import { chooseLane, takeSample } from '../../../src/plugins/parser-json/native-lane.js';
import { openOwnLane } from '../../../src/plugins/parser-json/own-reading.js';
import type { ParserFile } from '../../../src/core/spi/index.js';
import { openLab, place, readAll, type Lab, type Outcome } from './lab.js';

let lab: Lab;
test.before(async () => {
  lab = await openLab();
});
test.after(() => lab.close());

async function load(config: Omit<JsonParserConfig, 'type'>, files: readonly ParserFile[]): Promise<Outcome & { native: boolean }> {
  const whole: JsonParserConfig = { type: 'json', ...config };
  const plan = await json.plan(whole, files, { ...lab.ctx, place, memory: undefined, sql: lab.sql });
  const sample = await takeSample(files, readLayout(whole));
  const lane = sample && (await chooseLane(files, sample, lab.ctx));
  if (lane?.native) await lane.spool?.remove();
  return { ...(await readAll(await json.open(files, plan, whole, lab.ctx), lab.sql)), native: lane?.native === true };
}

async function loadOwn(config: Omit<JsonParserConfig, 'type'>, files: readonly ParserFile[]): Promise<Outcome> {
  return readAll(await openOwnLane(files, readLayout({ type: 'json', ...config }), lab.ctx), lab.sql);
}

/** Reads a text natively and by our tokenizer; both must say the same. */
async function both(config: Omit<JsonParserConfig, 'type'>, text: string | Uint8Array): Promise<Outcome & { native: boolean }> {
  const file = await lab.file(text);
  const routed = await load(config, [file]);
  const own = await loadOwn(config, [file]);
  assert.equal(inAnyOrder(routed.values), inAnyOrder(own.values), 'values of both lanes');
  assert.equal(routed.rejects, own.rejects, 'rejects of both lanes');
  assert.equal(routed.places, own.places, 'places of both lanes');
  assert.is(routed.verdict.read, own.verdict.read);
  return routed;
}

/** DuckDB may join, and so reorder, for a long list of words within a conversion; the order of the rows themselves is compared by their places. */
function inAnyOrder(rows: readonly object[]): string[] {
  return rows.map((row) => JSON.stringify(row)).sort();
}

const ABC = {
  columns: [
    { name: 'a', type: 'long' },
    { name: 'b', type: 'string' },
    { name: 'c', type: 'json' },
    { name: 'd', type: 'decimal(38,18)' },
    { name: 'e', type: 'double' },
    { name: 'f', type: 'boolean' },
    { name: 't', type: 'timestamp' },
  ],
};

test('values keep their source text', async () => {
  const got = await both(
    ABC,
    [
      '{"a":12345678901234567890,"b":"x\\u00e9\\n\\"q\\"","c":{"x":1.10,"y":[1, 2]},"d":12345678901234567890.123,"e":1e2,"f":true,"t":"2024-01-01 00:00:00"}',
      '{"a":-0,"b":"","c":1.10,"d":1.00000000000000001,"e":0.1000000000000000055,"f":false,"t":1700000000}',
      '{"a":null,"b":null,"c":null,"d":null,"e":null,"f":null,"t":null}',
      '{}',
      '{"A":1,"B":"no","c":"text"}',
      '{ "a" : 1 , "c" : { "k" : [ 1.0 , {"z": "}" } ] } , "d" : 1e2 }',
    ].join('\n'),
  );
  assert.ok(got.native);
  assert.equal(got.redone, []);
  assert.equal(got.rejects, []);
  assert.equal(got.rows[0], {
    a: '12345678901234567890',
    b: 'xé\n"q"',
    c: '{"x":1.10,"y":[1, 2]}',
    d: '12345678901234567890.123',
    e: '1e2',
    f: 'true',
    t: '2024-01-01 00:00:00',
  });
  assert.equal(got.rows[1], { a: '-0', b: '', c: '1.10', d: '1.00000000000000001', e: '0.1000000000000000055', f: 'false', t: '1700000000' });
  assert.equal(got.rows[2], { a: null, b: null, c: null, d: null, e: null, f: null, t: null });
  assert.equal(got.rows[3], got.rows[2]);
  assert.equal(got.rows[4], { ...got.rows[3], c: '"text"' });
  assert.equal(got.rows[5], { ...got.rows[3], a: '1', c: '{ "k" : [ 1.0 , {"z": "}" } ] }', d: '1e2' });
});

test('a value keeps its text where its key stands again, below or before it, with another text', async () => {
  const lines = [
    ['{"c":[1.10],"x":{"c":[1.1]}}', '[1.10]'],
    ['{"x":{"c":[]},"c":[ ]}', '[ ]'],
    ['{"x":[{"c":[1,  2]}],"c":[1, 2]}', '[1, 2]'],
    ['{"c":"c","x":{"c":1.1}}', '"c"'],
    ['{"x":{"c":1.1},"c":1.10}', '1.10'],
  ] as const;
  const got = await both(ABC, lines.map(([line]) => line).join('\n'));
  assert.equal(
    got.rows.map((row) => row['c']),
    lines.map(([, c]) => c),
  );
});

test('values of another type are rejected or shown as what they are', async () => {
  const got = await both(ABC, ['{"a":"1","f":1}', '{"b":5}', '{"f":"true"}', '{"b":{"x":1}}', '{"a":[1]}'].join('\n'));
  assert.equal(
    got.rows.map((r) => [r['a'], r['f']]),
    [
      ['"1"', 'number 1'],
      [null, '"true"'],
      ['[1]', null],
    ],
  );
  assert.equal(
    got.rejects.map((r) => [r.recordNumber, r.columnName, r.reason, r.raw]),
    [
      [2, 'b', 'expected a JSON string, found a number', '{"b":5}'],
      [4, 'b', 'expected a JSON string, found an object', '{"b":{"x":1}}'],
    ],
  );
});

test('bad lines are rejected with number, offset and raw text, and reading goes on', async () => {
  const got = await both(
    { columns: [{ name: 'a', type: 'long' }] },
    '{"a":1}\n\n  \nfoo\n{"a":1,}\n{"a":NaN}\n{"a":"\\ud800"}\n{"a":01}\n{"a":"x\ty"}\n[1]\n12\n{"a":2}\r\n{"a":3}',
  );
  assert.ok(got.native);
  assert.equal(got.redone, []);
  assert.equal(
    got.rows.map((r) => r['a']),
    ['1', '2', '3'],
  );
  assert.equal(
    got.places.map((p) => [p.recordNumber, p.byteOffset, p.raw]),
    [
      [1, 0, '{"a":1}'],
      [10, 78, '{"a":2}'],
      [11, 87, '{"a":3}'],
    ],
  );
  assert.equal(
    got.rejects.map((r) => [r.recordNumber, r.byteOffset, r.raw, r.reason]),
    [
      [2, 12, 'foo', 'a word that is not true, false or null'],
      [3, 16, '{"a":1,}', 'expected a key in double quotes, found "}"'],
      [4, 25, '{"a":NaN}', 'expected a JSON value, found "N"'],
      [5, 35, '{"a":"\\ud800"}', 'a high surrogate without a low one'],
      [6, 50, '{"a":01}', 'a number with leading zeros'],
      [7, 59, '{"a":"x\ty"}', 'a control character (byte 0x09) within a string'],
      [8, 71, '[1]', 'expected a JSON object, found an array'],
      [9, 75, '12', 'expected a JSON object, found a number'],
    ],
  );
});

test('a comma before a closing bracket is found wherever it stands, and what looks like one changes nothing', async () => {
  // More than the sample that is looked at first.
  const before = `{"a":1,"pad":"${'x'.repeat(4000)}"}\n`.repeat(80);
  for (const [line, rejected] of [
    ['{"a":2,}', 1],
    ['{"a":2,\t}', 1],
    ['{"a":2,"b":[1, ]}', 1],
    ['{"a":2,"b":"x,}"}', 0],
    ['{ "a":2 }', 0],
  ] as const) {
    const got = await both({ columns: [{ name: 'a', type: 'long' }] }, `${before}${line}\n{"a":3}\n`);
    // With b, which the first lines lack, and with the comma the lines are not plain either.
    const plain = line === '{ "a":2 }';
    assert.equal(got.redone, plain ? [] : ['a line is not plain', 'a comma may stand before a closing bracket'], line);
    assert.is(got.rejects.length, rejected, line);
    assert.is(got.verdict.read, 82);
    assert.is(got.rows.length, 82 - rejected);
  }
});

test('commas are seen across chunks', () => {
  const watched = (...chunks: string[]): boolean => {
    const watch = new CommaWatch();
    for (const chunk of chunks) watch.add(Buffer.from(chunk));
    return watch.mayHold;
  };
  assert.not.ok(watched('{"a":1}', '\n{"b":[1', ']}', '', '\n'));
  assert.ok(watched('{"a":1,', '}'));
  assert.ok(watched('{"a":[1,', '', ']}'));
  assert.ok(watched('{"a":1,  ', '}'));
});

test('of duplicate keys the last counts, in both lanes', async () => {
  const got = await both(
    {
      columns: [
        { name: 'a', type: 'long' },
        { name: 'c', type: 'json' },
      ],
    },
    '{"a":1,"c":{"x":1,"x":2}}\n{"a":1,"a":2}\n{"z":1,"z":2,"a":3}\n',
  );
  assert.equal(
    got.rows.map((r) => r['a']),
    ['1', '2', '3'],
  );
  assert.is(got.rows[0]?.['c'], '{"x":1,"x":2}');
});

test('objects over several lines and several on one line take the own lane', async () => {
  const pretty = await both({ columns: [{ name: 'a', type: 'long' }] }, '{\n  "a": 1\n}\n{\n  "a": 2\n}{"a":3} {"a":4}\n');
  assert.not(pretty.native);
  assert.equal(
    pretty.rows.map((r) => r['a']),
    ['1', '2', '3', '4'],
  );
  assert.equal(
    pretty.places.map((p) => p.byteOffset),
    [0, 13, 25, 33],
  );
  const late = await both({ columns: [{ name: 'a', type: 'long' }] }, '{"a":1}\n{"a":2}{"a":3}\n{"a":\n4}\n');
  assert.ok(late.native);
  assert.is(late.redone.length, 1);
  assert.equal(
    late.rows.map((r) => r['a']),
    ['1', '2', '3', '4'],
  );
});

test('root, flatten_json_array and element_at', async () => {
  const file = await lab.file('{"data":{"items":[{"id":{"n":1}},{"id":{"n":2}},5]}}\n{"data":1}\n{"data":{"items":{}}}\n');
  const got = await load({ root: '/data/items', flatten_json_array: true, columns: [{ name: 'n', type: 'long', element_at: '/id/n' }] }, [file]);
  assert.equal(got.rows, [{ n: '1' }, { n: '2' }]);
  assert.equal(
    got.rejects.map((r) => [r.recordNumber, r.byteOffset, r.reason]),
    [
      [3, 48, 'expected a JSON object, found a number'],
      [4, 53, 'no value at root "/data/items"'],
      [5, 64, 'expected an array of records (flatten_json_array), found object'],
    ],
  );
  const array = await lab.file('[\n {"a":1},\n {"a":oops},\n {"a":3}\n]\n');
  const streamed = await load({ flatten_json_array: true, columns: [{ name: 'a', type: 'long' }] }, [array]);
  assert.equal(streamed.rows, [{ a: '1' }, { a: '3' }]);
  assert.equal(
    streamed.rejects.map((r) => [r.recordNumber, r.raw]),
    [[2, '{"a":oops},']],
  );
});

test('a byte order mark, odd keys, invalid UTF-8, empty files', async () => {
  assert.equal((await both({ columns: [{ name: 'a', type: 'long' }] }, '\ufeff{"a":1}\n')).rows, [{ a: '1' }]);
  const odd = await both(
    {
      columns: [
        { name: "it's", type: 'long' },
        { name: '金額', type: 'decimal(5,2)' },
      ],
    },
    `{"it's":1,"金額":1.10}\n{"it's":2,"\\u91d1\\u984d":1e1}\n`,
  );
  assert.equal(odd.values, [
    { "it's": '1', 金額: '1.10' },
    { "it's": '2', 金額: null },
  ]);
  const broken = await both(
    { columns: [{ name: 'a', type: 'string' }] },
    Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from('"}\n{"a":"ok"}\n')]),
  );
  assert.equal(broken.rows, [{ a: 'ok' }]);
  assert.is(broken.rejects[0]?.reason, 'not valid UTF-8');
  assert.equal((await both({}, '')).rows, []);
  assert.equal((await both({}, ' \n\n')).rows, []);
});

test('without columns each record is one json column', async () => {
  const got = await both({}, '{"a": 1.10}\n  {"b":[1 ,2]}  \n');
  assert.equal(got.rows, [{ record: '{"a": 1.10}' }, { record: '{"b":[1 ,2]}' }]);
});

test('many files are one relation; places name the file', async () => {
  const files = [await lab.file('{"a":1}\nbad\n', 'one.json'), await lab.file('', 'two.json'), await lab.file('{"a":2}\n{"a":3}', 'three.json')];
  const got = await load({ columns: [{ name: 'a', type: 'long' }] }, files);
  assert.ok(got.native);
  assert.equal(
    got.rows.map((r) => r['a']),
    ['1', '2', '3'],
  );
  assert.equal(
    got.places.map((p) => [p.source, p.recordNumber]),
    [
      ['one.json', 1],
      ['three.json', 1],
      ['three.json', 2],
    ],
  );
  assert.equal(
    got.rejects.map((r) => [r.source, r.recordNumber]),
    [['one.json', 2]],
  );
  assert.equal(
    got.verdict.files.map((f) => [f.source, f.bytes]),
    [
      ['one.json', 12],
      ['two.json', 0],
      ['three.json', 15],
    ],
  );
});

test('a decoded file goes through a spool of its lines; the hash is that of the raw bytes', async () => {
  const raw = gzipSync('{"a":1}\n{"a":2}');
  const file = await lab.file(raw, 'z.json.gz');
  const got = await load({ columns: [{ name: 'a', type: 'long' }] }, [
    { ...file, decoders: ['gzip'], open: () => createReadStream(file.path as string).pipe(createGunzip()) as AsyncIterable<Uint8Array> },
  ]);
  assert.ok(got.native);
  assert.equal(
    got.rows.map((r) => r['a']),
    ['1', '2'],
  );
  assert.is(got.verdict.files[0]?.bytes, raw.length);
});

test('a line too long for DuckDB is read by our tokenizer; one without an end is one reject', async () => {
  const long = await lab.file(`{"a":"s"}\n{"a":"${'x'.repeat(40 << 20)}"}\n{"a":"t"}\n`);
  const got = await load({ columns: [{ name: 'a', type: 'string' }] }, [long]);
  assert.equal(
    got.rows.map((r) => r['a']?.length),
    [1, 40 << 20, 1],
  );
  const endless = await lab.file(`{"a":"s"}\n{"a":"${'x'.repeat(70 << 20)}\n{"a":"t"}\n`);
  const cut = await load({ columns: [{ name: 'a', type: 'string' }] }, [endless]);
  assert.equal(cut.rows, [{ a: 's' }, { a: 't' }]);
  assert.equal(
    cut.rejects.map((r) => [r.recordNumber, r.byteOffset, (r.raw?.length ?? 0) <= 1 << 20]),
    [[2, 10, true]],
  );
});

test('stop_on_invalid_record names the record', async () => {
  const file = await lab.file('{"a":1}\n{"a":\n', 'stop.json');
  try {
    await load({ stop_on_invalid_record: true, columns: [{ name: 'a', type: 'long' }] }, [file]);
    assert.unreachable();
  } catch (error) {
    const e = error as { code: string; message: string; hint: string };
    assert.is(e.code, 'INVALID_RECORD');
    assert.match(e.message, 'stop.json, record 2: the JSON value is not closed');
    assert.match(e.hint, 'max_rejects');
  }
});

test.run();
