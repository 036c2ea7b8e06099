import { test } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { castProblem, castSql, conversionSql, resolveFilterColumn } from '../../../src/core/engine/typing/index.js';
import { columnTypeOf, ConfigError, duckdbType, type ColumnType, type TextFormat } from '../../../src/core/spi/index.js';
import { withConnection } from './definitions.js';

const TYPES: readonly ColumnType[] = [
  'boolean',
  'long',
  'double',
  'decimal(12,2)',
  'decimal(38,0)',
  'string',
  'date',
  'timestamp',
  'datetime',
  'json',
  'binary',
];

test('every cast that is no problem binds and gives the type; NULL stays NULL', () =>
  withConnection(async (sql) => {
    for (const from of TYPES) {
      for (const to of TYPES) {
        if (castProblem(from, to) !== undefined) continue;
        const rows = await sql.rows(
          `select v, typeof(v) as t from (select ${castSql('x', from, to)} as v from (select null::${duckdbType(from)} as x))`,
        );
        assert.is(rows[0]?.['v'], null, `${from} to ${to}`);
        assert.is(columnTypeOf(String(rows[0]?.['t'])), to, `${from} to ${to} gives ${String(rows[0]?.['t'])}`);
      }
    }
  }));

const CASTS: readonly [from: ColumnType, value: string, to: ColumnType, expected: string | null, text?: TextFormat][] = [
  ['long', '5', 'double', '5.0'],
  ['long', '9007199254740993', 'double', null],
  ['long', "'-9223372036854775808'", 'double', null],
  ['long', "'-9223372036854775808'", 'decimal(38,0)', '-9223372036854775808'],
  ['long', '99999999999', 'decimal(12,2)', null],
  ['long', '1', 'boolean', 'true'],
  ['long', '2', 'boolean', null],
  ['long', '1470148959', 'timestamp', '2016-08-02 14:42:39+00'],
  ['long', '1470148959542', 'datetime', '2016-08-02 14:42:39.542', { format: '%Q' }],
  ['long', '9223372036854775807', 'timestamp', null],
  ['double', '2.0', 'long', '2'],
  ['double', '2.5', 'long', null],
  ['double', "'nan'", 'long', null],
  ['double', "'inf'", 'decimal(12,2)', null],
  ['double', '0.1', 'decimal(12,2)', '0.10'],
  ['double', '0.125', 'decimal(12,2)', null],
  ['double', '1e300', 'string', '1e+300'],
  ['double', "'nan'", 'string', 'NaN'],
  ['double', "'-inf'", 'string', '-Infinity'],
  ['double', "'inf'", 'json', null],
  ['decimal(12,2)', '2.00', 'long', '2'],
  ['decimal(12,2)', '2.50', 'long', null],
  ['decimal(12,2)', '2.50', 'double', '2.5'],
  ['decimal(38,0)', '99999999999999999999', 'long', null],
  ['decimal(12,2)', '2.50', 'decimal(38,0)', null],
  ['boolean', 'true', 'long', '1'],
  ['boolean', 'false', 'string', 'false'],
  ['string', "'1e3'", 'long', null],
  ['string', "'[1,]'", 'json', null],
  ['date', "'2024-02-29'", 'timestamp', '2024-02-28 15:00:00+00', { timezone: 'Asia/Tokyo' }],
  ['datetime', "'2017-03-12 02:30:00'", 'timestamp', null, { timezone: 'America/Los_Angeles' }],
  ['timestamp', "'2024-02-29 20:00:00+00'", 'date', '2024-03-01', { timezone: 'Asia/Tokyo' }],
  ['timestamp', "'2024-02-29 20:00:00.5+00'", 'datetime', '2024-02-29 20:00:00.5'],
  ['timestamp', "'1969-12-31 23:59:59.5+00'", 'long', '-1'],
  ['timestamp', "'2024-02-29 20:00:00.5+00'", 'string', '2024-02-29T20:00:00.5Z'],
  ['timestamp', "'2024-02-29 20:00:00+00'", 'json', '"2024-02-29T20:00:00Z"'],
  ['json', `'"5"'`, 'long', '5'],
  ['json', `'{"a" : 1}'`, 'string', '{"a" : 1}'],
  ['json', `'true'`, 'boolean', 'true'],
  ['binary', `'ab'`, 'string', 'YWI='],
  ['binary', `'ab'`, 'string', '6162', { format: 'hex' }],
];

for (const [from, value, to, expected, text] of CASTS) {
  test(`${from} ${value} to ${to} is ${expected ?? 'rejected'}`, () =>
    withConnection(async (sql) => {
      assert.is(castProblem(from, to, text), undefined);
      const rows = await sql.rows(
        `select v::varchar as s from (select ${castSql('x', from, to, text)} as v from (select ${value}::${duckdbType(from)} as x))`,
      );
      assert.is(rows[0]?.['s'], expected);
    }));
}

test('casts that make no sense are problems', () => {
  assert.match(castProblem('binary', 'long') ?? '', /a binary cannot become a long/);
  assert.match(castProblem('date', 'double') ?? '', /a date cannot become a double/);
  assert.match(castProblem('long', 'timestamp', { format: '%Y' }) ?? '', /"%s" \(seconds, the default\) or "%Q"/);
  assert.match(castProblem('timestamp', 'string', { format: '%E' }) ?? '', /cannot be written/);
  assert.match(castProblem('string', 'timestamp', { timezone: 'X' }) ?? '', /no known time zone/);
  assert.throws(
    () => resolveFilterColumn({ name: 'c', type: 'long', cast: { from: 'c', to: 'long' } }, [{ name: 'c', type: 'date' }]),
    (e: unknown) => e instanceof ConfigError && e.code === 'CAST_INVALID' && /column "c": a date cannot become a long/.test(e.message),
  );
});

/** Any value of a type, as SQL. */
const VALUES: Readonly<Record<string, fc.Arbitrary<string>>> = {
  boolean: fc.constantFrom('true', 'false'),
  long: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((v) => `'${v}'`),
  double: fc.double().map((v) => `'${Object.is(v, -0) ? '-0' : v}'`),
  'decimal(12,2)': fc.bigInt({ min: -999999999999n, max: 999999999999n }).map(
    (v) =>
      `'${v < 0n ? '-' : ''}${String(v < 0n ? -v : v)
        .padStart(3, '0')
        .replace(/(..)$/, '.$1')}'`,
  ),
  date: fc.integer({ min: -719162, max: 2932896 }).map((d) => `(date '1970-01-01' + ${d})`),
  datetime: fc.bigInt({ min: -62135596800000000n, max: 253402300799999999n }).map((v) => `make_timestamp(${v})`),
  timestamp: fc.bigInt({ min: -62135596800000000n, max: 253402300799999999n }).map((v) => `make_timestamptz(${v})`),
  binary: fc.uint8Array({ maxLength: 9 }).map((b) => `unhex('${Buffer.from(b).toString('hex')}')`),
};

for (const [name, values] of Object.entries(VALUES)) {
  test(`${name} to string and back is the same value`, () =>
    withConnection(async (sql) => {
      const type = name as ColumnType;
      await fc.assert(
        fc.asyncProperty(fc.array(values, { minLength: 60, maxLength: 60 }), async (list) => {
          const source = list.map((v) => `(${v}::${duckdbType(type)})`).join(', ');
          const rows = await sql.rows(
            `select x::varchar as x, s, v::varchar as v from (select x, s, ${conversionSql('s', { type })} as v from (select x, ${castSql('x', type, 'string')} as s from (values ${source}) t(x))) where v is distinct from x`,
          );
          assert.equal(rows, []);
        }),
        { numRuns: 20 },
      );
    }));
}

test.run();
