import { test } from 'uvu';
import * as assert from 'uvu/assert';
import fc from 'fast-check';
import { openDatabase } from '../../../src/core/duckdb/index.js';
import { quoteLiteral } from '../../../src/core/spi/index.js';
import { parseDuckText } from '../../../src/warehouse/table/duck-text.js';
import { parsePartitionText, transformSql } from '../../../src/warehouse/table/transform-sql.js';
import { parseTransform, transformProblem, transformValue } from '../../../src/warehouse/table/transforms.js';
import { duckTypeOf } from '../../../src/warehouse/table/types.js';
import { isWellFormed } from './well-formed.js';

const LONG = 2n ** 63n;
const micros = fc.bigInt({ min: -62135596800000000n, max: 253402300799999999n });
const instant = (v: bigint): string => {
  const seconds = v >= 0n ? v / 1000000n : -((-v + 999999n) / 1000000n);
  const text = new Date(Number(seconds) * 1000).toISOString().replace('T', ' ').slice(0, 19);
  return `${text}.${String(v - seconds * 1000000n).padStart(6, '0')}`;
};
const decimal = (precision: number, scale: number): fc.Arbitrary<string> =>
  fc.bigInt({ min: -(10n ** BigInt(precision)) + 1n, max: 10n ** BigInt(precision) - 1n }).map((v) => {
    const digits = String(v < 0n ? -v : v).padStart(scale + 1, '0');
    return `${v < 0n ? '-' : ''}${digits.slice(0, digits.length - scale)}.${digits.slice(digits.length - scale)}`;
  });

const sources: readonly (readonly [string, fc.Arbitrary<string>])[] = [
  [
    'long',
    fc
      .oneof(fc.bigInt({ min: -LONG, max: LONG - 1n }), fc.bigInt({ min: -LONG, max: -LONG + 100000n }), fc.bigInt({ min: -100000n, max: 100000n }))
      .map(String),
  ],
  ['int', fc.integer({ min: -(2 ** 31) + 100000, max: 2 ** 31 - 1 }).map(String)],
  ['string', fc.string({ unit: 'grapheme' }).filter((s) => isWellFormed(s) && !s.includes('\0'))],
  ['date', micros.map((v) => instant(v).slice(0, 10))],
  ['timestamp', micros.map(instant)],
  ['timestamptz', micros.map((v) => `${instant(v)}+00`)],
  ['decimal(9, 2)', decimal(9, 2)],
  ['decimal(38, 10)', decimal(38, 10)],
  ['decimal(18, 0)', fc.bigInt({ min: -(10n ** 18n) + 1n, max: 10n ** 18n - 1n }).map(String)],
  ['uuid', fc.uuid()],
];
const transforms = [
  'identity',
  'year',
  'month',
  'day',
  'hour',
  'bucket[16]',
  'bucket[1000003]',
  'truncate[1]',
  'truncate[7]',
  'truncate[86400]',
  'void',
];

test('SQL and JavaScript give the same partition for any value', async () => {
  const database = await openDatabase();
  const sql = await database.connect();
  let compared = 0;
  for (const [type, values] of sources) {
    const usable = transforms.map(parseTransform).filter((t) => transformProblem(t, type) === undefined);
    await fc.assert(
      fc.asyncProperty(fc.array(values, { minLength: 20, maxLength: 60 }), async (texts) => {
        const list = texts.map((t) => quoteLiteral(t)).join(', ');
        const columns = usable.map((t, i) => `CAST(${transformSql(t, type, 'v')} AS VARCHAR) AS p${i}`).join(', ');
        const rows = await sql.rows(
          `SELECT CAST(v AS VARCHAR) AS v, ${columns} FROM (SELECT CAST(unnest([${list}]) AS ${duckTypeOf(type)}) AS v UNION ALL SELECT NULL)`,
        );
        for (const row of rows) {
          const value = row['v'] === null ? null : (parseDuckText(type, String(row['v'])) ?? null);
          for (const [i, transform] of usable.entries()) {
            const text = row[`p${i}`] ?? null;
            compared++;
            assert.is(
              parsePartitionText(transform, type, text === null ? null : String(text)),
              transformValue(transform, type, value),
              `${JSON.stringify(transform)} of ${type} ${String(row['v'])}`,
            );
          }
        }
      }),
      { numRuns: 8 },
    );
  }
  assert.ok(compared > 5000);
  sql.close();
  database.close();
});

test.run();
