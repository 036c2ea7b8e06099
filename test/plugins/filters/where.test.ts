import { test } from 'uvu';
import * as assert from 'uvu/assert';
import where from '../../../src/plugins/filter-where/index.js';
import { configErrorOf, planFilter, runFilter } from './filter-bench.js';
import type { Schema } from '../../../src/core/spi/index.js';

const input: Schema = [
  { name: 'status', type: 'string' },
  { name: 'amount', type: 'decimal(10,2)' },
];
const from = `select * from (values ('paid', 5.00::decimal(10,2)), ('open', 7.00), (null, 9.00), ('paid', 0.50)) t(status, amount)`;

test('false and NULL are filtered, true stays', async () => {
  const { rows, filtered } = await runFilter(where, { type: 'where', condition: "status = 'paid' and amount > 1 -- enough" }, input, from);
  assert.equal(rows, [{ status: 'paid', amount: '5.00' }]);
  assert.is(filtered, 3);
});

const REFUSED: readonly [condition: string, message: RegExp][] = [
  ["amount in (select 1 from read_text('/etc/passwd'))", /a subquery is not allowed/],
  ["exists (from '/etc/passwd')", /a subquery is not allowed/],
  ['1 = 1) or (select true', /a subquery|syntax error/],
  ["true) from read_csv('/etc/passwd') t where (true", /expected one expression|syntax error/],
  ['true), (false', /expected one expression/],
  ["true) from x; copy (select 1) to '/tmp/x' -- ", /Only SELECT|expected one expression|syntax error/],
  ['true) union select (true', /expected one expression/],
  ['count(*) > 1', /must appear in the GROUP BY|aggregate/i],
  ['row_number() over () > 1', /a window function is not allowed/],
  ["getenv('HOME') = ''", /getenv is not allowed/],
  ["current_setting('temp_directory') = ''", /current_setting is not allowed/],
  ['pg_sleep(9) is null', /pg_sleep is not allowed/],
  ['unnest([true])', /unnest is not allowed/],
  ['$1', /a parameter is not allowed/],
  ['*', /a star is not allowed|syntax error/],
  ['amuont > 1', /amuont/],
  ['__status = 0', /__status/],
  ['amount >', /syntax error/],
  ["status = 'open", /unterminated/],
  ['/* status', /unterminated|syntax error/],
  ['amount', /expected a boolean expression, got a decimal\(10,2\)/],
];

for (const [condition, message] of REFUSED) {
  test(`refuses ${condition}`, async () => {
    const error = await configErrorOf(planFilter(where, { type: 'where', condition }, input));
    assert.is(error.code, 'SQL_INVALID');
    assert.match(error.message, message);
    assert.is(error.where.path, 'condition');
    assert.ok(error.hint);
  });
}

test.run();
