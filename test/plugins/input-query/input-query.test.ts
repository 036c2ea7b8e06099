import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { systemClock } from '../../../src/cli/environment.js';
import { checkInput } from '../../../src/conformance/index.js';
import { openMetastore } from '../../../src/metastore/index.js';
import input from '../../../src/plugins/input-query/index.js';
import { openWarehouse } from '../../../src/warehouse/index.js';
import { TestProject } from '../../engine/project.js';

const test = suite<{ project: TestProject }>('input query');
test.before.each(async (context) => {
  context.project = new TestProject();
  context.project.write(
    'seed.yml',
    `in:
  type: config
  columns: [{name: id, type: long}, {name: at, type: timestamp}, {name: name, type: string}]
  rows: [[1, "2024-01-01 10:00:00", a], [2, "2024-01-02 10:00:00", b], [3, "2024-01-03 10:00:00", null]]
out: {type: warehouse, table: shop.t, time_column: at}
`,
  );
  await context.project.run('seed.yml');
});
test.after.each((context) => context.project.remove());

function pipeline(input: string, out = 'table: shop.copy'): string {
  return `in:\n  type: query\n  ${input}\nout: {type: warehouse, ${out}}\n`;
}

test('every type of a result arrives as a column type that holds it exactly', async ({ project }) => {
  project.write(
    'types.sql',
    `-- a comment; with a semicolon
select true as b, 7::TINYINT as tiny, 9007199254740993 as big, 18446744073709551615::UBIGINT as ubig, sum(id) as total,
  170141183460469231731687303715884105::HUGEINT as huge, 0.1::FLOAT as f, 1.10::DECIMAL(5,2) as dec, 'ä' as s, DATE '1500-01-01' as d, TIME '01:02:03.000004' as t,
  TIMESTAMPTZ '2024-03-31 02:30:00+02' as tz, TIMESTAMP '2024-03-31 02:30:00.123456' as ts, TIMESTAMP_NS '2024-01-01 00:00:00.123456789' as ns,
  INTERVAL '1 month 2 days 3.5 seconds' as i, [9007199254740993, null] as l, {'k': 1.10::DECIMAL(5,2)} as st, MAP {'a': 1} as m, '{"a": 1.10}'::JSON as j,
  '\\xFF\\x00'::BLOB as bin, 'x'::ENUM('x', 'y') as e, '6ccd780c-baba-1026-9564-5b8c656024db'::UUID as u, null as nothing
from shop.t;
`,
  );
  project.write('q.yml', pipeline('sql_file: types.sql'));
  const summary = await project.run('q.yml');
  assert.equal([summary.read, summary.written], [1, 1]);
  const types = await project.query<{ column_name: string; column_type: string }>('DESCRIBE shop.copy');
  assert.equal(
    types.map((c) => `${c.column_name} ${c.column_type}`),
    [
      'b BOOLEAN',
      'tiny BIGINT',
      'big BIGINT',
      'ubig DECIMAL(38,0)',
      'total DECIMAL(38,0)',
      'huge DECIMAL(38,0)',
      'f DOUBLE',
      'dec DECIMAL(5,2)',
      's VARCHAR',
      'd DATE',
      't VARCHAR',
      'tz TIMESTAMP WITH TIME ZONE',
      'ts TIMESTAMP',
      'ns VARCHAR',
      'i VARCHAR',
      'l VARCHAR',
      'st VARCHAR',
      'm VARCHAR',
      'j VARCHAR',
      'bin BLOB',
      'e VARCHAR',
      'u VARCHAR',
      'nothing BIGINT',
    ],
  );
  const [row] = await project.query(
    'SELECT CAST(big AS VARCHAR) AS big, CAST(ubig AS VARCHAR) AS ubig, CAST(huge AS VARCHAR) AS huge, CAST(dec AS VARCHAR) AS dec, CAST(d AS VARCHAR) AS d, t, CAST(tz AS VARCHAR) AS tz, CAST(ts AS VARCHAR) AS ts, ns, i, l, st, m, j, hex(bin) AS bin, e, u, nothing FROM shop.copy',
  );
  assert.equal(row, {
    big: '9007199254740993',
    ubig: '18446744073709551615',
    huge: '170141183460469231731687303715884105',
    dec: '1.10',
    d: '1500-01-01',
    t: '01:02:03.000004',
    tz: '2024-03-31 00:30:00+00',
    ts: '2024-03-31 02:30:00.123456',
    ns: '2024-01-01 00:00:00.123456789',
    i: '1 month 2 days 00:00:03.5',
    l: '[9007199254740993,null]',
    st: '{"k":1.1}',
    m: '{"a":1}',
    j: '{"a": 1.10}',
    bin: 'FF00',
    e: 'x',
    u: '6ccd780c-baba-1026-9564-5b8c656024db',
    nothing: null,
  });
});

test('parameters are bound, filters and order apply, an empty result is a run', async ({ project }) => {
  project.write(
    'q.yml',
    pipeline(`sql: "select * from t where name = $name or id > $id order by id desc"\n  namespace: shop\n  params: {name: "a' or 1=1 --", id: 2}`),
  );
  assert.is((await project.run('q.yml')).written, 1);
  project.write('none.yml', pipeline('sql: "select * from shop.t where false"', 'table: shop.none'));
  const none = await project.run('none.yml');
  assert.equal([none.status, none.written], ['committed', 0]);
});

test('without a cursor every run gives all rows, with one only those above the last value', async ({ project }) => {
  project.write('all.yml', pipeline('sql: "select id from shop.t"', 'table: shop.everything'));
  await project.run('all.yml');
  assert.is((await project.run('all.yml')).written, 3);
  project.write('new.yml', pipeline('sql: "select * from shop.t"\n  incremental_column: at', 'table: shop.fresh'));
  const first = await project.run('new.yml');
  assert.is(first.written, 3);
  assert.equal(first.state_after, { cursor: 'at', last_value: '2024-01-03 10:00:00+00' });
  assert.is((await project.run('new.yml')).status, 'up-to-date');
  await project.sluice([
    'query',
    "INSERT INTO shop.t VALUES (4, TIMESTAMPTZ '2024-01-03 10:00:00.000001+00', 'd'), (5, TIMESTAMPTZ '2024-01-01', 'late')",
  ]);
  const second = await project.run('new.yml');
  assert.is(second.written, 1);
  assert.equal(await project.query('SELECT id FROM shop.fresh ORDER BY id'), [{ id: 1 }, { id: 2 }, { id: 3 }, { id: 4 }]);
  assert.is((await project.run('new.yml', '--full-refresh')).written, 5);
});

test('a text with $last_value compares by itself', async ({ project }) => {
  project.write(
    'own.yml',
    pipeline(
      'sql: "select max(id) as id, count(*) as n from shop.t where $last_value is null or id > $last_value::BIGINT having count(*) > 0"\n  incremental_column: id',
      'table: shop.own',
    ),
  );
  assert.is((await project.run('own.yml')).written, 1);
  assert.is((await project.run('own.yml')).status, 'up-to-date');
  await project.sluice(['query', "INSERT INTO shop.t VALUES (9, TIMESTAMPTZ '2024-05-01', 'x')"]);
  assert.is((await project.run('own.yml')).written, 1);
  assert.equal(await project.query('SELECT id, n FROM shop.own ORDER BY id'), [
    { id: 3, n: 3 },
    { id: 9, n: 1 },
  ]);
});

test('what is wrong with the query is said at its place', async ({ project }) => {
  project.write('secret.csv', 'a\n1\n');
  const cases: [string, number, string, RegExp][] = [
    ['sql: "select nosuch from shop.t"', 2, 'SQL_INVALID', /nosuch/],
    ['sql: "select 1 as a, 2 as A"', 2, 'SQL_COLUMNS', /two columns named A/],
    ['sql: "delete from shop.t"', 2, 'QUERY_TEXT', /a statement that writes/],
    ['sql: "select 1; select 2"', 2, 'QUERY_TEXT', /found 2 statements/],
    ['sql: "copy (select 1) to \'x.csv\'"', 2, 'SQL_REFUSED', /./],
    ['sql: "select * from read_csv(\'secret.csv\')"', 2, 'SQL_REFUSED', /read_csv/],
    ['sql: "select 1) union all (select 2"', 2, 'SQL_INVALID', /./],
    ['namespace: shop', 2, 'QUERY_TEXT', /found none/],
    ['sql_file: nosuch.sql', 4, 'FILE_SYSTEM', /nosuch\.sql/],
    ['sql: "select * from shop.t"\n  incremental_column: nosuch', 2, 'INCREMENTAL_COLUMN', /has no column nosuch/],
    ['sql: "select true as b"\n  incremental_column: b', 2, 'INCREMENTAL_COLUMN', /b is boolean/],
    ['sql: "select name from shop.t"\n  incremental_column: name', 3, 'CURSOR_NULL', /1 rows have NULL in name/],
  ];
  for (const [input, exit, code, message] of cases) {
    project.write('x.yml', pipeline(input));
    const { code: found, stderr } = await project.sluice(['run', 'x.yml']);
    assert.is(found, exit, `${input}: ${stderr}`);
    assert.match(stderr, code, input);
    assert.match(stderr, message, input);
  }
});

test('it keeps the contract of inputs', async ({ project }) => {
  const metastore = await openMetastore({ url: `sqlite:${join(project.folder, 'lab.db')}`, catalogName: 'main' });
  const warehouse = openWarehouse({
    metastore,
    root: pathToFileURL(join(project.folder, 'lab')).href,
    clock: systemClock,
    log: { log: () => undefined },
  });
  try {
    const resource = (): Promise<unknown> => Promise.resolve(warehouse);
    await checkInput(input, [
      {
        title: 'values',
        config: { sql: "select i as id, 'ä' as s, null::DATE as d from range(2) r(i)" },
        resource,
        rows: [
          ['0', 'ä', null],
          ['1', 'ä', null],
        ],
      },
      {
        title: 'a cursor',
        config: { sql: 'select i as id from range(3) r(i)', incremental_column: 'id' },
        resource,
        rows: [['0'], ['1'], ['2']],
        state: { cursor: 'id', last_value: '2' },
      },
      { title: 'no text', config: {}, resource, error: 'QUERY_TEXT' },
    ]);
  } finally {
    await warehouse.closeSql();
    await metastore.close();
  }
});

test.run();
