import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { nextFileState, readFileState } from '../../src/core/engine/file-state.js';
import type { DataError, JsonValue } from '../../src/core/spi/index.js';

const hash = 'sha256:00';

test('what a run stores is read again; so are states of Embulk', () => {
  const stored = nextFileState(
    readFileState(undefined),
    [{ file: { name: 'a.csv', size: 5, modified: 7 }, fact: { source: 'a.csv', bytes: 5, hash } }],
    [],
    { header: ['id'] },
  );
  const again = readFileState(stored);
  assert.equal([...again.files], [['a.csv', { size: 5, modified: 7, hash }]]);
  assert.equal(again.memory, { header: ['id'] });
  assert.is(readFileState({ in: { last_path: 'b.csv' }, out: {} }).lastPath, 'b.csv');
  assert.is(readFileState({ in: { last_path: null } }).lastPath, undefined);
  assert.is(readFileState({}).files.size, 0);
  assert.is(readFileState(null).files.size, 0);
});

test('a state that is not understood is an error: it would load everything once more', () => {
  const wrong: readonly (readonly [JsonValue, string])[] = [
    [5, 'the state: expected a mapping, found 5'],
    [{ x: 1 }, '"x" is no part of it'],
    [{ columns: ['id'], last_record: ['5'] }, '"columns" is no part of it'],
    [{ in: { last_record: [5] } }, '"last_record" is no part of it'],
    [{ files: 5 }, 'files: expected a mapping, found 5'],
    [{ files: ['a.csv'] }, 'files: expected a mapping, found ["a.csv"]'],
    [{ files: { 'a.csv': {} } }, 'files: a.csv: size: expected a number, found nothing'],
    [{ files: { 'a.csv': { size: 5, hash: 7 } } }, 'files: a.csv: hash: expected text, found 7'],
    [{ last_path: 5 }, 'last_path: expected text, found 5'],
  ];
  for (const [state, why] of wrong) {
    assert.throws(
      () => readFileState(state),
      (error: DataError) => {
        assert.is(error.code, 'STATE_INVALID');
        assert.is(error.message, `the stored state is not one of a file input: ${why}`);
        assert.match(error.hint ?? '', 'sluice state reset');
        return true;
      },
    );
  }
});

test.run();
