import { createHash, createHmac } from 'node:crypto';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import hash from '../../../src/plugins/filter-hash/index.js';
import mask from '../../../src/plugins/filter-mask/index.js';
import type { Schema } from '../../../src/core/spi/index.js';
import { configErrorOf, planFilter, runFilter } from './filter-bench.js';

const input: Schema = [
  { name: 'x', type: 'string' },
  { name: 'n', type: 'long' },
];
const from = (texts: readonly (string | null)[]): string =>
  `select * from (values ${texts.map((t) => `(${t === null ? 'null' : `'${t}'`}, 12345::bigint)`).join(', ')}) t(x, n)`;

const MASKS: readonly [title: string, options: Record<string, string | number>, text: string | null, masked: string | null][] = [
  ['all', {}, 'Ann é😀', '******'],
  ['another character and a fixed length', { mask: '#', mask_length: 3 }, 'secret', '###'],
  ['an empty text', { mask_length: 3 }, '', ''],
  ['NULL', {}, null, null],
  ['email', { pattern: 'email' }, 'ann.b@example.org', '*****@example.org'],
  ['email with two @', { pattern: 'email' }, 'a@b@c.org', '***@c.org'],
  ['no email', { pattern: 'email' }, 'secret', '******'],
  ['keep_first', { pattern: 'keep_first', length: 2 }, 'secret', 'se****'],
  ['keep_last', { pattern: 'keep_last' }, '4111111111111234', '************1234'],
  ['a text that is too short to keep anything', { pattern: 'keep_last' }, '1234', '****'],
  ['regex', { pattern: 'regex', match: '[0-9]{3,}' }, 'call 5551234 or 42 or 999', 'call ******* or 42 or ***'],
  ['regex without a match', { pattern: 'regex', match: '[0-9]+' }, 'none', 'none'],
  ['regex at the start alone', { pattern: 'regex', match: '^[a-z0-9]' }, '12ab34', '*2ab34'],
  ['regex at the end alone', { pattern: 'regex', match: '[0-9]+$' }, '12ab34', '12ab**'],
  ['regex at borders of words', { pattern: 'regex', match: '\\b[0-9]{4}\\b', mask_length: 2 }, 'no 1234 5678-99991', 'no ** **-99991'],
  ['regex that may match nothing', { pattern: 'regex', match: 'x*' }, 'axxb', 'a**b'],
  ['regex over a text with the marks of matches in it', { pattern: 'regex', match: '[0-9]' }, 'a\ufdd01\ufdd1b', '*****'],
  ['regex from start to end', { pattern: 'regex', match: '[a-z]+' }, 'abc-def', '***-***'],
];

for (const [title, options, text, masked] of MASKS) {
  test(`mask: ${title}`, async () => {
    const { rows } = await runFilter(mask, { type: 'mask', columns: [{ name: 'x', ...options }] }, input, from([text]));
    assert.is(rows[0]?.['x'], masked);
    assert.is(rows[0]?.['n'], 12345n);
  });
}

test('mask makes other types strings and keeps raw text out of the rejects', async () => {
  const { columns, rows } = await runFilter(mask, { type: 'mask', columns: [{ name: 'n', pattern: 'keep_last', length: 2 }] }, input, from(['a']));
  assert.equal(columns[1], { name: 'n', type: 'string' });
  assert.is(rows[0]?.['n'], '***45');
  const step = await planFilter(mask, { type: 'mask', columns: [{ name: 'n' }] }, input);
  assert.ok(step.form === 'rows' && step.hidesValues);
});

test('mask: an expression that RE2 does not take, and a match without the pattern', async () => {
  const broken = await configErrorOf(planFilter(mask, { type: 'mask', columns: [{ name: 'x', pattern: 'regex', match: '(?=a)' }] }, input));
  assert.is(broken.where.path, 'columns[0].match');
  const stray = await configErrorOf(planFilter(mask, { type: 'mask', columns: [{ name: 'x', match: 'a' }] }, input));
  assert.is(stray.code, 'FILTER_OPTIONS');
});

test('hash: plain and salted, text and other types; NULL stays NULL', async () => {
  const hex = (text: string): string => createHash('sha256').update(text).digest('hex');
  const plain = await runFilter(hash, { type: 'hash', columns: ['x', 'n'] }, input, from(['Ann é', null]));
  assert.equal(plain.rows, [
    { x: hex('Ann é'), n: hex('12345') },
    { x: null, n: hex('12345') },
  ]);
  const salted = await runFilter(hash, { type: 'hash', columns: ['x'], algorithm: 'md5', salt: 'canary-salt' }, input, from(['Ann', null]));
  assert.equal(
    salted.rows.map((r) => r['x']),
    [createHmac('md5', 'canary-salt').update('Ann').digest('hex'), null],
  );
});

test('hash: the salt stands in no part of the step', async () => {
  const step = await planFilter(hash, { type: 'hash', columns: ['x'], salt: 'canary-salt' }, input);
  assert.not.match(JSON.stringify(step), 'canary-salt');
  assert.ok(step.form === 'rows' && step.hidesValues);
});

test.run();
