import { test } from 'uvu';
import * as assert from 'uvu/assert';
import column from '../../../src/plugins/filter-column/index.js';
import { configErrorOf, planFilter, runFilter } from './filter-bench.js';
import type { Schema } from '../../../src/core/spi/index.js';

const input: Schema = [
  { name: 'id', type: 'long' },
  { name: 'price', type: 'string' },
  { name: 'at', type: 'timestamp' },
  { name: 'ratio', type: 'double' },
];
const from = `select * from (values
  (1::bigint, '10.50', timestamptz '2024-02-29 23:30:00+00', 2.0::double),
  (2, '1e3', timestamptz '2024-03-01 00:00:00+00', 2.5),
  (3, null, null, null)) t(id, price, "at", ratio)`;

test('casts strictly, rejects what does not fit, fills NULLs', async () => {
  const { columns, rows, rejects } = await runFilter(
    column,
    {
      type: 'column',
      columns: [
        { name: 'price', type: 'decimal(8,2)', default: '0.05' },
        { name: 'ratio', type: 'long', default: 7 },
      ],
    },
    input,
    from,
  );
  assert.equal(
    columns.map((c) => c.type),
    ['long', 'decimal(8,2)', 'timestamp', 'long'],
  );
  assert.equal(
    rows.map((r) => [r['id'], r['price'], r['ratio']]),
    [
      [1n, '10.50', 2n],
      [3n, '0.05', 7n],
    ],
  );
  assert.equal(rejects, ['price: not a decimal(8,2) (at most 6 digits before the point and 2 after it)']);
});

test('a failed cast of a later column is found too', async () => {
  const { rejects } = await runFilter(column, { type: 'column', columns: [{ name: 'ratio', type: 'long' }] }, input, from);
  assert.equal(rejects, ['ratio: this double is no long']);
});

test('new columns: expression, copy with a cast in a zone, constant', async () => {
  const config = {
    type: 'column',
    columns: [
      { name: 'twice', expression: 'id * 2' },
      { name: 'small', expression: 'id', type: 'string' },
      { name: 'day', from: 'at', type: 'date', timezone: 'Asia/Tokyo' },
      { name: 'text', from: 'at', type: 'string' },
      { name: 'written', from: 'at', type: 'string', format: '%d.%m.%Y %H:%M %z', timezone: '+09:00' },
      { name: 'source', default: 'shop' },
    ],
  };
  const { columns, rows } = await runFilter(column, config, input, from);
  assert.equal(
    columns.slice(4).map((c) => `${c.name} ${c.type}`),
    ['twice long', 'small string', 'day date', 'text string', 'written string', 'source string'],
  );
  assert.equal(
    [rows[0]?.['twice'], rows[0]?.['small'], rows[0]?.['text'], rows[0]?.['written'], rows[0]?.['source']],
    [2n, '1', '2024-02-29T23:30:00Z', '01.03.2024 08:30 +0900', 'shop'],
  );
  assert.is(rows[2]?.['text'], null);
});

test('a default that is no value of the type is rejected where it would be used', async () => {
  const { rejects } = await runFilter(column, { type: 'column', columns: [{ name: 'price', type: 'long', default: 'none' }] }, input, from);
  assert.is(rejects.length, 3);
});

test('errors: unknown column and type, both sources, a format that fits nothing', async () => {
  const wrong = await configErrorOf(planFilter(column, { type: 'column', columns: [{ name: 'prise', type: 'long' }] }, input));
  assert.is(wrong.code, 'COLUMN_UNKNOWN');
  assert.match(wrong.message, /columns\[0\]\.name: .*did you mean "price"/);
  const type = await configErrorOf(planFilter(column, { type: 'column', columns: [{ name: 'price', type: 'integer' }] }, input));
  assert.is(type.code, 'TYPE_UNKNOWN');
  const both = await configErrorOf(planFilter(column, { type: 'column', columns: [{ name: 'x', from: 'id', expression: '1' }] }, input));
  assert.is(both.code, 'FILTER_OPTIONS');
  const cast = await configErrorOf(runFilter(column, { type: 'column', columns: [{ name: 'at', type: 'boolean' }] }, input, from));
  assert.is(cast.code, 'CAST_INVALID');
  assert.match(cast.message, /a timestamp cannot become a boolean/);
});

test.run();
