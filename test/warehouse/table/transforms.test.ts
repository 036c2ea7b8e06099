import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { hashValue, parseTransform, transformProblem, transformValue } from '../../../src/warehouse/table/transforms.js';

test('hashes are the test values of the spec, appendix B', () => {
  assert.is(hashValue('int', 34), 2017239379);
  assert.is(hashValue('long', 34n), 2017239379);
  assert.is(hashValue('decimal(9, 2)', 1420n), -500754589);
  assert.is(hashValue('date', 17486), -653330422);
  assert.is(hashValue('time', 81068000000n), -662762989);
  assert.is(hashValue('timestamp', 1510871468000000n), -2047944441);
  assert.is(hashValue('timestamptz', 1510871468000001n), -1207196810);
  assert.is(hashValue('string', 'iceberg'), 1210000089);
  assert.is(hashValue('uuid', 'f79c3e09-677c-4bbd-a479-3f349cb785e7'), 1488055340);
  assert.is(hashValue('binary', Uint8Array.of(0, 1, 2, 3)), -188683207);
});

test('truncate and time transforms are those of the spec, before 1970 too', () => {
  const value = (transform: string, type: string, v: number | bigint | string): unknown => transformValue(parseTransform(transform), type, v);
  assert.is(value('truncate[10]', 'int', 1), 0);
  assert.is(value('truncate[10]', 'int', -1), -10);
  assert.is(value('truncate[10]', 'long', -1n), -10n);
  assert.is(value('truncate[50]', 'decimal(9, 2)', 1065n), 1050n);
  assert.is(value('truncate[3]', 'string', 'iceberg'), 'ice');
  assert.is(value('truncate[2]', 'string', '𝄞日x'), '𝄞日');
  assert.is(value('day', 'timestamptz', -1n), -1);
  assert.is(value('hour', 'timestamp', -3600000001n), -2);
  assert.is(value('month', 'date', -1), -1);
  assert.is(value('year', 'date', -1), -1);
  assert.is(value('month', 'date', 17501), 575);
  assert.is(value('year', 'timestamp', 1510871468000000n), 47);
  assert.is(transformValue(parseTransform('void'), 'long', 5n), null);
  assert.is(transformValue(parseTransform('bucket[16]'), 'long', null), null);
});

test('a transform says why it cannot be applied', () => {
  assert.match(transformProblem(parseTransform('day') ?? '', 'long') ?? '', 'needs a timestamp, datetime or date column, not long');
  assert.match(transformProblem(parseTransform('hour') ?? '', 'date') ?? '', 'needs a timestamp');
  assert.match(transformProblem(parseTransform('bucket[4]') ?? '', 'double') ?? '', 'cannot hash a double');
  assert.match(transformProblem(parseTransform('zorder[4]') ?? '', 'long') ?? '', 'is not a transform');
  assert.is(transformProblem(parseTransform('truncate[4]'), 'decimal(9, 2)'), undefined);
});

test.run();
