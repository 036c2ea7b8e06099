import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startMariadb } from '../../servers/mariadb.js';
import { startMysql } from '../../servers/mysql.js';
import type { MysqlServer } from '../../servers/mysql-family.js';
import { assertSparse, sparseLoad, type FitCase } from '../shared/sql-output/fit-cases.js';
import { MysqlBench } from './bench.js';

const CASES: readonly FitCase[] = [
  { column: 'tinyint', type: 'long', kept: ['-128', '127'], rejected: ['128', '-129'] },
  {
    column: 'tinyint(1)',
    type: 'boolean',
    kept: [
      ['true', '1'],
      ['false', '0'],
    ],
    rejected: [],
  },
  { column: 'varchar(5)', type: 'boolean', kept: ['true'], rejected: [] },
  { column: 'tinyint unsigned', type: 'long', kept: ['0', '255'], rejected: ['-1', '256'] },
  { column: 'mediumint', type: 'long', kept: ['8388607'], rejected: ['8388608'] },
  { column: 'int unsigned', type: 'long', kept: ['4294967295'], rejected: ['4294967296'] },
  { column: 'bigint unsigned', type: 'decimal(20,0)', kept: ['18446744073709551615'], rejected: ['18446744073709551616', '-1'] },
  { column: 'bigint', type: 'long', kept: ['-9223372036854775808', '9223372036854775807'], rejected: [] },
  {
    column: 'int',
    type: 'double',
    kept: [
      ['5', '5'],
      ['-0', '0'],
      ['1e3', '1000'],
    ],
    rejected: ['1.6', '1e300'],
  },
  { column: 'int', type: 'decimal(10,2)', kept: [['5.00', '5']], rejected: ['5.01'] },
  {
    column: 'decimal(5,2)',
    type: 'decimal(10,4)',
    kept: [
      ['1.2300', '1.23'],
      ['-999.99', '-999.99'],
    ],
    rejected: ['1.239', '1000', '-1000.5'],
  },
  {
    column: 'decimal(65,30)',
    type: 'decimal(38,10)',
    kept: [['1234567890123456789012345678.0123456789', '1234567890123456789012345678.012345678900000000000000000000']],
    rejected: [],
  },
  {
    column: 'decimal(30,0)',
    type: 'decimal(38,10)',
    kept: [['1234567890123456789012345678', '1234567890123456789012345678']],
    rejected: ['1234567890123456789012345678.5'],
  },
  { column: 'decimal(10,2)', type: 'double', kept: [['1.25', '1.25']], rejected: ['1.255', '1e9'] },
  { column: 'decimal(5,2)', type: 'long', kept: [['-999', '-999.00']], rejected: ['1000', '-9223372036854775808'] },
  { column: 'float', type: 'double', kept: ['0.5'], rejected: ['0.1', '16777217', '1e300'] },
  {
    column: 'double',
    type: 'double',
    kept: ['5e-324', '0.1', ['90.66666666666667', '90.66666666666667'], '1.7976931348623157e308'],
    rejected: ['NaN', 'Infinity'],
  },
  { column: 'double', type: 'long', kept: [['9007199254740992', '9.007199254740992e15']], rejected: ['9007199254740993'] },
  { column: 'char(3)', type: 'string', kept: ['abc', '', '😀'], rejected: ['ab ', 'abcd'] },
  { column: 'varchar(3)', type: 'string', kept: ['ab ', '😀😀😀', 'a\nb', '"\\"'], rejected: ['abcd'] },
  { column: 'varchar(9) character set latin1', type: 'string', kept: ['é'], rejected: ['€', '日'] },
  { column: 'varchar(9) character set utf8', type: 'string', kept: ['é漢'], rejected: ['😀'] },
  { column: 'varchar(9) character set ascii', type: 'string', kept: ['a~'], rejected: ['é'] },
  { column: 'tinytext', type: 'string', kept: ['é'.repeat(127)], rejected: ['é'.repeat(128)] },
  { column: 'tinytext character set latin1', type: 'string', kept: ['é'.repeat(255)], rejected: ['é'.repeat(256)] },
  { column: 'varchar(40)', type: 'timestamp', kept: [['2024-01-01T00:00:00.5Z', '2024-01-01 00:00:00.5']], rejected: [] },
  { column: 'varchar(4)', type: 'long', kept: ['1234'], rejected: ['12345'] },
  { column: 'date', type: 'date', kept: ['0001-01-01', '9999-12-31'], rejected: [] },
  { column: 'date', type: 'datetime', kept: [['2024-01-01 00:00:00', '2024-01-01']], rejected: ['2024-01-01 10:00:00'] },
  { column: 'datetime', type: 'date', kept: [['2024-01-01', '2024-01-01 00:00:00']], rejected: [] },
  { column: 'datetime', type: 'datetime', kept: ['0001-01-01 00:00:00', '9999-12-31 23:59:59'], rejected: ['2024-01-01 00:00:00.5'] },
  { column: 'datetime(3)', type: 'datetime', kept: [['2024-01-01 00:00:00.12', '2024-01-01 00:00:00.120']], rejected: ['2024-01-01 00:00:00.1234'] },
  { column: 'datetime(6)', type: 'timestamp', kept: [['1900-01-01T00:00:00.999999+02:00', '1899-12-31 22:00:00.999999']], rejected: [] },
  {
    column: 'timestamp(6) null',
    type: 'timestamp',
    kept: [
      ['1970-01-01T00:00:01Z', '1970-01-01 00:00:01.000000'],
      ['2038-01-19T03:14:07.999999Z', '2038-01-19 03:14:07.999999'],
    ],
    rejected: ['1970-01-01T00:00:00Z', '2039-01-01T00:00:00Z'],
  },
  { column: 'time', type: 'string', kept: ['-838:59:59', '12:00:00'], rejected: ['839:00:00', '12:00:00.5', '12:61:00', 'noon', ''] },
  { column: 'time(3)', type: 'string', kept: [['12:00:00.5', '12:00:00.500']], rejected: ['12:00:00.1234'] },
  { column: 'year', type: 'long', kept: ['1901', '2155'], rejected: ['24', '0', '2156'] },
  { column: "enum('a','b''c','1')", type: 'string', kept: ['a', "b'c", '1'], rejected: ['', 'z', '2', 'A'] },
  { column: "set('x','y')", type: 'string', kept: ['x,y', ''], rejected: ['y,x', 'x,q', 'x,x'] },
  {
    column: 'bit(8)',
    type: 'long',
    kept: [
      ['255', '255'],
      ['0', '0'],
    ],
    rejected: ['256', '-1'],
  },
  { column: 'bit(1)', type: 'boolean', kept: [['true', '1']], rejected: [] },
  { column: 'bit(64)', type: 'decimal(20,0)', kept: ['18446744073709551615'], rejected: ['18446744073709551616'] },
  { column: 'json', type: 'string', kept: [['{"a": 1}', '{"a": 1}']], rejected: ['{bad', ''] },
];

const EXACT_JSON = ['{"a": [1.10, 12345678901234567890.123]}', '{"a": 1, "a": 2}'];
const NORMAL_JSON = ['{"a": {"b": [0.30000000000000004, 18446744073709551615, "1234567890123456.7890"]}}', '"\\u00e9"', '[{"k": 1}, {"k": 2}]'];

for (const start of [startMysql, startMariadb]) {
  const isMysql = start === startMysql;
  let server: MysqlServer;
  const test = suite<{ bench: MysqlBench }>(`what fits, ${isMysql ? 'MySQL' : 'MariaDB'}`);
  test.before(async () => {
    server = await start();
  });
  test.after(() => server.stop());
  test.before.each(async (context) => {
    context.bench = await MysqlBench.open(server);
  });
  test.after.each(({ bench }) => bench.close());

  const json: FitCase = isMysql
    ? {
        column: 'json',
        type: 'json',
        kept: NORMAL_JSON.map((text) => (text.startsWith('"') ? ([text, '"é"'] as const) : text)),
        rejected: [...EXACT_JSON, '{"a": {"b": 1, "b": 2}}', '{"a": 18446744073709551616}', '{"a": 0.10000000000000001}'],
      }
    : { column: 'json', type: 'json', kept: [...NORMAL_JSON, ...EXACT_JSON], rejected: [] };

  for (const localInfile of [true, false]) {
    test(`each value arrives as it is, or its row is rejected (${localInfile ? 'LOAD DATA' : 'INSERT'})`, async ({ bench }) => {
      await bench.exec(`SET GLOBAL local_infile = ${localInfile ? 1 : 0}`);
      const load = sparseLoad([...CASES, json], (name) => `\`${name}\``);
      await bench.exec(`CREATE TABLE t (${load.table}) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`);
      bench.config('table: t\n  mode: append', load.columns, { more: 'exec: {max_rejects: 1000}' });
      bench.project.write('data/1.csv', load.csv);
      const end = await bench.run();
      assert.is(end.code, 0, end.told);
      const shown = [...CASES, json].map(({ column }, i) =>
        column.startsWith('bit') ? `c${i}+0` : /^(double|json)/.test(column) ? `CAST(c${i} AS CHAR)` : `c${i}`,
      );
      const rejects = await bench.project.query<{ record: string; column: string }>(
        'SELECT record_number AS record, column_name AS "column" FROM sluice_rejects.load',
      );
      assertSparse(
        load,
        await bench.rows(`SELECT id, ${shown.join(', ')} FROM t`),
        rejects.map(({ record, column }) => ({ record: String(record), column })),
      );
      await bench.exec('SET GLOBAL local_infile = 1');
    });
  }

  test('NULL is rejected where the column has to have a value, also where the server would make one up', async ({ bench }) => {
    await bench.exec(
      'CREATE TABLE t (id bigint AUTO_INCREMENT PRIMARY KEY, a int NOT NULL DEFAULT 7, at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP, twice int AS (a * 2) VIRTUAL)',
    );
    bench.config('table: t\n  mode: append', '{name: id, type: long}, {name: a, type: long}, {name: at, type: timestamp}', {
      more: 'exec: {max_rejects: 3}',
    });
    bench.project.write('data/1.csv', 'id,a,at\n0,1,2024-01-01T00:00:00Z\n,1,2024-01-01T00:00:00Z\n2,,2024-01-01T00:00:00Z\n3,1,\n');
    const end = await bench.run();
    assert.is(end.code, 0, end.told);
    assert.is(end.summary?.rejected, 3);
    assert.equal(await bench.rows('SELECT id, a, at, twice FROM t'), [['0', '1', '2024-01-01 00:00:00', '2']]);
    bench.config('table: t\n  mode: append', '{name: id, type: long}, {name: twice, type: long}');
    const generated = await bench.run();
    assert.is(generated.code, 2);
    assert.match(generated.told, 'TARGET_GENERATED');
  });

  test('binary, and texts of every kind, come back byte for byte', async ({ bench }) => {
    const parts = ['\\N', 'NULL', '"', ',', '\n', '\r\n', '\\', "'", '\t', '\0', 'é', '😀', ' ', '%', '\\.', ''];
    const texts = parts.flatMap((a) => parts.map((b) => a + b));
    const field = (text: string): string => `"${text.replaceAll('"', '""')}"`;
    bench.project.write('data/1.csv', `id,t\n${texts.map((text, i) => `${i},${field(text)}\n`).join('')}`);
    for (const localInfile of [1, 0]) {
      await bench.exec(`SET GLOBAL local_infile = ${localInfile}; DROP TABLE IF EXISTS t`);
      bench.config('table: t\n  mode: truncate', '{name: id, type: long}, {name: t, type: string}', {
        more: "filters:\n  - {type: sql, query: 'SELECT id, t, encode(t) AS b FROM input'}",
      });
      const end = await bench.run();
      assert.is(end.code, 0, end.told);
      const found = await bench.rows('SELECT id, HEX(t), HEX(b) FROM t ORDER BY id');
      assert.equal(
        found,
        texts.map((text, i) => {
          const hex = Buffer.from(text).toString('hex').toUpperCase();
          return [String(i), hex, hex];
        }),
      );
    }
    await bench.exec('SET GLOBAL local_infile = 1');
  });

  test('a row that the server leaves out ends the load', async ({ bench }) => {
    await bench.exec('CREATE TABLE t (id bigint PRIMARY KEY)');
    for (const localInfile of [1, 0]) {
      await bench.exec(`SET GLOBAL local_infile = ${localInfile}`);
      bench.config('table: t\n  mode: append', '{name: id, type: long}');
      bench.project.write('data/1.csv', 'id\n1\n1\n2\n');
      const end = await bench.run();
      assert.is.not(end.code, 0);
      assert.match(end.told, localInfile === 1 ? /TARGET_CHANGED_VALUES.*1 rows were left out.*Duplicate entry/s : /SQL_VALUE.*Duplicate entry/s);
      assert.equal(await bench.rows('SELECT count(*) FROM t'), [['0']]);
    }
    await bench.exec('SET GLOBAL local_infile = 1');
  });

  test.run();
}
