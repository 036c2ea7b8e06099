import { test } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { boundOf, cutLower, cutUpper } from '../../../src/warehouse/table/bounds.js';
import { compareValues, decodeValue } from '../../../src/warehouse/table/single-value.js';
import { isWellFormed } from './well-formed.js';

const bound = (type: string, text: string | undefined, side: 'lower' | 'upper'): unknown => {
  const bytes = boundOf(type, text, side);
  return bytes && decodeValue(type, bytes);
};

test('rule 1: infinity is a bound, NaN never is', () => {
  assert.is(bound('double', 'inf', 'upper'), Infinity);
  assert.is(bound('double', '-inf', 'lower'), -Infinity);
  assert.is(bound('float', 'nan', 'upper'), undefined);
  assert.is(bound('double', undefined, 'upper'), undefined);
});

test('rule 2: a zero lower bound is -0.0, a zero upper bound 0.0', () => {
  for (const text of ['0.0', '-0.0']) {
    assert.ok(Object.is(bound('double', text, 'lower'), -0));
    assert.ok(Object.is(bound('double', text, 'upper'), 0));
  }
});

test('texts of every type', () => {
  assert.is(bound('boolean', '1', 'upper'), true);
  assert.is(bound('long', '-9223372036854775808', 'lower'), -(2n ** 63n));
  assert.is(bound('date', '1582-10-14', 'lower'), -141428);
  assert.is(bound('date', '0001-01-01', 'lower'), -719162);
  assert.is(bound('timestamptz', '1969-12-31 23:59:59.999999+00', 'upper'), -1n);
  assert.is(bound('timestamp', '2024-01-01 00:00:37.5', 'upper'), 1704067237500000n);
  assert.is(bound('time', '01:02:03.5', 'upper'), 3723500000n);
  assert.is(bound('decimal(38, 10)', '-1234567890123456789012345678.0123456789', 'lower'), -12345678901234567890123456780123456789n);
  assert.is(bound('decimal(9, 2)', '-0.01', 'lower'), -1n);
});

test('infinite dates, years BC and bytes have no bound', () => {
  assert.is(bound('date', 'infinity', 'upper'), undefined);
  assert.is(bound('timestamp', '-infinity', 'lower'), undefined);
  assert.is(bound('date', '0044-03-15 (BC)', 'lower'), undefined);
  assert.is(bound('binary', 'AB', 'lower'), undefined);
});

test('cut strings still bound what they stand for', () => {
  const unicode = fc.string({ unit: 'binary', minLength: 0, maxLength: 40 }).filter((s) => isWellFormed(s));
  const extremes = fc.array(fc.constantFrom('\u{10ffff}', '\ud7ff', 'a', '日'), { maxLength: 20 }).map((a) => a.join(''));
  fc.assert(
    fc.property(fc.oneof(unicode, extremes), (text) => {
      assert.ok(compareValues(cutLower(text), text) <= 0);
      const upper = cutUpper(text);
      if (upper === undefined) assert.ok(text.startsWith('\u{10ffff}'.repeat(16)));
      else {
        assert.ok(compareValues(upper, text) >= 0);
        assert.ok(Array.from(upper).length <= 16);
        assert.ok(isWellFormed(upper));
      }
    }),
    { numRuns: 500 },
  );
});

test.run();
