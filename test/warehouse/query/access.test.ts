import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SluiceError, type Clock } from '../../../src/core/spi/index.js';
import { openWarehouse, type QueryAccess, type Warehouse } from '../../../src/warehouse/index.js';
import { field, openTestWarehouse, type TestWarehouse } from './fixture.js';

const clock: Clock = { now: () => Date.now(), sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) };
const SHOP: QueryAccess = { databases: ['shop'], rejects: false };
let house: TestWarehouse;
let warehouse: Warehouse;

test.before(async () => {
  house = await openTestWarehouse();
  warehouse = openWarehouse({ metastore: house.metastore, root: house.storage.root, clock, log: { log: () => undefined } });
  for (const name of ['shop.orders', 'shop.orders__rejects', 'secret.salaries', 'sluice_rejects.load']) {
    await house.createTable(name, [field(1, 'id', 'long')]);
    await house.append(name, ['SELECT 1::BIGINT AS id']);
  }
  await house.createView('shop.mine', 'SELECT id FROM orders');
  await house.createView('shop.peek', 'SELECT id FROM secret.salaries');
  await house.createView('secret.all_orders', 'SELECT id FROM shop.orders');
});
test.after(async () => {
  await warehouse.closeSql();
  await house.close();
});

async function rows(sql: string, access: QueryAccess): Promise<unknown[][]> {
  const result = await warehouse.query(sql, { access });
  try {
    const all: unknown[][] = [];
    for await (const columns of result.chunks()) columns[0]?.forEach((_, i) => all.push(columns.map((column) => column[i])));
    return all;
  } finally {
    await result.close();
  }
}

async function failure(sql: string, access: QueryAccess = SHOP): Promise<SluiceError> {
  try {
    const outcome = await warehouse.execute(sql, { access });
    if (outcome.kind === 'rows') await outcome.result.close();
  } catch (error) {
    if (error instanceof SluiceError) return error;
    throw error;
  }
  throw new Error(`expected an error: ${sql}`);
}

test('tables of other databases do not exist, however they are named', async () => {
  assert.equal(await rows('SELECT id FROM shop.orders', SHOP), [[1n]]);
  assert.equal(await rows('SELECT id FROM shop.mine', SHOP), [[1n]]);
  for (const sql of [
    'SELECT * FROM secret.salaries',
    'SELECT * FROM "secret"."salaries"',
    'SELECT * FROM SECRET.Salaries',
    'SELECT * FROM shop.orders JOIN secret.salaries USING (id)',
    'SELECT (SELECT max(id) FROM secret.salaries)',
    'WITH t AS (SELECT * FROM secret.salaries) SELECT * FROM t',
    'SELECT * FROM secret."salaries$files"',
    "SELECT * FROM secret.salaries FOR TIMESTAMP AS OF TIMESTAMP '2999-01-01'",
    'DESCRIBE secret.salaries',
    'SUMMARIZE secret.salaries',
    'SELECT * FROM secret.all_orders',
    'SELECT * FROM shop.peek',
    'SELECT * FROM sluice_rejects.load',
    'SELECT * FROM shop.orders__rejects',
    'SELECT * FROM shop."orders__rejects$files"',
  ]) {
    const error = await failure(sql);
    assert.is(error.code, 'TABLE_MISSING', sql);
    assert.not.match(error.hint ?? '', /salaries|rejects|all_orders/, sql);
  }
});

test('SHOW and information_schema tell of what is granted only', async () => {
  assert.equal(await rows('SHOW SCHEMAS', SHOP), [['shop']]);
  assert.equal(
    (await rows('SHOW TABLES', SHOP)).map(([schema, name]) => `${String(schema)}.${String(name)}`),
    ['shop.mine', 'shop.orders', 'shop.peek'],
  );
  assert.equal(await rows('SELECT DISTINCT table_schema, table_name FROM information_schema.columns', SHOP), [['shop', 'orders']]);
  assert.equal(await rows("SELECT table_name FROM information_schema.views WHERE table_schema = 'secret'", SHOP), []);
  assert.equal(await rows('SELECT count(*) FROM information_schema.schemata', { databases: [], rejects: true }), [[0n]]);
});

test('rejects are seen with their right, in the databases that are granted', async () => {
  assert.equal(await rows('SELECT id FROM shop.orders__rejects', { databases: ['shop'], rejects: true }), [[1n]]);
  assert.equal(await rows('SELECT id FROM sluice_rejects.load', { rejects: true }), [[1n]]);
  assert.is((await failure('SELECT * FROM sluice_rejects.load', { databases: ['shop'], rejects: true })).code, 'TABLE_MISSING');
  assert.is((await failure('SELECT * FROM shop.orders__rejects', { rejects: false })).code, 'TABLE_MISSING');
});

test('writes reach granted tables only, and read with the same limits', async () => {
  for (const sql of [
    'INSERT INTO secret.salaries SELECT 1',
    'CREATE TABLE secret.new AS SELECT 1 AS a',
    'CREATE VIEW secret.v AS SELECT 1 AS a',
    'DELETE FROM secret.salaries',
    'DROP TABLE secret.salaries',
    'DROP TABLE IF EXISTS secret.nothing',
    'DROP VIEW secret.all_orders',
    'CREATE TABLE unqualified AS SELECT 1 AS a',
  ]) {
    const error = await failure(sql);
    assert.is(error.code, 'ACCESS_DENIED', sql);
    assert.is(error.hint, 'databases granted: shop');
  }
  for (const sql of [
    'INSERT INTO shop.orders SELECT id FROM secret.salaries',
    'CREATE TABLE shop.copy AS SELECT * FROM secret.salaries',
    'CREATE VIEW shop.v AS SELECT * FROM secret.salaries',
    'DELETE FROM shop.orders WHERE id IN (SELECT id FROM secret.salaries)',
  ])
    assert.is((await failure(sql)).code, 'TABLE_MISSING', sql);
  assert.equal(await rows('SELECT id FROM shop.orders', SHOP), [[1n]]);
});

test.run();
