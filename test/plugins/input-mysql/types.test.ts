import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { products, read, startMysqlLab, type MysqlLab } from './lab.js';

const BYTES = '\\x00\\x01\\x0A\\x0D\\x22,\\x5C\\xFF';
const TEXT = `q"u,o'te\\b\r\n\t\0 \u{1F600} é \u2028 end`;
const DIGITS_65 = '12345678901234567890123456789012345.123456789012345678901234567890';

interface Case {
  readonly source: string;
  readonly literal: string;
  readonly type: string;
  /** What DuckDB shows of the value; `rejected`: the text does not fit the type. */
  readonly shown: string | null;
  /** Where the two products differ. */
  readonly mariadb?: { readonly shown: string };
}

const of = (source: string, literal: string, type: string, shown: string | null, mariadb?: string): Case => ({
  source,
  literal,
  type,
  shown,
  ...(mariadb === undefined ? {} : { mariadb: { shown: mariadb } }),
});

const CASES: readonly Case[] = [
  of('TINYINT(1)', '2', 'long', '2'),
  of('BOOLEAN', 'TRUE', 'long', '1'),
  of('TINYINT UNSIGNED', '255', 'long', '255'),
  of('SMALLINT', '-32768', 'long', '-32768'),
  of('MEDIUMINT', '-8388608', 'long', '-8388608'),
  of('INT UNSIGNED ZEROFILL', '42', 'long', '42'),
  of('INT', '-2147483648', 'long', '-2147483648'),
  of('BIGINT', '-9223372036854775808', 'long', '-9223372036854775808'),
  of('BIGINT', '9007199254740993', 'long', '9007199254740993'),
  of('BIGINT UNSIGNED', '18446744073709551615', 'decimal(20,0)', '18446744073709551615'),
  of('DECIMAL(18,4)', '-0.0001', 'decimal(18,4)', '-0.0001'),
  of('DECIMAL(38,10) UNSIGNED', '1234567890123456789012345678.0123456789', 'decimal(38,10)', '1234567890123456789012345678.0123456789'),
  of('DECIMAL(20,0)', '-12345678901234567890', 'decimal(20,0)', '-12345678901234567890'),
  of('DECIMAL(65,30)', DIGITS_65, 'string', DIGITS_65),
  of('FLOAT', '1.23456789', 'double', '1.2345678806304932'),
  of('FLOAT', '16777216', 'double', '16777216.0'),
  of('FLOAT', '3.402823466e38', 'double', '3.4028234663852886e+38'),
  of('DOUBLE', '90.66666666666667', 'double', '90.66666666666667'),
  of('DOUBLE', '5e-324', 'double', '5e-324'),
  of('DOUBLE', '1.7976931348623157e308', 'double', '1.7976931348623157e+308'),
  of('BIT(1)', "b'1'", 'boolean', 'true'),
  of('BIT(9)', '257', 'long', '257'),
  of('BIT(63)', '9223372036854775807', 'long', '9223372036854775807'),
  of('BIT(64)', '18446744073709551615', 'decimal(20,0)', '18446744073709551615'),
  of('DATE', "'2024-02-29'", 'date', '2024-02-29'),
  of('DATE', "'9999-12-31'", 'date', '9999-12-31'),
  of('DATE', "'0000-00-00'", 'date', 'rejected'),
  of('DATE', "'2024-02-00'", 'date', 'rejected'),
  of('DATE', "'0000-05-06'", 'date', 'rejected'),
  of('DATETIME', "'2024-03-31 02:30:00'", 'datetime', '2024-03-31 02:30:00'),
  of('DATETIME(6)', "'9999-12-31 23:59:59.999999'", 'datetime', '9999-12-31 23:59:59.999999'),
  of('DATETIME', "'0000-00-00 00:00:00'", 'datetime', 'rejected'),
  of('DATETIME(3)', "'2024-00-15 00:00:00'", 'datetime', 'rejected'),
  of('TIMESTAMP(6) NULL', "'2024-02-29 23:59:59.123456'", 'timestamp', '2024-02-29 23:59:59.123456+00'),
  of('TIMESTAMP NULL', "'1970-01-01 00:00:01'", 'timestamp', '1970-01-01 00:00:01+00'),
  of('TIMESTAMP NULL', "'0000-00-00 00:00:00'", 'timestamp', 'rejected'),
  of('TIME(6)', "'-838:59:59'", 'string', '-838:59:59.000000'),
  of('TIME', "'24:00:01'", 'string', '24:00:01'),
  of('YEAR', '2155', 'long', '2155'),
  of('YEAR', "'0000'", 'long', '0'),
  of(`ENUM('a','b,"c')`, `'b,"c'`, 'string', 'b,"c'),
  of(`ENUM('a','b')`, "'nope'", 'string', ''),
  of("SET('x','y')", "'y,x'", 'string', 'x,y'),
  of("SET('x','y')", "''", 'string', ''),
  of('JSON', `'{"a": [1, 2.50, "é😀\\\\n"], "b": null}'`, 'json', '{"a": [1, 2.5, "é😀\\n"], "b": null}', '{"a": [1, 2.50, "é😀\\n"], "b": null}'),
  of('JSON', `'"s"'`, 'json', '"s"'),
  of('JSON', `'null'`, 'json', 'null'),
  of('BLOB', "x'00010a0d222c5cff'", 'binary', BYTES),
  of('BLOB', "''", 'binary', ''),
  of('VARBINARY(20)', "x'00010a0d222c5cff'", 'binary', BYTES),
  of('BINARY(4)', "x'6162'", 'binary', 'ab\\x00\\x00'),
  of('TINYBLOB', "x'2c'", 'binary', ','),
  of('TEXT', `_utf8mb4 x'${Buffer.from(TEXT).toString('hex')}'`, 'string', TEXT),
  of('LONGTEXT', "''", 'string', ''),
  of('VARCHAR(50)', "'NULL'", 'string', 'NULL'),
  of('VARCHAR(50)', "'\\\\N'", 'string', '\\N'),
  of('VARCHAR(50)', "'a  '", 'string', 'a  '),
  of('CHAR(5)', "'a  '", 'string', 'a'),
  of('VARCHAR(50) CHARACTER SET latin1', "'é£ÿ€'", 'string', 'é£ÿ€'),
  of('VARCHAR(50) CHARACTER SET utf16', "'é😀'", 'string', 'é😀'),
  of(
    'POINT',
    "ST_GeomFromText('POINT(1 2)')",
    'binary',
    '\\x00\\x00\\x00\\x00\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\xF0?\\x00\\x00\\x00\\x00\\x00\\x00\\x00@',
  ),
];

const ONLY_MARIADB: readonly Case[] = [
  of('UUID', "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", 'string', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'),
  of('INET6', "'2001:db8::ff'", 'string', '2001:db8::ff'),
];

const EXPRESSIONS: readonly (readonly [sql: string, type: string, shown: string | null])[] = [
  ["CONCAT('a', 1)", 'string', 'a1'],
  ['HEX(255)', 'string', 'FF'],
  ["CAST('a' AS BINARY)", 'binary', 'a'],
  ["JSON_OBJECT('a', 1)", 'json', '{"a": 1}'],
  ['COUNT(*)', 'long', '1'],
  ['SUM(n)', 'decimal(32,0)', '7'],
  ['AVG(n)', 'decimal(14,4)', '7.0000'],
  ['n > 1', 'long', '1'],
  ['1.5 * 2', 'decimal(3,1)', '3.0'],
  ['NULL', 'string', null],
  ['1e0 / 3', 'double', '0.3333333333333333'],
  ["TIMESTAMP'2024-01-02 03:04:05.678'", 'datetime', '2024-01-02 03:04:05.678'],
];

for (const [product, start] of Object.entries(products)) {
  let my: MysqlLab;

  test.before(async () => void (my = await startMysqlLab(start)));
  test.after(() => my.stop());

  test(`${product}: every type keeps its value, NULL stays NULL, and what does not fit is rejected`, async () => {
    const cases = product === 'MariaDB' ? [...CASES, ...ONLY_MARIADB] : CASES;
    await my.run(`CREATE TABLE types (id INT PRIMARY KEY, ${cases.map(({ source }, i) => `c${i} ${source}`).join(', ')}) CHARACTER SET utf8mb4`);
    await my.run(`INSERT INTO types VALUES (1, ${cases.map(({ literal }) => literal).join(', ')})`);
    await my.run(`INSERT INTO types (id) VALUES (2)`);
    const { plan, rows } = await read({ ...my.connection, table: 'types' });
    cases.forEach(({ source, literal, type, shown, mariadb }, i) => {
      const value = rows[0]?.[i + 1] ?? null;
      const found = [source, literal, plan.columns[i + 1]?.type, value?.startsWith('\u0000unconverted') ? 'rejected' : value];
      assert.equal(found, [source, literal, type, (product === 'MariaDB' ? mariadb?.shown : undefined) ?? shown]);
    });
    assert.equal(rows[1], ['2', ...cases.map(() => null)]);
  });

  test(`${product}: expressions of a query have the type of their value`, async () => {
    await my.run('CREATE TABLE one (n INT); INSERT INTO one VALUES (7)');
    for (const [sql, type, shown] of EXPRESSIONS) {
      const { plan, rows } = await read({ ...my.connection, query: `SELECT ${sql} AS v FROM one` });
      const kind = (text: string | undefined): string | undefined => text?.replace(/decimal\(\d+/, 'decimal(*');
      assert.equal([sql, kind(plan.columns[0]?.type), rows], [sql, kind(type), [[shown]]]);
    }
  });

  test(`${product}: column_options give single columns another type, by the strict rules of text`, async () => {
    await my.run(`CREATE TABLE opt (id INT PRIMARY KEY, flag TINYINT(1), at DATETIME, day VARCHAR(20), bin BINARY(2), big BIGINT UNSIGNED)`);
    await my.run(
      `INSERT INTO opt VALUES (1, 1, '2024-01-02 03:04:05', '31/12/2024', x'00ff', 7), (2, 2, '2024-01-02 03:04:05', 'x', x'00ff', 18446744073709551615)`,
    );
    const { plan, results, rows } = await read({
      ...my.connection,
      table: 'opt',
      default_timezone: 'Asia/Tokyo',
      column_options: {
        flag: { type: 'boolean' },
        at: { type: 'timestamp' },
        day: { type: 'date', format: '%d/%m/%Y' },
        bin: { type: 'string' },
        big: { value_type: 'long' },
      },
    });
    assert.equal(
      plan.columns.map(({ type }) => type),
      ['long', 'boolean', 'timestamp', 'date', 'string', 'long'],
    );
    assert.equal(rows[0], ['1', 'true', '2024-01-01 18:04:05+00', '2024-12-31', '00ff', '7']);
    assert.equal(results[0]?.unconverted, [2]);
    assert.match(rows[1]?.[1] ?? '', 'unconverted:2');
  });

  test(`${product}: default_column_options and timestamp_format, as in Embulk`, async () => {
    await my.run(`CREATE TABLE shown (i TIMESTAMP, t DATETIME(6), old DATETIME, zero DATETIME, d DATE, n BIGINT, m DECIMAL(10,2), f FLOAT)`);
    await my.run(
      `INSERT INTO shown VALUES ('2015-01-02 20:04:05', '2015-01-02 20:04:05.5', '1800-12-31 20:00:00', '0000-00-00 00:00:00', '2015-01-02', 7, 1.50, 0.5)`,
    );
    const { plan, rows } = await read({
      ...my.connection,
      table: 'shown',
      default_column_options: {
        TIMESTAMP: { type: 'string', timestamp_format: '%Y/%m/%d %H:%M:%S', timezone: '+0900' },
        BIGINT: { type: 'string' },
        decimal: { value_type: 'double' },
      },
      column_options: { d: { type: 'string', timestamp_format: '%d "%b" \\ %Y MM %%' } },
    });
    assert.equal(rows, [
      ['2015/01/03 05:04:05', '2015/01/03 05:04:05', '1801/01/01 05:00:00', '0000/00/00 00:00:00', '02 "Jan" \\ 2015 MM %', '7', '1.5', '0.5'],
    ]);
    assert.equal(
      plan.columns.map(({ type }) => type),
      ['string', 'string', 'string', 'string', 'string', 'string', 'double', 'double'],
    );
    for (const [option, code] of [
      [{ timestamp_format: '%G' }, 'SQL_TIME_FORMAT'],
      [{ timestamp_format: '%Y', timezone: 'Asia/Tokyo' }, 'SQL_TIME_ZONE'],
    ] as const) {
      const error = await read({ ...my.connection, table: 'shown', column_options: { i: { type: 'string', ...option } } }).then(
        () => undefined,
        (thrown: { code: string }) => thrown.code,
      );
      assert.is(error, code);
    }
  });

  test(`${product}: zero dates as NULL are counted and said`, async () => {
    await my.run(`CREATE TABLE zeros (id INT PRIMARY KEY, d DATE, t DATETIME(2))`);
    await my.run(
      `INSERT INTO zeros VALUES (1, '0000-00-00', '2024-01-00 00:00:00'), (2, '2024-01-01', NULL), (3, '2024-00-01', '2024-01-02 00:00:00')`,
    );
    const { rows, results } = await read({ ...my.connection, table: 'zeros', zero_dates: 'null' });
    assert.equal(rows, [
      ['1', null, null],
      ['2', '2024-01-01', null],
      ['3', null, '2024-01-02 00:00:00'],
    ]);
    assert.equal(results[0]?.unconverted, []);
    const rejected = await read({ ...my.connection, table: 'zeros' });
    assert.equal(rejected.results[0]?.unconverted, [1, 3]);
  });
}

test.run();
