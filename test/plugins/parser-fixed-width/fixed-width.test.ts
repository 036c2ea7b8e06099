import { test } from 'uvu';
import * as assert from 'uvu/assert';
import fixedWidth from '../../../src/plugins/parser-fixed-width/index.js';
import { planError, readTexts, rejectsOf } from '../parser-regexp/lab.js';

const columns = [
  { name: 'id', type: 'long', width: 4 },
  { name: 'name', type: 'string', width: 6 },
  { name: 'sum', type: 'decimal(8,2)', width: 7 },
];

test('columns follow each other by width; blanks around values are dropped, blank ones are NULL', async () => {
  const { rows } = await readTexts(fixedWidth, { columns, skip_header_lines: 2 }, [
    'HEADER\n\n   1Müller  12.50\n  42 \u{1F680} a      7   \n                 \n',
  ]);
  assert.equal(rows, [
    ['1', 'Müller', '12.50'],
    ['42', '\u{1F680} a', '7.00'],
    [null, null, null],
  ]);
});

const TRIMS: readonly [trim: string, value: string][] = [
  ['both', 'a b'],
  ['left', 'a b '],
  ['right', ' a b'],
  ['none', ' a b '],
];
for (const [trim, value] of TRIMS) {
  test(`trim: ${trim}`, async () => {
    const { rows } = await readTexts(fixedWidth, { trim, columns: [{ name: 'x', type: 'string', width: 5 }] }, [' a b \n']);
    assert.equal(rows, [[value]]);
  });
}

test('start and end pick positions in any order, also overlapping; what is behind them needs allow_extra_columns', async () => {
  const picks = [
    { name: 'c', type: 'string', start: 3, end: 4 },
    { name: 'd', type: 'string', width: 1 },
    { name: 'a', type: 'string', start: 1, width: 3 },
  ];
  const text = 'abcdefgh\nabcde   \n';
  const strict = await readTexts(fixedWidth, { columns: picks }, [text]);
  assert.equal(strict.rows, [['cd', 'e', 'abc']]);
  assert.equal(rejectsOf(strict), ['f1:1@0: the line is too long: expected 5 characters, found 8']);
  const loose = await readTexts(fixedWidth, { columns: picks, allow_extra_columns: true }, [text]);
  assert.equal(loose.rows, [
    ['cd', 'e', 'abc'],
    ['cd', 'e', 'abc'],
  ]);
});

test('a short line is a reject, unless allow_optional_columns', async () => {
  const text = '   1anna   1\n   2ben  \n   3\n  \n';
  const strict = await readTexts(fixedWidth, { columns }, [text]);
  assert.equal(strict.rows, []);
  assert.equal(rejectsOf(strict), [
    'f1:1@0 sum: the line is too short: expected 17 characters for this column, found 12',
    'f1:2@13 name: the line is too short: expected 10 characters for this column, found 9',
    'f1:3@23 name: the line is too short: expected 10 characters for this column, found 4',
    'f1:4@28 id: the line is too short: expected 4 characters for this column, found 2',
  ]);
  const loose = await readTexts(fixedWidth, { columns, allow_optional_columns: true }, [text]);
  assert.equal(loose.rows, [
    ['1', 'anna', '1.00'],
    ['2', 'ben', null],
    ['3', null, null],
    [null, null, null],
  ]);
});

test('unit: bytes cuts before decoding; a cut through a character is a reject', async () => {
  const sjis = Buffer.concat([
    Buffer.from('01'),
    Buffer.from([0x93, 0xfa, 0x96, 0x7b]),
    Buffer.from('x\n02a'),
    Buffer.from([0x93, 0xfa]),
    Buffer.from('b'),
  ]);
  const config = {
    unit: 'bytes',
    charset: 'shift_jis',
    columns: [
      { name: 'id', type: 'long', width: 2 },
      { name: 'name', type: 'string', width: 2 },
      { name: 'rest', type: 'string', width: 3 },
    ],
  };
  const result = await readTexts(fixedWidth, config, [Buffer.concat([sjis, Buffer.from('c\n')])]);
  assert.equal(result.rows, [['1', '日', '本x']]);
  assert.equal(rejectsOf(result), ['f1:2@8 name: malformed bytes: not valid in the given charset, or positions 3 to 4 cut a character']);
  assert.is(result.places?.[0]?.raw, '01日本x');
  assert.is(result.rejects[0]?.raw, '02a日bc');
});

const WRONG: readonly [config: Record<string, unknown>, code: string, message: RegExp][] = [
  [{ columns: [{ name: 'a', type: 'long' }] }, 'FIXED_WIDTH_POSITIONS', /"a" has neither width nor end/],
  [{ columns: [{ name: 'a', type: 'long', width: 2, end: 3 }] }, 'FIXED_WIDTH_POSITIONS', /both width and end/],
  [{ columns: [{ name: 'a', type: 'long', start: 5, end: 3 }] }, 'FIXED_WIDTH_POSITIONS', /ends at 3, before its start 5/],
  [{ columns, unit: 'bytes', charset: 'utf-16le' }, 'FIXED_WIDTH_UNIT', /utf-16le cannot be cut by bytes/],
];
for (const [config, code, message] of WRONG) {
  test(`refuses ${JSON.stringify(config).slice(0, 70)}`, async () => {
    const error = await planError(fixedWidth, config as never);
    assert.is(error.code, code);
    assert.match(error.message, message);
  });
}

test.run();
