import { test } from 'uvu';
import * as assert from 'uvu/assert';
import sql from '../../../src/plugins/filter-sql/index.js';
import type { Schema } from '../../../src/core/spi/index.js';
import { openFixture, type Fixture } from '../../warehouse/write/warehouse-fixture.js';
import { configErrorOf, runFilter, type Outcome } from './filter-bench.js';

const input: Schema = [
  { name: 'customer', type: 'long' },
  { name: 'amount', type: 'decimal(10,2)' },
];
const from = `select * from (values (1::bigint, 5.00::decimal(10,2)), (2, 7.00), (9, 1.00)) t(customer, amount)`;

let house: Fixture;
test.before(async () => {
  house = await openFixture();
  await house.warehouse.execute(
    `CREATE TABLE shop.customers AS SELECT range AS id, 'c' || range AS name, TIMESTAMPTZ '2024-01-01 00:00:00+00' AS since FROM range(5)`,
  );
  await house.warehouse.execute('DELETE FROM shop.customers WHERE id = 2');
});
test.after(async () => {
  await house.warehouse.closeSql();
  await house.close();
});

const run = (query: string): Promise<Outcome> => runFilter(sql, { type: 'sql', query }, input, from, house.dir, { warehouse: house.warehouse });

test('joins a table of the warehouse, as it is now', async () => {
  const { columns, rows } = await run('select i.customer, c.name, c.since from input i left join shop.customers c on c.id = i.customer order by 1');
  assert.equal(columns, [
    { name: 'customer', type: 'long' },
    { name: 'name', type: 'string' },
    { name: 'since', type: 'timestamp' },
  ]);
  assert.equal(
    rows.map((r) => [r['customer'], r['name']]),
    [
      [1n, 'c1'],
      [2n, null],
      [9n, null],
    ],
  );
});

test('a table that is not there is an error at the query', async () => {
  const error = await configErrorOf(run('select * from input join shop.custmers using (customer)'));
  assert.is(error.code, 'TABLE_UNKNOWN');
  assert.match(error.message, /query: there is no table shop.custmers/);
  assert.ok(error.hint);
});

test('what the engine of the run has of its own is no table of the warehouse', async () => {
  for (const name of [
    'temp.pg_class',
    'pg_catalog.pg_class',
    'information_schema.tables',
    'temp.sqlite_master',
    'main.duckdb_settings',
    `main."/etc/passwd"`,
    'memory.main.x',
  ]) {
    const error = await configErrorOf(run(`select i.* from input i, ${name}`));
    assert.is(error.code, 'TABLE_UNKNOWN', name);
  }
  for (const namespace of ['temp', 'system', 'memory', 'pg_catalog']) {
    await house.warehouse.execute(`CREATE TABLE ${namespace}.rates AS SELECT 1 AS customer`);
    const error = await configErrorOf(run(`select * from input join ${namespace}.rates using (customer)`));
    assert.is(error.code, 'TABLE_UNKNOWN');
    assert.match(error.message, `query: ${namespace}.rates cannot be joined here: the engine of the run has a ${namespace} of its own`);
    assert.is(error.hint, `give the table another namespace: sluice rename ${namespace}.rates shop.rates`);
  }
  await house.warehouse.execute(`CREATE TABLE "select".rates AS SELECT 1 AS customer`);
  assert.is((await run('select * from input join "select".rates using (customer)')).rows.length, 1);
});

test.run();
