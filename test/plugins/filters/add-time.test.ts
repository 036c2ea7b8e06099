import { test } from 'uvu';
import * as assert from 'uvu/assert';
import addTime from '../../../src/plugins/filter-add-time/index.js';
import { configErrorOf, planFilter, runFilter, STARTED_AT } from './filter-bench.js';
import type { JsonObject, Schema } from '../../../src/core/spi/index.js';

const input: Schema = [
  { name: 's', type: 'string' },
  { name: 'l', type: 'long' },
];
const from = `select * from (values ('2024-01-31 10:00:00', 1706695200123::bigint), ('bad', null), (null, 9223372036854775807)) t(s, l)`;

async function times(config: JsonObject): Promise<{ times: unknown[]; rejects: readonly string[]; type: string | undefined }> {
  const { rows, rejects, columns } = await runFilter(addTime, { type: 'add_time', ...config }, input, from);
  return { times: rows.map((r) => (r['time'] === null ? null : String(r['time']))), rejects, type: columns.at(-1)?.type };
}

test('the start of the run, as timestamp and as Unix time', async () => {
  const long = await times({ to_column: { type: 'long', unix_timestamp_unit: 'milli' } });
  assert.equal(long, { times: [`${STARTED_AT}`, `${STARTED_AT}`, `${STARTED_AT}`], rejects: [], type: 'long' });
  assert.is((await times({ from_value: { mode: 'upload_time' } })).type, 'timestamp');
});

test('from text: strict, in a zone; NULL stays NULL', async () => {
  const result = await times({
    to_column: { type: 'long' },
    from_column: { name: 's', timestamp_format: '%Y-%m-%d %H:%M:%S', timezone: 'Asia/Tokyo' },
  });
  assert.equal(result.times, ['1706662800', null]);
  assert.equal(result.rejects, ['time: this timestamp is no long']);
});

test('from Unix times of every unit; out of range is rejected', async () => {
  for (const [unit, expected] of [
    ['milli', '1706695200123'],
    ['micro', '1706695200'],
    ['nano', '1706695'],
  ] as const) {
    const result = await times({ to_column: { type: 'long', unix_timestamp_unit: 'milli' }, from_column: { name: 'l', unix_timestamp_unit: unit } });
    assert.is(result.times[0], expected, unit);
    assert.is(result.rejects.length, unit === 'nano' ? 0 : 1, unit);
  }
});

test('a fixed time', async () => {
  const text = await times({ to_column: { type: 'long' }, from_value: { mode: 'fixed_time', value: '2024-01-31T00:00:00Z' } });
  assert.equal(text.times, ['1706659200', '1706659200', '1706659200']);
  const unix = await times({ to_column: { type: 'long' }, from_value: { mode: 'fixed_time', value: 1706659200 } });
  assert.equal(unix.times, text.times);
});

test('errors: a name that is taken, two sources, no value, a column without a time', async () => {
  const taken = await configErrorOf(planFilter(addTime, { type: 'add_time', to_column: { name: 'S' } }, input));
  assert.is(taken.code, 'DUPLICATE_COLUMN');
  const both = await configErrorOf(planFilter(addTime, { type: 'add_time', from_column: { name: 's' }, from_value: {} }, input));
  assert.match(both.message, /got both/);
  const none = await configErrorOf(planFilter(addTime, { type: 'add_time', from_value: { mode: 'fixed_time' } }, input));
  assert.match(none.message, /value is missing/);
  const json = await configErrorOf(planFilter(addTime, { type: 'add_time', from_column: { name: 'j' } }, [...input, { name: 'j', type: 'json' }]));
  assert.match(json.message, /got "j" of type json/);
});

test.run();
