import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import pg from 'pg';
import { TestProject } from '../../engine/project.js';
import { startPostgres, type PostgresServer } from '../../servers/postgres.js';
import { assertSparse, sparseLoad, type FitCase } from '../shared/sql-output/fit-cases.js';

const CASES: readonly FitCase[] = [
  { column: 'smallint', type: 'long', kept: ['-32768', '32767'], rejected: ['32768'] },
  {
    column: 'integer',
    type: 'double',
    kept: [
      ['5', '5'],
      ['1e3', '1000'],
    ],
    rejected: ['1.6', '1e300'],
  },
  { column: 'integer', type: 'decimal(10,2)', kept: [['5.00', '5']], rejected: ['5.01'] },
  { column: 'integer', type: 'boolean', kept: [['true', '1']], rejected: [] },
  { column: 'bigint', type: 'decimal(20,0)', kept: ['-9223372036854775808'], rejected: ['9223372036854775808'] },
  { column: 'boolean', type: 'boolean', kept: ['true', 'false'], rejected: [] },
  {
    column: 'numeric(5,2)',
    type: 'decimal(10,4)',
    kept: [
      ['1.2300', '1.23'],
      ['-999.99', '-999.99'],
    ],
    rejected: ['1.239', '1000'],
  },
  { column: 'numeric(5,-2)', type: 'decimal(10,1)', kept: [['1200', '1200']], rejected: ['1234', '0.5', '99999999'] },
  { column: 'numeric(2,4)', type: 'decimal(10,5)', kept: [['0.0012', '0.0012']], rejected: ['0.01', '0.00001'] },
  { column: 'numeric', type: 'decimal(38,10)', kept: ['1234567890123456789012345678.0123456789'], rejected: [] },
  { column: 'numeric', type: 'double', kept: ['0.1'], rejected: ['NaN', '-Infinity'] },
  {
    column: 'real',
    type: 'double',
    kept: ['0.5', '0.1', '-3.4e+38', ['NaN', 'NaN'], ['Infinity', 'Infinity']],
    rejected: ['0.123456789', '16777217', '1e300'],
  },
  { column: 'double precision', type: 'double', kept: ['5e-324', '0.1', '1.7976931348623157e+308', 'NaN', ['-Infinity', '-Infinity']], rejected: [] },
  { column: 'text', type: 'string', kept: ['\\.', '', '\\N', 'a\r\nb', '😀'], rejected: ['a\0b'] },
  { column: 'varchar(3)', type: 'string', kept: ['ab ', '😀😀😀'], rejected: ['abcd'] },
  { column: 'char(3)', type: 'string', kept: ['abc'], rejected: ['ab ', 'abcd'] },
  { column: 'text', type: 'timestamp', kept: [['2024-01-01T00:00:00.5Z', '2024-01-01 00:00:00.5+00']], rejected: [] },
  { column: 'date', type: 'date', kept: ['0001-01-01', '9999-12-31'], rejected: [] },
  { column: 'date', type: 'datetime', kept: [['2024-01-01 00:00:00', '2024-01-01']], rejected: ['2024-01-01 10:00:00'] },
  { column: 'timestamp(0)', type: 'datetime', kept: ['0001-01-01 00:00:00'], rejected: ['2024-01-01 00:00:00.5'] },
  {
    column: 'timestamptz(3)',
    type: 'timestamp',
    kept: [['2024-01-01T00:00:00.123+02:00', '2023-12-31 22:00:00.123+00']],
    rejected: ['2024-01-01T00:00:00.1234Z'],
  },
  { column: 'time(3)', type: 'string', kept: [['12:00:00.5', '12:00:00.5'], '24:00:00'], rejected: ['12:00:00.1234', '24:00:01', 'noon'] },
  { column: 'json', type: 'json', kept: ['{"a": 1, "a": 2.50}'], rejected: [] },
  {
    column: 'jsonb',
    type: 'json',
    kept: ['{"a": {"b": 2.50}}', '[{"k": 1}, {"k": 12345678901234567890.123}]'],
    rejected: ['{"a": 1, "a": 2}', '{"a": {"b": 1, "b": 2}}', '{"a": "\\u0000"}'],
  },
  { column: 'jsonb', type: 'string', kept: ['{"a": 1}'], rejected: ['{bad'] },
  { column: 'mood', type: 'string', kept: ["it's", 'b'], rejected: ['', 'z'] },
  { column: 'uuid', type: 'string', kept: ['00000000-0000-4000-8000-000000000001'], rejected: [] },
  { column: 'text[]', type: 'string', kept: ['{a,b}'], rejected: [] },
  {
    column: 'int[]',
    type: 'json',
    kept: [
      ['[1, -2, null]', '{1,-2,NULL}'],
      ['[ ]', '{}'],
      ['[2147483647]', '{2147483647}'],
    ],
    rejected: ['[2147483648]', '[1.5]', '["1"]', '[[1]]', '1', '{"a": 1}', '[true]'],
  },
  {
    column: 'text[]',
    type: 'json',
    kept: [
      ['["a,b", "", "null", null, " x "]', '{"a,b","","null",NULL," x "}'],
      [String.raw`["q\"", "b\\s"]`, String.raw`{"q\"","b\\s"}`],
      [String.raw`["\u00e9{}", "\\n", "\"\t"]`, `{"é{}","\\\\n","\\"\t"}`],
    ],
    rejected: [String.raw`["\u0000"]`, '[1]', '[["a"]]'],
  },
  { column: 'numeric[]', type: 'json', kept: [['[1.10, 12345678901234567890.123]', '{1.10,12345678901234567890.123}']], rejected: ['["x"]'] },
  { column: 'short', type: 'string', kept: ['ab'], rejected: ['abc'] },
];

let server: PostgresServer;
const test = suite<{ client: pg.Client; project: TestProject }>('what fits, PostgreSQL');
test.before(async () => {
  server = await startPostgres();
});
test.after(() => server.stop());
test.before.each(async (bench) => {
  bench.client = new pg.Client(await server.createDatabase());
  await bench.client.connect();
  bench.project = new TestProject();
});
test.after.each(async (bench) => {
  await bench.client.end();
  bench.project.remove();
});

type Bench = Parameters<Parameters<typeof test>[1]>[0];

async function load({ client, project }: Bench, out: string, columns: string, more = '') {
  project.write(
    'load.yml',
    `in:
  type: file
  path_prefix: data/
  parser: {type: csv, skip_header_lines: 1, columns: [${columns}]}
${more}
out: {type: postgresql, host: 127.0.0.1, port: ${server.port}, user: ${server.user}, password: {env: PGPASSWORD_TEST}, database: ${client.database ?? ''}, ${out}}`,
  );
  const { code, stdout, stderr } = await project.sluice(['run', 'load.yml', '--json'], { env: { PGPASSWORD_TEST: server.password } });
  return { code, told: stdout + stderr };
}

async function texts({ client }: Bench, sql: string): Promise<(string | null)[][]> {
  const result = await client.query({
    text: sql,
    rowMode: 'array',
    types: { getTypeParser: () => (text: string | Buffer) => String(text) } as never,
  });
  return result.rows as (string | null)[][];
}

test('each value arrives as it is, or its row is rejected', async (bench) => {
  const cases = sparseLoad(CASES, (name) => `"${name}"`);
  await bench.client.query(`CREATE TYPE mood AS ENUM ('it''s', 'b'); CREATE DOMAIN short AS varchar(2); CREATE TABLE t (${cases.table})`);
  bench.project.write('data/1.csv', cases.csv);
  const end = await load(bench, 'table: t, mode: append', cases.columns, 'exec: {max_rejects: 1000}');
  assert.is(end.code, 0, end.told);
  const rejects = await bench.project.query<{ record: string; column: string }>(
    'SELECT record_number AS record, column_name AS "column" FROM sluice_rejects.load',
  );
  const shown = CASES.map(({ column }, i) => (column === 'boolean' ? `c${i}::text` : `c${i}`));
  assertSparse(
    cases,
    await texts(bench, `SELECT id, ${shown.join(', ')} FROM t`),
    rejects.map(({ record, column }) => ({ record: String(record), column })),
  );
});

test('years BC, infinity and bytes arrive as they are', async (bench) => {
  bench.project.write('data/1.csv', 'id\n1\n2\n3\n');
  const query = `SELECT id, CASE id WHEN 1 THEN '0044-03-15 (BC)'::DATE WHEN 2 THEN '-infinity'::DATE ELSE '12024-01-01'::DATE END AS d,
    CASE id WHEN 1 THEN '0044-03-15 (BC) 10:00:00.5'::TIMESTAMP WHEN 2 THEN 'infinity'::TIMESTAMP ELSE '0001-01-01'::TIMESTAMP END AS t,
    CASE id WHEN 1 THEN '0044-03-15 (BC) 10:00:00'::TIMESTAMPTZ WHEN 2 THEN '-infinity'::TIMESTAMPTZ END AS z,
    CASE id WHEN 1 THEN ''::BLOB WHEN 2 THEN from_hex('00ff5c') END AS b FROM input`;
  const filters = `filters:\n  - type: sql\n    query: |\n      ${query.replaceAll('\n', '\n      ')}`;
  const end = await load(bench, 'table: t, mode: append', '{name: id, type: long}', filters);
  assert.is(end.code, 0, end.told);
  await bench.client.query("SET datestyle = 'ISO'; SET timezone = 'UTC'");
  assert.equal(await texts(bench, 'SELECT d, t, z, b FROM t ORDER BY id'), [
    ['0044-03-15 BC', '0044-03-15 10:00:00.5 BC', '0044-03-15 10:00:00+00 BC', '\\x'],
    ['-infinity', 'infinity', '-infinity', '\\x00ff5c'],
    ['12024-01-01', '0001-01-01 00:00:00', null, null],
  ]);
});

test('NULL is rejected where the column must have a value; identity and generated columns', async (bench) => {
  await bench.client.query(
    'CREATE TABLE t (id bigint GENERATED BY DEFAULT AS IDENTITY, a int NOT NULL DEFAULT 7, twice int GENERATED ALWAYS AS (a * 2) STORED); CREATE TABLE u (id bigint GENERATED ALWAYS AS IDENTITY, a int)',
  );
  bench.project.write('data/1.csv', 'id,a\n5,1\n,1\n6,\n');
  const columns = '{name: id, type: long}, {name: a, type: long}';
  const end = await load(bench, 'table: t, mode: append', columns, 'exec: {max_rejects: 2}');
  assert.is(end.code, 0, end.told);
  assert.equal(await texts(bench, 'SELECT * FROM t'), [['5', '1', '2']]);
  const always = await load(bench, 'table: u, mode: append', columns);
  assert.is(always.code, 2);
  assert.match(always.told, 'TARGET_GENERATED');
});

test('column_options: types in the words of the server, texts of times, zones', async (bench) => {
  bench.project.write('data/1.csv', 'id,v,at,moment\n1,abc,2024-01-01T00:00:00.5Z,2024-01-01T00:00:00Z\n2,abcd,,\n');
  const options = `{id: {type: INT NOT NULL}, v: {type: "VARCHAR(3)"}, at: {value_type: string, timestamp_format: "%Y/%m/%d %H:%M:%S.%3N %z", timezone: "+0900"}, moment: {type: "timestamp(0)", timezone: Asia/Tokyo}}`;
  const end = await load(
    bench,
    `table: t, mode: append, column_options: ${options}`,
    '{name: id, type: long}, {name: v, type: string}, {name: at, type: timestamp}, {name: moment, type: timestamp}',
    'exec: {max_rejects: 1}',
  );
  assert.is(end.code, 0, end.told);
  assert.equal(await texts(bench, 'SELECT * FROM t'), [['1', 'abc', '2024/01/01 09:00:00.500 +0900', '2024-01-01 09:00:00']]);
  const unknown = await load(bench, 'table: t, mode: append, default_timezone: Mars/Olympus', '{name: id, type: long}, {name: at, type: timestamp}');
  assert.is(unknown.code, 2);
  assert.match(unknown.told, 'UNKNOWN_TIMEZONE');
  assert.match(unknown.told, 'Asia/Tokyo');
});

test('names with capitals, quotes and unicode; a schema; a thousand columns; no rows', async (bench) => {
  await bench.client.query('CREATE SCHEMA "Größe ""1"""');
  const wide = Array.from({ length: 1000 }, (_, i) => `C "${i}" ü`);
  bench.project.write('data/1.csv', `${wide.join(',')}\n`);
  const columns = wide.map((name) => `{name: ${JSON.stringify(name)}, type: long}`).join(', ');
  const out = `schema: 'Größe "1"', table: '"My.Table ''x"', mode: append`;
  const none = await load(bench, out, columns);
  assert.is(none.code, 0, none.told);
  assert.equal(await texts(bench, `SELECT count(*) FROM "Größe ""1"""."My.Table 'x"`), [['0']]);
  bench.project.write('data/2.csv', `${wide.join(',')}\n${wide.map((_, i) => i).join(',')}\n`);
  const one = await load(bench, out, columns);
  assert.is(one.code, 0, one.told);
  assert.equal(await texts(bench, `SELECT "C ""999"" ü" FROM "Größe ""1"""."My.Table 'x"`), [['999']]);
  assert.equal(await texts(bench, `SELECT count(*) FROM "Größe ""1""".sluice_ledger`), [['2']]);
});

test('truncate where other tables reference the rows; replace names what depends', async (bench) => {
  await bench.client.query(
    'CREATE TABLE t (id bigint PRIMARY KEY); INSERT INTO t VALUES (9); CREATE TABLE child (id bigint REFERENCES t); CREATE VIEW v AS SELECT id FROM t',
  );
  bench.project.write('data/1.csv', 'id\n1\n');
  const end = await load(bench, 'table: t, mode: truncate', '{name: id, type: long}');
  assert.is(end.code, 0, end.told);
  assert.equal(await texts(bench, 'SELECT id FROM t'), [['1']]);
  const refused = await load(bench, 'table: t, mode: replace', '{name: id, type: long}');
  assert.is(refused.code, 2);
  assert.match(refused.told, /TARGET_DEPENDENTS.*view v.*foreign key child_id_fkey of child/);
  assert.match(refused.told, 'mode truncate');
  await bench.client.query('DROP TABLE child');
  const one = await load(bench, 'table: t, mode: replace', '{name: id, type: long}');
  assert.match(one.told, 'cannot be replaced: it is needed by view v');
});

test('merge deletes the rows that are marked', async (bench) => {
  await bench.client.query('CREATE TABLE t (id bigint PRIMARY KEY, n int NOT NULL); INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)');
  bench.project.write('data/1.csv', 'id,n,gone\n1,10,false\n2,,true\n4,99999999999,true\n5,5,\n');
  const end = await load(
    bench,
    'table: t, mode: merge, delete_column: gone',
    '{name: id, type: long}, {name: n, type: long}, {name: gone, type: boolean}',
  );
  assert.is(end.code, 0, end.told);
  assert.equal(await texts(bench, 'SELECT * FROM t ORDER BY id'), [
    ['1', '10'],
    ['3', '3'],
    ['5', '5'],
  ]);
});

test.run();
