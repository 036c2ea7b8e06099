import { readFile } from 'node:fs/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { describeTypes } from '../../../src/plugins/input-postgresql/types.js';
import { read, startPgLab, type PgLab } from './lab.js';

let pg: PgLab;
test.before(async () => void (pg = await startPgLab()));
test.after(() => pg.stop());

/** Type at the source, literal, Sluice type, and what DuckDB shows; `rejected` = the text does not fit the type. */
const CASES: readonly (readonly [source: string, literal: string, type: string, shown: string | null])[] = [
  ['boolean', 'true', 'boolean', 'true'],
  ['boolean', 'false', 'boolean', 'false'],
  ['smallint', '-32768', 'long', '-32768'],
  ['integer', '2147483647', 'long', '2147483647'],
  ['bigint', '9007199254740993', 'long', '9007199254740993'],
  ['bigint', '-9223372036854775808', 'long', '-9223372036854775808'],
  ['oid', '4294967295', 'long', '4294967295'],
  ['real', '0.1', 'double', '0.1'],
  ['real', '3.4028235e38', 'double', '3.4028235e+38'],
  ['double precision', '0.1', 'double', '0.1'],
  ['double precision', '5e-324', 'double', '5e-324'],
  ['double precision', '90.66666666666667', 'double', '90.66666666666667'],
  ['double precision', "'NaN'", 'double', 'nan'],
  ['double precision', "'-Infinity'", 'double', '-inf'],
  ['numeric(10,2)', '-12345678.90', 'decimal(10,2)', '-12345678.90'],
  ['numeric(38,10)', '1234567890123456789012345678.0123456789', 'decimal(38,10)', '1234567890123456789012345678.0123456789'],
  ['numeric(10,2)', "'NaN'", 'decimal(10,2)', 'rejected'],
  ['numeric(3,-2)', '12300', 'decimal(5,0)', '12300'],
  ['numeric(2,5)', '0.00012', 'decimal(5,5)', '.00012'],
  ['numeric', '123456789012345678901234567890123456789012345.678', 'string', '123456789012345678901234567890123456789012345.678'],
  ['numeric', "'Infinity'", 'string', 'Infinity'],
  ['numeric(50,5)', '1.50000', 'string', '1.50000'],
  ['money', "'-92233720368547758.08'", 'decimal(19,2)', '-92233720368547758.08'],
  ['text', "''", 'string', ''],
  ['text', "'NULL'", 'string', 'NULL'],
  ['text', String.raw`'\N'`, 'string', String.raw`\N`],
  ['text', String.raw`'\.'`, 'string', String.raw`\.`],
  ['text', `E'a"b,c\\nd\\r\\ne\\tf'`, 'string', 'a"b,c\nd\r\ne\tf'],
  ['text', "'日本語 ünï \u{1F680}'", 'string', '日本語 ünï \u{1F680}'],
  ['varchar(5)', "'a  '", 'string', 'a  '],
  ['char(5)', "'a'", 'string', 'a    '],
  ['"char"', "'x'", 'string', 'x'],
  ['name', "'n'", 'string', 'n'],
  ['bytea', String.raw`'\x00ff5c0a'`, 'binary', String.raw`\x00\xFF\x5C\x0A`],
  ['bytea', "''", 'binary', ''],
  ['date', "'2024-02-29'", 'date', '2024-02-29'],
  ['date', "'0001-01-01'", 'date', '0001-01-01'],
  ['date', "'infinity'", 'date', 'rejected'],
  ['date', "'0044-03-15 BC'", 'date', 'rejected'],
  ['date', "'10000-01-01'", 'date', 'rejected'],
  ['timestamp', "'2024-03-31 02:30:00.123456'", 'datetime', '2024-03-31 02:30:00.123456'],
  ['timestamp(0)', "'9999-12-31 23:59:59'", 'datetime', '9999-12-31 23:59:59'],
  ['timestamp', "'-infinity'", 'datetime', 'rejected'],
  ['timestamp', "'0044-03-15 12:00:00 BC'", 'datetime', 'rejected'],
  ['timestamptz', "'2024-03-10 02:30:00-08'", 'timestamp', '2024-03-10 10:30:00+00'],
  ['timestamptz', "'2024-12-31 23:59:59.999999+00'", 'timestamp', '2024-12-31 23:59:59.999999+00'],
  ['timestamptz', "'infinity'", 'timestamp', 'rejected'],
  ['timestamptz', "'0044-03-15 12:00:00+00 BC'", 'timestamp', 'rejected'],
  ['time', "'24:00:00'", 'string', '24:00:00'],
  ['time(3)', "'13:45:00.5'", 'string', '13:45:00.5'],
  ['timetz', "'13:45:00+05:30'", 'string', '13:45:00+05:30'],
  ['interval', "'1 year 2 mons 3 days 04:05:06.5'", 'string', 'P1Y2M3DT4H5M6.5S'],
  ['interval', "'-1 day'", 'string', 'P-1D'],
  ['json', `'{"a": 1.50,  "b":[12345678901234567890.123]}'`, 'json', '{"a": 1.50,  "b":[12345678901234567890.123]}'],
  ['jsonb', `'{"b": 1.50, "a": null}'`, 'json', '{"a": null, "b": 1.50}'],
  ['jsonb', `'null'`, 'json', 'null'],
  ['json', `'"\\ud800"'`, 'json', 'rejected'],
  ['uuid', "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", 'string', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'],
  ['mood', "'so so'", 'string', 'so so'],
  ['percent', '12.50', 'decimal(5,2)', '12.50'],
  ['email', "'a@b.c'", 'string', 'a@b.c'],
  ['address', `ROW('Main, "St"', 12, NULL)`, 'json', '{"street":"Main, \\"St\\"","no":12,"extra":null}'],
  ['hstore', `'a=>1, "b c"=>NULL'`, 'json', '{"a": "1", "b c": null}'],
  ['integer[]', "'{1,NULL,-3}'", 'json', '[1,null,-3]'],
  ['integer[][]', "'{{1,2},{3,4}}'", 'json', '[[1,2],[3,4]]'],
  ['numeric[]', "'{1.10,12345678901234567890.123,NaN}'", 'json', '[1.10,12345678901234567890.123,"NaN"]'],
  ['text[]', `'{"a,b","NULL",NULL,""}'`, 'json', '["a,b","NULL",null,""]'],
  ['timestamptz[]', "'{2024-01-01 00:00:00+09}'", 'json', '["2023-12-31T15:00:00+00:00"]'],
  ['mood[]', "'{happy}'", 'json', '["happy"]'],
  ['int4range', "'[1,10)'", 'string', '[1,10)'],
  ['int4multirange', "'{[1,3),[5,7)}'", 'string', '{[1,3),[5,7)}'],
  ['inet', "'192.168.0.1/24'", 'string', '192.168.0.1/24'],
  ['cidr', "'10.0.0.0/8'", 'string', '10.0.0.0/8'],
  ['macaddr', "'08:00:2b:01:02:03'", 'string', '08:00:2b:01:02:03'],
  ['xml', "'<a>1</a>'", 'string', '<a>1</a>'],
  ['tsvector', "'fat:2 cat:3'::tsvector", 'string', "'cat':3 'fat':2"],
  ['bit(4)', "B'0101'", 'string', '0101'],
  ['varbit', "B'1'", 'string', '1'],
  ['point', "'(1.5,-2)'", 'string', '(1.5,-2)'],
  ['pg_lsn', "'16/B374D848'", 'string', '16/B374D848'],
  ['int2vector', "'1 2'", 'string', '1 2'],
];

test('every type has its stated result', async () => {
  await pg.client.query(`
    create extension hstore; create type mood as enum ('happy', 'so so'); create domain percent as numeric(5,2) check (value <= 100);
    create domain email as text; create type address as (street text, no int, extra text);
    create table kinds (${CASES.map(([source], i) => `c${i} ${source}`).join(', ')});
    insert into kinds values (${CASES.map(([, literal]) => literal).join(', ')});
    insert into kinds default values`);
  const { plan, results, rows } = await read({ ...pg.connection, table: 'kinds' });
  const failures: string[] = [];
  CASES.forEach(([source, literal, type, shown], i) => {
    const value = rows[0]?.[i] ?? null;
    const found = value?.startsWith('\0unconverted:') === true ? 'rejected' : value;
    if (plan.columns[i]?.type !== type) failures.push(`${source}: type ${plan.columns[i]?.type} instead of ${type}`);
    if (found !== shown) failures.push(`${source} ${literal}: ${JSON.stringify(found)} instead of ${JSON.stringify(shown)}`);
    if (rows[1]?.[i] !== null) failures.push(`${source}: NULL became ${JSON.stringify(rows[1]?.[i])}`);
  });
  assert.equal(failures, []);
  assert.equal(results[0]?.verdict.read, 2);
  assert.ok(plan.notes.some((note) => note.includes('numeric') && note.includes('decimal(38,10)')));
});

test('column_options read a value as another type', async () => {
  await pg.client.query(`create table options (n numeric, t timestamp, j jsonb, a int[], b boolean, i timestamptz, m money, d date);
    insert into options values (1.5, '2024-01-01 09:00', '{"a":1}', '{1,2}', true, '2024-01-01 00:00+00', 12.5, 'infinity')`);
  const { plan, rows } = await read({
    ...pg.connection,
    table: 'options',
    column_options: {
      n: { type: 'decimal(38,10)' },
      t: { type: 'timestamp', timezone: 'Asia/Tokyo' },
      j: { type: 'string' },
      a: { type: 'string' },
      b: { type: 'long' },
      i: { value_type: 'string' },
      m: { type: 'double' },
      d: { type: 'string' },
    },
  });
  assert.equal(
    plan.columns.map(({ type }) => type),
    ['decimal(38,10)', 'timestamp', 'string', 'string', 'long', 'string', 'double', 'string'],
  );
  assert.equal(rows, [['1.5000000000', '2024-01-01 00:00:00+00', '{"a": 1}', '{1,2}', '1', '2024-01-01 00:00:00+00', '12.5', 'infinity']]);
});

test('default_column_options go by the type at the source', async () => {
  await pg.client.query(`create table by_type (n numeric, o numeric); insert into by_type values (1.5, 2.5)`);
  const { plan } = await read({
    ...pg.connection,
    table: 'by_type',
    default_column_options: { NUMERIC: { type: 'double' } },
    column_options: { o: { type: 'decimal(10,1)' } },
  });
  assert.equal(
    plan.columns.map(({ type }) => type),
    ['double', 'decimal(10,1)'],
  );
});

test('timestamp_format writes text in a zone, as in Embulk', async () => {
  await pg.client.query(
    `create table shown (i timestamptz, t timestamp, d date, n bigint); insert into shown values ('2015-01-02 20:04:05.5+00', '2015-01-02 20:04:05.5', '2015-01-02', 7)`,
  );
  const { rows } = await read({
    ...pg.connection,
    table: 'shown',
    default_timezone: 'UTC',
    default_column_options: { TIMESTAMP: { type: 'string', timestamp_format: '%Y/%m/%d %H:%M:%S', timezone: '+0900' }, BIGINT: { type: 'string' } },
    column_options: { d: { type: 'string', timestamp_format: '%d "%b" \\ %Y MM' } },
  });
  assert.equal(rows, [['2015/01/03 05:04:05', '2015/01/03 05:04:05', '02 "Jan" \\ 2015 MM', '7']]);
  const zoned = await read({
    ...pg.connection,
    query: 'select i from shown',
    column_options: { i: { type: 'string', timestamp_format: '%H:%M:%S.%6N%%', timezone: 'America/New_York' } },
  });
  assert.equal(zoned.rows, [['15:04:05.500000%']]);
  const error = await read({
    ...pg.connection,
    query: 'select i from shown',
    column_options: { i: { type: 'string', timestamp_format: '%G' } },
  }).then(
    () => undefined,
    (e: unknown) => e as { code: string; hint: string },
  );
  assert.is(error?.code, 'SQL_TIME_FORMAT');
  assert.match(error?.hint ?? '', /to_char/);
});

test('the docs list the types as the code maps them', async () => {
  const page = await readFile('docs/connectors/postgresql.md', 'utf8');
  assert.ok(page.includes(describeTypes()), `docs/connectors/postgresql.md must hold this table:\n\n${describeTypes()}\n`);
});

test.run();
