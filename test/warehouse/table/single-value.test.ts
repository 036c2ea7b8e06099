import { test } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import type { Value } from '../../../src/warehouse/table/model.js';
import { compareValues, decodeValue, encodeValue } from '../../../src/warehouse/table/single-value.js';
import { isWellFormed } from './well-formed.js';

const LONG = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const values: readonly (readonly [string, fc.Arbitrary<Value>])[] = [
  ['boolean', fc.boolean()],
  ['int', fc.integer()],
  ['date', fc.integer()],
  ['long', LONG],
  ['time', LONG],
  ['timestamp', LONG],
  ['timestamptz', LONG],
  ['double', fc.double()],
  ['float', fc.float()],
  ['string', fc.string({ unit: 'grapheme' }).filter((s) => isWellFormed(s))],
  ['uuid', fc.uuid()],
  ['decimal(38, 10)', fc.bigInt({ min: -(10n ** 38n), max: 10n ** 38n })],
];

test('every type survives serialisation', () => {
  for (const [type, arbitrary] of values)
    fc.assert(
      fc.property(arbitrary, (value) => assert.ok(Object.is(decodeValue(type, encodeValue(type, value)), value), `${type} ${String(value)}`)),
    );
});

test('serialised forms are those of the spec, appendix D', () => {
  const hex = (type: string, value: Value): string => Buffer.from(encodeValue(type, value)).toString('hex');
  assert.is(hex('int', 34), '22000000');
  assert.is(hex('long', -1n), 'ffffffffffffffff');
  assert.is(hex('decimal(9, 2)', 1420n), '058c');
  assert.is(hex('decimal(9, 2)', 128n), '0080');
  assert.is(hex('decimal(9, 2)', -128n), '80');
  assert.is(hex('boolean', true), '01');
  assert.is(hex('uuid', 'f79c3e09-677c-4bbd-a479-3f349cb785e7'), 'f79c3e09677c4bbda4793f349cb785e7');
});

test('bounds of files older than a widening keep their width', () => {
  assert.is(decodeValue('long', encodeValue('int', -7)), -7n);
  assert.is(decodeValue('double', encodeValue('float', 1.5)), 1.5);
  assert.is(decodeValue('long', Uint8Array.of(1, 2)), undefined);
});

test('order: UTF-8 for strings, -0.0 below 0.0', () => {
  assert.ok(compareValues('\uffff', '𝄞') < 0);
  assert.ok(compareValues(-0, 0) < 0);
  assert.ok(compareValues(2n, 10n) < 0);
});

test.run();
