import { encode, ExtData } from '@msgpack/msgpack';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DataError } from '../../../src/core/spi/index.js';
import msgpack from '../../../src/plugins/parser-msgpack/index.js';
import { planError, readTexts, rejectsOf } from '../parser-regexp/lab.js';

const pack = (...values: readonly unknown[]): Buffer => Buffer.concat(values.map((value) => encode(value, { useBigInt64: true })));
const column = (name: string, type: string, more: object = {}): Record<string, string> => ({ name, type, ...more });

test('maps one after the other: every kind of value stays exact', async () => {
  const columns = [
    column('l', 'long'),
    column('d', 'double'),
    column('s', 'string'),
    column('b', 'boolean'),
    column('x', 'binary'),
    column('j', 'json'),
  ];
  const data = pack(
    {
      l: 9007199254740993n,
      d: 0.1,
      s: 'ü"\n\0',
      b: true,
      x: Buffer.from([0, 255]),
      j: { a: [1n, null, -9223372036854775808n], b: Buffer.from('hi') },
    },
    { other: 1 },
    { l: -5, d: 3, s: '', b: false, x: Buffer.alloc(0), j: 'text' },
  );
  const { rows, places } = await readTexts(msgpack, { columns }, [data], { step: 3 });
  assert.equal(rows, [
    ['9007199254740993', '0.1', 'ü"\n\0', 'true', '\\x00\\xFF', '{"a":[1,null,-9223372036854775808],"b":"aGk="}'],
    [null, null, null, null, null, null],
    ['-5', '3.0', '', 'false', '', '"text"'],
  ]);
  assert.is(places?.[1]?.raw, '{"other":1}');
});

test('unsigned 64-bit integers beyond a long are exact in a decimal and no long', async () => {
  const data = pack({ n: 18446744073709551615n });
  assert.equal((await readTexts(msgpack, { columns: [column('n', 'decimal(20,0)')] }, [data])).rows, [['18446744073709551615']]);
  assert.equal((await readTexts(msgpack, { columns: [column('n', 'long')] }, [data])).unconverted, [1]);
});

test('timestamps of all three sizes, texts and numbers by format', async () => {
  const at = (name: string, more: object = {}): Record<string, string> => column(name, 'timestamp', more);
  const ext = (hex: string): ExtData => new ExtData(-1, Buffer.from(hex, 'hex'));
  const data = pack({
    a: ext('60000000'),
    b: ext('3b9ac60060000000'.replace(/^......../, '00000fa0')),
    c: ext('1dcd6500fffffffffffffff6'),
    d: '2026-01-02T03:04:05Z',
    e: 1700000000,
  });
  const config = { columns: [at('a'), at('b'), at('c'), at('d'), at('e', { format: '%s' }), column('e2', 'json', { element_at: '/a' })] };
  const { rows } = await readTexts(msgpack, config, [data]);
  assert.equal(rows, [
    [
      '2021-01-14 08:25:36+00',
      '2021-01-14 08:25:36.000001+00',
      '1969-12-31 23:59:50.5+00',
      '2026-01-02 03:04:05+00',
      '2023-11-14 22:13:20+00',
      '"2021-01-14T08:25:36Z"',
    ],
  ]);
});

test('values of another type are rejects that name the column', async () => {
  const columns = [column('s', 'string'), column('n', 'long')];
  const data = pack(
    { s: 1 },
    { n: '1' },
    { s: Buffer.from('a') },
    { n: [1] },
    { n: true },
    7,
    [1],
    { s: new ExtData(5, Buffer.from('z')) },
    { s: 'ok', n: 1 },
  );
  const result = await readTexts(msgpack, { columns }, [data]);
  assert.equal(result.rows, [['ok', '1']]);
  assert.equal(
    rejectsOf(result).map((text) => text.replace(/@\d+/, '')),
    [
      'f1:1 s: expected a text, found an integer',
      'f1:2 n: expected a number, found a text',
      'f1:3 s: expected a text, found bytes',
      'f1:4 n: expected a number, found an array',
      'f1:5 n: expected a number, found a boolean',
      'f1:6: expected a map, found an integer',
      'f1:7: expected a map, found an array',
      'f1:8 s: expected a text, found an extension',
    ],
  );
  assert.is(result.rejects[1]?.byteOffset, 4);
  assert.is(result.rejects[1]?.raw, '{"n":"1"}');
});

test('arrays by position, in one array of records', async () => {
  const columns = [column('a', 'long'), column('b', 'string')];
  const config = { columns, file_encoding: 'array', row_encoding: 'array' };
  const result = await readTexts(msgpack, config, [pack([[1, 'x'], [2], [3, null], [4, 'y', 5]])], { step: 1 });
  assert.equal(result.rows, [
    ['1', 'x'],
    ['3', null],
  ]);
  assert.equal(rejectsOf(result), ['f1:2@5: too few values: expected 2, found 1', 'f1:4@10: too many values: expected 2, found 3']);
  const loose = await readTexts(msgpack, { ...config, allow_optional_columns: true, allow_extra_columns: true }, [
    pack([[2], [4, 'y', 5]]),
    Buffer.alloc(0),
  ]);
  assert.equal(loose.rows, [
    ['2', null],
    ['4', 'y'],
  ]);
});

test('a text that is no UTF-8, a map with odd keys and a value nested too deep are rejects; reading goes on', async () => {
  const bad = Buffer.from([0x81, 0xa1, 0x61, 0xa2, 0xff, 0xfe]);
  const oddKey = Buffer.from([0x81, 0xc3, 0x01]);
  const deep = Buffer.concat([Buffer.from([0x81, 0xa1, 0x61]), Buffer.alloc(600, 0x91), Buffer.from([0xc0])]);
  const result = await readTexts(msgpack, { columns: [column('a', 'json')] }, [Buffer.concat([bad, oddKey, deep, pack({ a: 1 })])]);
  assert.equal(result.rows, [['1']]);
  assert.match(rejectsOf(result)[0] as string, /^f1:1@0: a text is not valid UTF-8$/);
  assert.match(rejectsOf(result)[1] as string, /^f1:2@6: .*key/);
  assert.match(rejectsOf(result)[2] as string, /^f1:3@9: nested deeper than 500 levels$/);
});

test('records of more than 2 MB are rejects', async () => {
  const data = pack({ a: 'x'.repeat(2_100_000) }, { a: 'y' });
  const result = await readTexts(msgpack, { columns: [column('a', 'string')] }, [data], { step: 1 << 20 });
  assert.equal(result.rows, [['y']]);
  assert.equal(rejectsOf(result), ['f1:1@0: the record is longer than 2 MB']);
});

const good = pack({ a: 1 });
const DAMAGED: readonly [name: string, data: Buffer, config: object, message: RegExp][] = [
  ['a truncated map', Buffer.concat([good, good.subarray(0, 2)]), {}, /^f1, byte 4: the file ends within a value$/],
  ['a byte that starts nothing', Buffer.concat([good, Buffer.from([0xc1, 0, 0])]), {}, /^f1, byte 4: a byte that starts no MessagePack value$/],
  [
    'a length beyond the end',
    Buffer.concat([good, Buffer.from([0xdb, 0xff, 0xff, 0xff, 0xff, 1])]),
    {},
    /^f1, byte 4: the file ends within a value$/,
  ],
  ['an array that ends early', Buffer.concat([Buffer.from([0x92]), good]), { file_encoding: 'array' }, /^f1, byte 5: .*1 are missing$/],
  ['no array', good, { file_encoding: 'array' }, /^f1, byte 0: expected one array/],
  [
    'something behind the array',
    Buffer.concat([Buffer.from([0x91]), good, good]),
    { file_encoding: 'array' },
    /^f1, byte 5: there is something behind/,
  ],
];
for (const [name, data, config, message] of DAMAGED) {
  test(`${name} is an error at its offset`, async () => {
    const error = await readTexts(msgpack, { columns: [column('a', 'long')], ...config }, [data]).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    assert.instance(error, DataError);
    assert.is((error as DataError).code, 'MSGPACK_DAMAGED');
    assert.match((error as DataError).message, message);
    assert.ok((error as DataError).hint);
  });
}

test('a wrong pointer is refused', async () => {
  const error = await planError(msgpack, { columns: [column('a', 'long', { element_at: 'x' })] });
  assert.is(error.code, 'BAD_JSON_POINTER');
  assert.is(error.where.path, 'columns[0].element_at');
});

test.run();
