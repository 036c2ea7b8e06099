import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ConfigError } from '../../../src/core/spi/index.js';
import { load, openFixture, readRows, type Fixture } from './warehouse-fixture.js';

const test = suite<{ f: Fixture }>('catalog');
test.before.each(async (context) => {
  context.f = await openFixture();
});
test.after.each((context) => context.f.close());

const put = (f: Fixture, table: string, id: number): Promise<unknown> =>
  load(f, { table, schema: [{ name: 'id', type: 'long' }] }, `SELECT ${id}::BIGINT AS id, 0 AS st`);

async function refusal(work: Promise<unknown>): Promise<ConfigError> {
  try {
    await work;
  } catch (error) {
    assert.instance(error, ConfigError);
    assert.ok((error as ConfigError).hint);
    return error as ConfigError;
  }
  return assert.unreachable('expected a ConfigError') as never;
}

test('names without a namespace are in main; a missing table suggests the nearest name', async ({ f }) => {
  await put(f, 'orders', 1);
  await put(f, 'shop.orders', 2);
  assert.equal(await f.warehouse.catalog.listNamespaces(), ['main', 'shop']);
  assert.equal(
    (await f.warehouse.catalog.listTables('shop')).map((t) => t.name),
    ['orders'],
  );
  const error = await refusal(f.warehouse.catalog.loadTable('shop.order'));
  assert.is(error.code, 'TABLE_MISSING');
  assert.is(error.hint, 'did you mean shop.orders?');
});

test('drop takes the pointer, undrop gives table and rows back', async ({ f }) => {
  await put(f, 'shop.orders', 1);
  const { metadata } = await f.warehouse.catalog.loadTable('shop.orders');
  const dropped = await f.warehouse.catalog.dropTable('shop.orders');
  assert.is(dropped.tableUuid, metadata['table-uuid']);
  assert.is(await f.warehouse.catalog.findTable('shop.orders'), undefined);
  assert.is((await refusal(f.warehouse.catalog.undropTable('shop.order'))).hint, 'did you mean shop.orders?');
  await f.warehouse.catalog.undropTable('shop.orders');
  assert.equal(await readRows(f, 'shop.orders', 'id'), [{ id: 1n }]);
  assert.is((await refusal(f.warehouse.catalog.undropTable('shop.orders'))).code, 'TABLE_NOT_DROPPED');
});

test('undrop refuses a name that is taken again', async ({ f }) => {
  await put(f, 'shop.orders', 1);
  await f.warehouse.catalog.dropTable('shop.orders');
  await put(f, 'shop.orders', 2);
  assert.is((await refusal(f.warehouse.catalog.undropTable('shop.orders'))).code, 'TABLE_EXISTS');
  assert.equal(await readRows(f, 'shop.orders', 'id'), [{ id: 2n }]);
});

test('work within a drop that fails leaves the table', async ({ f }) => {
  await put(f, 'shop.orders', 1);
  let failed = false;
  await f.warehouse.catalog.dropTable('shop.orders', () => Promise.reject(new Error('no'))).catch(() => (failed = true));
  assert.ok(failed);
  assert.equal(await readRows(f, 'shop.orders', 'id'), [{ id: 1n }]);
});

test('rename keeps the UUID and refuses a taken name; swap exchanges what two names mean', async ({ f }) => {
  await put(f, 'shop.a', 1);
  await put(f, 'shop.b', 2);
  const uuid = await f.warehouse.tableUuid('shop.a');
  assert.is((await refusal(f.warehouse.catalog.renameTable('shop.a', 'shop.b'))).code, 'TABLE_EXISTS');
  await f.warehouse.catalog.renameTable('shop.a', 'other.c');
  assert.is(await f.warehouse.tableUuid('other.c'), uuid);
  assert.is(await f.warehouse.tableUuid('shop.a'), undefined);
  await f.warehouse.catalog.swapTables('other.c', 'shop.b');
  assert.is(await f.warehouse.tableUuid('shop.b'), uuid);
  assert.equal(await readRows(f, 'shop.b', 'id'), [{ id: 1n }]);
  await put(f, 'shop.b', 3);
  assert.equal(await readRows(f, 'shop.b', 'count(*) AS n'), [{ n: 2n }]);
});

test.run();
