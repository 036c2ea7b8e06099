import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openDatabase, type Database, type DuckConnection } from '../../../../src/core/duckdb/index.js';
import { sqlText, type SqlText } from '../../../../src/warehouse/query/dialect.js';
import { expandTdFunctions } from '../../../../src/warehouse/query/td/rewrite.js';
import { field, openTestWarehouse, partition, type TestWarehouse } from '../fixture.js';

const RUNS = process.env['SLUICE_ROUNDS'] === 'full' ? 2000 : 60;
const SCHEDULED = Date.UTC(2024, 10, 3, 5, 59, 30);
const ZONES = [
  'UTC',
  'JST',
  'PST',
  'EDT',
  '+05:45',
  '-03:30',
  'Asia/Tokyo',
  'Asia/Kolkata',
  'America/New_York',
  'America/St_Johns',
  'Europe/Berlin',
  'Australia/Lord_Howe',
  'America/Havana',
  'Africa/Cairo',
  'Pacific/Apia',
];
const UNITS = ['second', 'minute', 'hour', 'day', 'week', 'month', 'quarter', 'year'];
const CODES = ['y', 'q', 'M', 'w', 'd', 'h', 'm', 's'].flatMap((c) => [c, `${c}!`]);
const PATTERNS = ['yyyy-MM-dd HH:mm:ss z', "yyyy-MM-dd''T''HH:mm:ssXXX", 'EEE d MMM yy h:mm a Z', 'D XX'];

let database: Database;
let duck: DuckConnection;
let house: TestWarehouse;

function expand(text: string): SqlText {
  return expandTdFunctions(sqlText(text, { text, originOf: (offset) => offset }), { scheduledTime: SCHEDULED });
}

test.before(async () => {
  database = await openDatabase({ threads: 1 });
  duck = await database.connect();
  house = await openTestWarehouse();
  for (const [name, type, transform, of] of [
    ['shop.seconds', 'long', 'truncate[86400]', 'CAST(s AS BIGINT)'],
    ['shop.plain', 'timestamp', 'day', 'make_timestamp(s * 1000000)'],
    ['shop.zoned', 'timestamptz', 'hour', 'to_timestamp(s)'],
    ['shop.small', 'int', 'bucket[3]', 'CAST(s AS INTEGER)'],
  ] as const) {
    await house.createTable(name, [field(1, 'time', type), field(2, 'n', 'long')], [partition(1000, 1, transform)]);
    const at = SCHEDULED / 1000;
    await house.append(name, [
      `SELECT ${of} AS "time", s AS n FROM (SELECT ${at} + (range - 60) * 2777 AS s FROM range(120)) UNION ALL SELECT NULL, 0`,
    ]);
  }
});
test.after(async () => {
  duck.close();
  database.close();
  await house.close();
});

const instant = fc.oneof(
  fc.integer({ min: Date.UTC(1962, 0, 1) / 1000, max: Date.UTC(2030, 0, 1) / 1000 }),
  // Hours around changes to and from summer time.
  fc
    .tuple(fc.constantFrom(1730610000, 1710054000, 1711846800, 1729990800, 1712415600, 1710046800), fc.integer({ min: -7500, max: 7500 }))
    .map(([a, b]) => a + b),
);
const zone = fc.constantFrom(...ZONES);
const call = fc.oneof(
  fc.tuple(fc.constantFrom(...UNITS), zone).map(
    ([unit, z]) =>
      (t: string) =>
        `TD_DATE_TRUNC('${unit}', ${t}, '${z}')`,
  ),
  fc.tuple(fc.constantFrom(...CODES), zone).map(
    ([code, z]) =>
      (t: string) =>
        `TD_TIME_STRING(${t}, '${code}', '${z}')`,
  ),
  fc.tuple(fc.constantFrom(...PATTERNS), zone).map(
    ([pattern, z]) =>
      (t: string) =>
        `TD_TIME_FORMAT(${t}, '${pattern}', '${z}')`,
  ),
  zone.map((z) => (t: string) => `TD_TIME_PARSE(TD_TIME_FORMAT(${t}, 'yyyy-MM-dd HH:mm:ss', '${z}'), '${z}')`),
  zone.map((z) => (t: string) => `TD_TIME_PARSE(TD_TIME_FORMAT(${t}, 'yyyy-MM-dd HH:mm:ss Z', '${z}'))`),
);

test('a constant and a column give the same', async () => {
  await fc.assert(
    fc.asyncProperty(call, fc.array(instant, { minLength: 1, maxLength: 20 }), async (of, instants) => {
      const constants = expand(`VALUES ${instants.map((t) => `(${of(String(t))})`).join(', ')}`).text;
      const columns = expand(`SELECT ${of('x')} FROM (VALUES ${instants.map((t) => `(${t}::BIGINT)`).join(', ')}) v(x)`).text;
      const values = async (sql: string): Promise<string[]> => (await duck.rows(sql)).map((row) => String(Object.values(row)[0]));
      assert.equal(await values(columns), await values(constants), of('x'));
    }),
    { numRuns: RUNS },
  );
});

const bound = fc.oneof(
  fc.constant('NULL'),
  fc.integer({ min: -260_000, max: 260_000 }).map((d) => String(SCHEDULED / 1000 + d)),
  fc.integer({ min: 0, max: 9 }).map((d) => `'2024-11-0${d}'`.replace("-00'", "-01 12:30:00'")),
  fc.constantFrom("'2024-11-03 01:30:00'", "'2024-11-03 PDT'", "'2024-11-02 23:59:59 +0900'"),
  fc.constantFrom("TD_TIME_ADD(TD_SCHEDULED_TIME(), '-1d')", 'TD_SCHEDULED_TIME()', "TD_DATE_TRUNC('day', TD_SCHEDULED_TIME(), 'JST')"),
);
const intervals = fc.constantFrom('-1d', '-1h', '-12h/now', '1d', '-1d/-1d', '+6h/now', '0d/now', '-1w', '-2d/2024-11-03');
const condition = fc.oneof(
  fc.tuple(bound, bound, zone).map(([a, b, z]) => `TD_TIME_RANGE(time, ${a}, ${b}, '${z}')`),
  fc.tuple(intervals, zone).map(([i, z]) => `TD_INTERVAL(time, '${i}', '${z}')`),
);
const where = fc.oneof(
  condition,
  fc.tuple(condition, condition).map(([a, b]) => `${a} OR ${b}`),
  fc.tuple(condition, condition).map(([a, b]) => `${a} AND NOT ${b}`),
  condition.map((a) => `NOT (${a}) AND n > 0`),
);

test('pruned files hold all rows of a range, whatever the type of the time column', async () => {
  let kept = 0;
  let total = 0;
  await fc.assert(
    fc.asyncProperty(fc.constantFrom('seconds', 'plain', 'zoned', 'small'), where, async (table, text) => {
      const options = { scheduledTime: SCHEDULED };
      const rows = await house.rows(`SELECT n FROM shop.${table} WHERE ${text} ORDER BY n`, options);
      // Behind OFFSET 0 no condition reaches the scan.
      const all = await house.rows(`SELECT n FROM (SELECT * FROM shop.${table} LIMIT 100000 OFFSET 0) WHERE ${text} ORDER BY n`, options);
      assert.equal(rows, all, `${table}: ${text}`);
      const stats = await house.engine.explain(`SELECT n FROM shop.${table} WHERE ${text}`, options);
      kept += stats.filesKept;
      total += stats.filesTotal;
    }),
    { numRuns: RUNS },
  );
  assert.ok(kept < total * 0.9, `${kept} of ${total} files kept`);
});

test('any text with calls in it is expanded, refused with a place, or left alone', () => {
  const words = fc.constantFrom(
    'TD_TIME_RANGE(',
    'td_interval(',
    'TD_TIME_FORMAT(',
    'TD_TIME_ADD',
    '(',
    ')',
    ',',
    "'-1d'",
    "'JST'",
    "''",
    'time',
    '1',
    '-',
    '::',
    'BIGINT',
    'SELECT',
    'NULL',
    '--',
    '\n',
    '/*',
    '*/',
    '"',
    "'",
    '$a',
    'CAST(',
    'AS',
    '漢',
  );
  fc.assert(
    fc.property(fc.array(words, { maxLength: 30 }), (parts) => {
      try {
        expand(parts.join(' '));
      } catch (error) {
        assert.is((error as { code?: unknown }).code, 'SQL_INVALID', String(error));
      }
    }),
    { numRuns: RUNS * 20 },
  );
});

test.run();
