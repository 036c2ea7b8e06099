import { test } from 'uvu';
import * as assert from 'uvu/assert';
import sql from '../../../src/plugins/filter-sql/index.js';
import type { Schema } from '../../../src/core/spi/index.js';
import { configErrorOf, planFilter, runFilter } from './filter-bench.js';

const input: Schema = [
  { name: 'customer', type: 'string' },
  { name: 'amount', type: 'decimal(10,2)' },
];
const from = `select * from (values ('a', 5.00::decimal(10,2)), ('b', 7.00), ('a', 2.50)) t(customer, amount)`;

test('a SELECT with a CTE over all rows; types become column types', async () => {
  const query =
    'with big as (select * from input where amount > 2) select customer, sum(amount) as total, count(*)::integer as n from big group by 1 order by 1 -- done';
  const { columns, rows } = await runFilter(sql, { type: 'sql', query }, input, from);
  assert.equal(columns, [
    { name: 'customer', type: 'string' },
    { name: 'total', type: 'decimal(38,2)' },
    { name: 'n', type: 'long' },
  ]);
  assert.equal(rows, [
    { customer: 'a', total: '7.50', n: 2n },
    { customer: 'b', total: '7.00', n: 1n },
  ]);
});

test('TD functions, with the run’s start as the scheduled time', async () => {
  const query =
    "select td_time_string(time, 'h!', 'America/New_York') as hour, TD_TIME_PARSE(text) as at, TD_DATE_TRUNC('day', time, 'JST') as day, TD_SCHEDULED_TIME() > 0 as due from input where TD_TIME_RANGE(time, '2024-01-01', NULL, 'JST')";
  const timed: Schema = [
    { name: 'time', type: 'long' },
    { name: 'text', type: 'string' },
  ];
  const { columns, rows } = await runFilter(
    sql,
    { type: 'sql', query },
    timed,
    "select * from (values (1704034800::bigint, '2024-01-01 JST'), (5, 'x')) t(time, text)",
  );
  assert.equal(
    columns.map((c) => c.type),
    ['string', 'long', 'long', 'boolean'],
  );
  assert.equal(rows, [{ hour: '2023-12-31 10', at: 1704034800n, day: 1704034800n, due: true }]);
  const error = await configErrorOf(
    planFilter(sql, { type: 'sql', query: "select * from input where TD_TIME_RANGE(time, '2024-01-01', 'JST')" }, timed),
  );
  assert.match(error.message, /line 1:61: TD_TIME_RANGE: the third argument is the end of the range/);
  assert.is(error.where.path, 'query');
});

const REFUSED: readonly [query: string, message: RegExp][] = [
  ["select * from input, read_csv('/etc/passwd')", /the table function read_csv is not allowed/],
  ["select * from input union all by name select * from '/etc/passwd.csv'", /there is no table|passwd/],
  [
    `select * from (with "/etc/passwd.csv" as (select 1 as x) select * from "/etc/passwd.csv") a, "/etc/passwd.csv" b, input`,
    /the WITH name "\/etc\/passwd.csv"/,
  ],
  ["copy (select * from input) to '/tmp/x.csv'", /syntax error|Only SELECT/],
  ["select * from input); copy (select 1) to '/tmp/x'; select (1", /expected one SELECT|Only SELECT|syntax error/],
  ['select * from input) t where (true', /expected one SELECT/],
  ['describe input', /SHOW_REF is not allowed|syntax error/],
  ["select getenv('HOME') as h from input", /getenv is not allowed/],
  ['select pg_get_viewdef(1) as h from input', /pg_get_viewdef is not allowed/],
  ["select system.main.current_setting('temp_directory') as h from input", /current_setting is not allowed/],
  ["select * from input, query_table('input')", /query_table is not allowed/],
  ['select * from input, pragma_database_list()', /pragma_database_list is not allowed/],
  ['select 1 as one', /`input`\) are not used/],
  ['select customer, customer as "Customer" from input', /differ only by case/],
  ['select [customer] as list from input', /its column list is of type VARCHAR\[\]/],
  ['select nothing from input', /nothing/],
];

for (const [query, message] of REFUSED) {
  test(`refuses ${query}`, async () => {
    const error = await configErrorOf(planFilter(sql, { type: 'sql', query }, input));
    assert.match(error.message, message);
    assert.is(error.where.path, 'query');
  });
}

test.run();
