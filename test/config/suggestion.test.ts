import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { didYouMean, nearest } from '../../src/core/spi/index.js';

test('the closest word within a third of the length', () => {
  assert.is(nearest('delimeter', ['quote', 'delimiter', 'escape']), 'delimiter');
  assert.is(nearest('tpye', ['type', 'name']), 'type');
  assert.is(nearest('TABLE', ['table']), 'table');
  assert.is(nearest('table', ['table']), undefined);
  assert.is(nearest('abc', ['xyz']), undefined);
  assert.is(nearest('', ['a']), 'a');
  assert.is(didYouMean('mod', ['mode']), ', did you mean "mode"?');
  assert.is(didYouMean('zzz', ['mode']), '');
});

test('agrees with the plain definition of the distance', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 8 });
  fc.assert(
    fc.property(text, fc.array(text, { maxLength: 5 }), (word, candidates) => {
      const limit = Math.max(1, Math.floor(word.length / 3));
      const distances = candidates.filter((candidate) => candidate !== word).map((candidate) => distance(word, candidate));
      const best = Math.min(...distances);
      const found = nearest(word, candidates);
      assert.is(found === undefined ? undefined : distance(word, found), best <= limit ? best : undefined);
    }),
  );
});

/** Optimal string alignment distance, straight from its recursive definition. */
function distance(a: string, b: string): number {
  if (a === '' || b === '') return a.length + b.length;
  const options = [distance(a.slice(1), b) + 1, distance(a, b.slice(1)) + 1, distance(a.slice(1), b.slice(1)) + (a[0] === b[0] ? 0 : 1)];
  if (a.length > 1 && b.length > 1 && a[0] === b[1] && a[1] === b[0]) options.push(distance(a.slice(2), b.slice(2)) + 1);
  return Math.min(...options);
}

test.run();
