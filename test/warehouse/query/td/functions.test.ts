import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ConfigError, DataError } from '../../../../src/core/spi/index.js';
import { field, openTestWarehouse, partition, type TestWarehouse } from '../fixture.js';

const SCHEDULED = Date.UTC(2024, 0, 10, 0, 5, 0);
const DAY = 86_400;
const FIRST = Date.UTC(2024, 0, 1) / 1000;
let house: TestWarehouse;

test.before(async () => {
  house = await openTestWarehouse();
  const days = (column: (at: string) => string): string[] =>
    Array.from({ length: 20 }, (_, d) => `SELECT ${column(`${FIRST + d * DAY} + range * 3600`)} AS "time", range + ${d * 24} AS n FROM range(24)`);
  await house.createTable('shop.hits', [field(1, 'time', 'long'), field(2, 'n', 'long')], [partition(1000, 1, 'truncate[86400]')]);
  await house.append(
    'shop.hits',
    days((at) => `CAST(${at} AS BIGINT)`),
  );
  await house.createTable('shop.plain', [field(1, 'time', 'timestamp'), field(2, 'n', 'long')], [partition(1000, 1, 'day')]);
  await house.append(
    'shop.plain',
    days((at) => `make_timestamp((${at}) * 1000000)`),
  );
  await house.createTable('shop.zoned', [field(1, 'time', 'timestamptz'), field(2, 'n', 'long')], [partition(1000, 1, 'day')]);
  await house.append(
    'shop.zoned',
    days((at) => `to_timestamp(${at})`),
  );
  await house.createTable('shop.dated', [field(1, 'time', 'date'), field(2, 'n', 'long')], [partition(1000, 1, 'identity')]);
  await house.append(
    'shop.dated',
    days((at) => `CAST(make_timestamp((${at}) * 1000000) AS DATE)`),
  );
});
test.after(() => house.close());

async function value(expression: string, from = ''): Promise<unknown> {
  const [row] = await house.rows(`SELECT ${expression} AS v ${from}`, { scheduledTime: SCHEDULED });
  const found = row?.['v'];
  return typeof found === 'bigint' ? Number(found) : found;
}

async function refusal(sql: string): Promise<ConfigError> {
  try {
    await house.rows(sql, { scheduledTime: SCHEDULED });
  } catch (error) {
    assert.instance(error, ConfigError);
    assert.is((error as ConfigError).code, 'SQL_INVALID');
    return error as ConfigError;
  }
  throw new Error(`expected an error: ${sql}`);
}

/** Each as a constant, and over a column, which goes another way. */
const VALUES: readonly (readonly [call: (time: string) => string, time: number, expected: unknown])[] = [
  [(t) => `TD_TIME_STRING(${t}, 'd', 'JST')`, 1536764400, '2018-09-13 00:00:00+0900'],
  [(t) => `TD_TIME_STRING(${t}, 'y!', 'JST')`, 1536764400, '2018'],
  [(t) => `TD_TIME_STRING(${t}, 'q!')`, 1536764400, '2018-07'],
  [(t) => `TD_TIME_STRING(${t}, 'M!')`, 1536764400, '2018-09'],
  [(t) => `TD_TIME_STRING(${t}, 'w!')`, 1536764400, '2018-09-10'],
  [(t) => `TD_TIME_STRING(${t}, 'd!')`, 1536764400, '2018-09-12'],
  [(t) => `TD_TIME_STRING(${t}, 'h!')`, 1536764400, '2018-09-12 15'],
  [(t) => `TD_TIME_STRING(${t}, 'm!')`, 1536764461, '2018-09-12 15:01'],
  [(t) => `TD_TIME_STRING(${t}, 's!')`, 1536764461, '2018-09-12 15:01:01'],
  // The year began in winter.
  [(t) => `TD_TIME_STRING(${t}, 'y', 'America/New_York')`, 1710054000, '2024-01-01 00:00:00-0500'],
  // The hour that autumn repeats.
  [(t) => `TD_DATE_TRUNC('hour', ${t}, 'America/New_York')`, 1730610000, 1730610000],
  [(t) => `TD_DATE_TRUNC('second', ${t}, 'America/New_York')`, 1730613601, 1730613601],
  [(t) => `TD_DATE_TRUNC('minute', ${t}, 'Asia/Kolkata')`, 1700000059, 1700000040],
  [(t) => `TD_DATE_TRUNC('hour', ${t}, 'Asia/Kolkata')`, 1700000059, 1699999200 - 1800 + 0],
  [(t) => `TD_DATE_TRUNC('day', ${t}, 'JST')`, 1704067200, 1704034800],
  [(t) => `TD_DATE_TRUNC('day', ${t}, '+05:45')`, 1704067200, 1704046500],
  [(t) => `TD_DATE_TRUNC('week', ${t})`, 1704585600, 1704067200],
  [(t) => `TD_DATE_TRUNC('month', ${t}, 'PST')`, 1704067200, 1701417600],
  [(t) => `TD_DATE_TRUNC('quarter', ${t}, 'UTC')`, 1711000000, 1704067200],
  [(t) => `td_date_trunc('YEAR', ${t}, 'Europe/Berlin')`, 1719800000, 1704063600],
  [(t) => `TD_DATE_TRUNC('day', ${t})`, -1, -86400],
  [(t) => `TD_TIME_FORMAT(${t}, 'yyyy-MM-dd HH:mm:ss z', 'JST')`, 1704067200, '2024-01-01 09:00:00 JST'],
  [(t) => `TD_TIME_FORMAT(${t}, 'yyyy-MM-dd HH:mm:ss z', 'America/Los_Angeles')`, 1720000000, '2024-07-03 02:46:40 PDT'],
  [(t) => `TD_TIME_FORMAT(${t}, 'yyyy-MM-dd''T''HH:mm:ssXXX', '-03:30')`, 1704067200, '2023-12-31T20:30:00-03:30'],
  [(t) => `TD_TIME_FORMAT(${t}, 'EEE, d MMM yy h:mm a Z', 'Europe/London')`, 1720000000, 'Wed, 3 Jul 24 10:46 AM +0100'],
  [(t) => `TD_TIME_FORMAT(${t}, 'yyyy''年''%')`, 1704067200, '2024年%'],
  [(t) => `TD_TIME_ADD(${t}, '1d')`, 1704067200, 1704153600],
  [(t) => `TD_TIME_ADD(${t}, '-1w2d3h4m5s')`, 1704067200, 1704067200 - 604800 - 2 * DAY - 3 * 3600 - 245],
  [(t) => `TD_TIME_RANGE(${t}, '2013-01-01 PDT', NULL)`, 1357023600, true],
  [(t) => `TD_TIME_RANGE(${t}, '2013-01-01 PDT')`, 1357023599, false],
  [(t) => `TD_TIME_RANGE(${t}, NULL, '2024-01-01', 'JST')`, 1704034800, false],
  [(t) => `TD_INTERVAL(${t}, '-1d', 'JST')`, 1704726000, true],
  [(t) => `TD_INTERVAL(${t}, '-1d/now')`, 1704845100, false],
];

for (const [call, time, expected] of VALUES) {
  test(`${call(String(time))} is ${JSON.stringify(expected)}`, async () => {
    const [row] = await house.rows(
      `SELECT ${call(String(time))} AS constant, ${call('l')} AS seconds, ${call('t')} AS plain, ${call('z')} AS zoned, ${call('n')} AS missing
      FROM (SELECT CAST(${time} AS BIGINT) AS l, make_timestamp(${time}::BIGINT * 1000000) AS t, to_timestamp(${time}) AS z, CAST(NULL AS BIGINT) AS n)`,
      { scheduledTime: SCHEDULED },
    );
    const shown = Object.fromEntries(Object.entries(row ?? {}).map(([k, v]) => [k, typeof v === 'bigint' ? Number(v) : v]));
    assert.equal(shown, { constant: expected, seconds: expected, plain: expected, zoned: expected, missing: null });
  });
}

test('TD_TIME_PARSE reads text, constant or not', async () => {
  for (const [text, zone, expected] of [
    ['2015-01-01', 'JST', 1420038000],
    ['2024-01-01', 'UTC', 1704067200],
    ['2024-1-1 1:02', 'UTC', 1704070920],
    ['2024-01-01 PDT', 'JST', 1704092400],
    ['2024-01-01 01:02:03 +05:45', 'JST', 1704050223],
    ['2024-01-01T01:02:03.999+0900', 'UTC', 1704038523],
    ['2024-01-01 UTC+05:45', 'UTC', 1704046500],
    ['2024-07-01 America/New_York', 'UTC', 1719806400],
    // Twice on that day, and never on this one.
    ['2024-11-03 01:30:00', 'America/New_York', 1730611800],
    ['2024-03-10 02:30:00', 'America/New_York', 1710055800],
  ] as const) {
    assert.is(await value(`TD_TIME_PARSE('${text}', '${zone}')`), expected, text);
    assert.is(await value(`TD_TIME_PARSE(s, '${zone}')`, `FROM (SELECT '${text}' AS s)`), expected, `${text} of a column`);
  }
  assert.is(await value('TD_TIME_PARSE(NULL)'), null);
});

test('a column that holds no time fails as a value, and TRY gives NULL', async () => {
  const failed = house.rows("SELECT TD_TIME_PARSE(s) FROM (VALUES ('2024-01-01'), ('soon')) v(s)");
  await failed.then(
    () => assert.unreachable(),
    (error: unknown) => {
      assert.instance(error, DataError);
      assert.match((error as DataError).message, /soon/);
    },
  );
  assert.is(await value('TRY(TD_TIME_PARSE(s))', "FROM (SELECT 'soon' AS s)"), null);
});

test('TD_SCHEDULED_TIME is the given time, also within other calls and in views', async () => {
  assert.is(await value('td_scheduled_time()'), SCHEDULED / 1000);
  assert.is(await value("TD_TIME_STRING(TD_TIME_ADD(TD_SCHEDULED_TIME(), '-1d'), 'd!')"), '2024-01-09');
  await house.createView('shop.due', 'SELECT TD_SCHEDULED_TIME() AS due');
  assert.is(await value('due', 'FROM shop.due'), SCHEDULED / 1000);
  const before = Math.floor(Date.now() / 1000);
  const [row] = await house.rows('SELECT TD_SCHEDULED_TIME() AS v');
  assert.ok(Number(row?.['v']) >= before && Number(row?.['v']) <= Date.now() / 1000);
});

test('strings, comments and other names stay as they are', async () => {
  const sql = `SELECT 'TD_TIME_RANGE(1)' AS a, "TD_X(" AS b /* TD_TIME_PARSE( */ -- TD_SCHEDULED_TIME(1)
    FROM (SELECT 1 AS "TD_X(") AS td_time_range`;
  assert.equal(await house.rows(sql), [{ a: 'TD_TIME_RANGE(1)', b: 1 }]);
});

test('a column is named after the call that the user wrote', async () => {
  const result = await house.engine.query(
    "SELECT TD_TIME_STRING(0,  'd!'), td_time_string(0, 'y!') AS y, 1 + TD_TIME_PARSE('1970-01-01') FROM shop.hits",
  );
  await result.close();
  assert.is(result.columns[0]?.name, "TD_TIME_STRING(0, 'd!')");
  assert.is(result.columns[1]?.name, 'y');
});

test('groups by what it selects', async () => {
  const day = "TD_TIME_STRING(time, 'w!', 'Europe/Paris')";
  const rows = await house.rows(
    `SELECT ${day} AS day, count(*) AS n FROM shop.hits GROUP BY ${day.toLowerCase().replace('europe/paris', 'Europe/Paris')} ORDER BY 1`,
  );
  assert.equal(
    rows.map((r) => [r['day'], Number(r['n'])]),
    [
      ['2024-01-01', 7 * 24 - 1],
      ['2024-01-08', 7 * 24],
      ['2024-01-15', 6 * 24 + 1],
    ],
  );
});

/** Files read, and rows found, of 20 days. */
async function read(table: string, where: string, params?: Record<string, string | number>): Promise<readonly [files: number, rows: number]> {
  const options = { scheduledTime: SCHEDULED, ...(params ? { params } : {}) };
  const stats = await house.engine.explain(`SELECT * FROM shop.${table} WHERE ${where}`, options);
  const [row] = await house.rows(`SELECT count(*) AS n FROM shop.${table} WHERE ${where}`, options);
  return [stats.filesKept, Number(row?.['n'])];
}

for (const table of ['hits', 'plain', 'zoned', 'dated']) {
  test(`ranges drop the files of ${table}`, async () => {
    const hours = table === 'dated' ? 24 : 1;
    assert.equal(await read(table, "TD_TIME_RANGE(time, '2024-01-03', '2024-01-05')"), [2, 48]);
    assert.equal(await read(table, "TD_TIME_RANGE(time, '2024-01-19')"), [2, 48]);
    assert.equal(await read(table, "TD_TIME_RANGE(time, NULL, '2024-01-02')"), [1, 24]);
    assert.equal(await read(table, "td_interval(time, '-1d')"), [1, 24]);
    assert.equal(await read(table, "TD_TIME_RANGE(time, '2024-01-03 01:00:00', '2024-01-03 02:00:00')"), hours === 24 ? [0, 0] : [1, 1]);
    assert.equal(
      await read(table, "TD_TIME_RANGE(time, TD_TIME_ADD(TD_SCHEDULED_TIME(), '-2d'), TD_SCHEDULED_TIME())"),
      hours === 24 ? [2, 48] : [3, 48],
    );
  });
}

test('zones, views, joins, CTEs and OR keep pruning', async () => {
  assert.equal(await read('hits', "TD_TIME_RANGE(time, '2024-01-03', '2024-01-04', 'JST')"), [2, 24]);
  assert.equal(await read('hits', "time >= TD_TIME_PARSE('2024-01-20')"), [1, 24]);
  assert.equal(await read('hits', "TD_TIME_RANGE(time, '2024-01-03', '2024-01-04') OR TD_TIME_RANGE(time, '2024-01-19', '2024-01-20')"), [2, 48]);
  assert.equal(await read('hits', 'TD_TIME_RANGE(time, $from, $to)', { from: '2024-01-03', to: FIRST + 3 * DAY }), [1, 24]);
  await house.createView('shop.recent', "SELECT * FROM shop.hits WHERE TD_INTERVAL(time, '-3d')");
  assert.equal(await read('recent', 'n % 2 = 0'), [3, 36]);
  const stats = await house.engine.explain(
    "WITH a AS (SELECT * FROM shop.hits WHERE TD_TIME_RANGE(time, '2024-01-03', '2024-01-04')) SELECT * FROM a JOIN shop.plain b ON a.n = b.n AND TD_TIME_RANGE(b.time, '2024-01-03', '2024-01-05')",
  );
  assert.equal(stats.tables.map((t) => t.filesKept).sort(), [1, 2]);
});

const MISTAKES: readonly (readonly [sql: string, place: string, message: RegExp, hint: RegExp])[] = [
  [
    "SELECT 1 FROM shop.hits\nWHERE TD_TIME_RANGE(time, '2024-01-01', 'JST')",
    '2:41',
    /third argument is the end .* time zone 'JST'/,
    /NULL, 'JST'\)/,
  ],
  ["SELECT 1 FROM shop.hits WHERE TD_TIME_RANGE(time, '2024-01-01', 'Asia/Tokyo')", '1:65', /third argument is the end/, /NULL/],
  ["SELECT TD_TIME_RANGE('time', '2024-01-01')", '1:22', /first argument is the time column/, /without quotes/],
  ["SELECT TD_TIME_RANGE(1, '2024-01-32')", '1:25', /cannot read the time '2024-01-32'/, /2026-01-31/],
  ["SELECT TD_TIME_RANGE(1, '2024-01-01', NULL, 'Asia/Tokio')", '1:45', /no time zone 'Asia\/Tokio'/, /Asia\/Tokyo/],
  ['SELECT TD_TIME_RANGE(1)', '1:8', /expected 2 to 4 arguments, found 1/, /TD_TIME_RANGE\(time, start, end/],
  ['SELECT TD_INTERVAL(1, TD_SCHEDULED_TIME())', '1:23', /cannot take TD_SCHEDULED_TIME\(\)/, /'-1d'/],
  ["SELECT TD_INTERVAL(1, '-1 day')", '1:23', /cannot read the interval '-1 day'/, /s m h d w M q y/],
  ['SELECT TD_INTERVAL(time, n) FROM shop.hits', '1:26', /the interval as a constant text, found n/, /-1d/],
  ["SELECT TD_TIME_ADD(0, '1M')", '1:23', /cannot read the duration '1M'/, /no fixed length/],
  ["SELECT TD_TIME_STRING(0, 'day')", '1:26', /codes y q M w d h m s/, /'d!'/],
  ["SELECT TD_TIME_STRING('2024-01-01', 'd')", '1:23', /expected unix seconds or a timestamp, found the text/, /TD_TIME_PARSE/],
  ["SELECT TD_TIME_FORMAT(0, 'yyyy-mm-DD QQ')", '1:26', /has QQ/, /Java/],
  ["SELECT TD_DATE_TRUNC(0, 'day')", '1:22', /the unit as a constant text, found 0/, /unit comes first/],
  ["SELECT TD_DATE_TRUNC('days', 0)", '1:22', /no unit 'days'/, /second minute hour/],
  ['SELECT TD_SCHEDULED_TIME(1)', '1:8', /expected no argument, found 1/, /TD_SCHEDULED_TIME\(\)/],
  ['SELECT TD_TIME_PARSE(5)', '1:22', /expected text, found the number 5/, /no parsing/],
  ['SELECT TD_SESSIONIZE(time, 60, n) FROM shop.hits', '1:8', /TD_SESSIONIZE is not available/, /TD_TIME_RANGE/],
];

for (const [sql, place, message, hint] of MISTAKES) {
  test(`${sql.replace('\n', ' ')} is a mistake`, async () => {
    const error = await refusal(sql);
    assert.ok(error.message.startsWith(`line ${place}: `), error.message);
    assert.match(error.message, message);
    assert.match(error.hint ?? '', hint);
  });
}

test('errors within and behind calls point to where they are', async () => {
  const inside = await refusal("SELECT n FROM shop.hits\nWHERE TD_TIME_RANGE(tiem, '2024-01-01', '2024-01-02')");
  assert.ok(inside.message.startsWith('line 2:21: '), inside.message);
  const behind = await refusal("SELECT TD_TIME_STRING(time, 'd!'), nn FROM shop.hits");
  assert.ok(behind.message.startsWith('line 1:36: '), behind.message);
});

test('a text column is no time', async () => {
  const failed = house.rows("SELECT * FROM (SELECT 'x' AS s) WHERE TD_TIME_RANGE(s, '2024-01-01')");
  await failed.then(
    () => assert.unreachable(),
    (error: unknown) => assert.match(String(error), /TD_TIME_RANGE: expected unix seconds or a timestamp, found VARCHAR/),
  );
});

test('calls within calls are refused before they grow without end', async () => {
  const error = await refusal(`SELECT ${'TD_TIME_ADD('.repeat(500)}time${", '1d')".repeat(500)} FROM shop.hits`);
  assert.match(error.message, /too deeply/);
  const deep = `${"TD_DATE_TRUNC('day', ".repeat(8)}time${", 'America/New_York')".repeat(8)}`;
  const [row] = await house.rows(`SELECT ${deep} AS v FROM shop.hits ORDER BY n LIMIT 1`);
  assert.is(Number(row?.['v']), FIRST - DAY + 5 * 3600);
});

test.run();
