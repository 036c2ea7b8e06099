import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ConfigError } from '../../../src/core/spi/index.js';
import type { WriteRequest } from '../../../src/warehouse/index.js';
import { load, openFixture, type Fixture } from './warehouse-fixture.js';

const test = suite<{ f: Fixture }>('planWrite');
test.before.each(async (context) => {
  context.f = await openFixture();
});
test.after.each((context) => context.f.close());

const ORDERS = [
  { name: 'id', type: 'long' },
  { name: 'at', type: 'timestamp' },
  { name: 'country', type: 'string' },
] as const;
const SELECT = `SELECT 1::BIGINT AS id, TIMESTAMPTZ '2024-01-01' AS at, 'jp' AS country, 0 AS st`;

async function refusal(f: Fixture, request: Partial<WriteRequest>): Promise<ConfigError> {
  try {
    await f.warehouse.planWrite({ table: 'shop.orders', schema: ORDERS, mode: 'append', ...request });
  } catch (error) {
    assert.instance(error, ConfigError);
    assert.ok((error as ConfigError).hint, 'every error has a hint');
    return error as ConfigError;
  }
  return assert.unreachable('expected a ConfigError') as never;
}

async function partitionOf(f: Fixture, request: Partial<WriteRequest>): Promise<readonly (readonly [string, string])[]> {
  const plan = await f.warehouse.planWrite({ table: 'shop.orders', schema: ORDERS, mode: 'append', ...request });
  return plan.partition.map((p) => [p.name, p.transform] as const);
}

test('default partition: day of the time column, of a column `time`, else none', async ({ f }) => {
  assert.equal(await partitionOf(f, { timeColumn: 'at' }), [['at_day', 'day']]);
  assert.equal(await partitionOf(f, { timeColumn: 'id' }), [['id_trunc', 'truncate[86400]']]);
  assert.equal(await partitionOf(f, {}), []);
  assert.equal(await partitionOf(f, { schema: [{ name: 'time', type: 'timestamp' }] }), [['time_day', 'day']]);
  assert.equal(await partitionOf(f, { schema: [{ name: 'time', type: 'long' }] }), [['time_trunc', 'truncate[86400]']]);
  assert.equal(await partitionOf(f, { schema: [{ name: 'time', type: 'string' }] }), []);
  assert.equal(await partitionOf(f, { timeColumn: 'at', partitionBy: [] }), []);
});

test('every form of partition_by', async ({ f }) => {
  const forms = [
    'day(at)',
    'hours(at)',
    ' month( at ) ',
    'bucket(16, id)',
    'bucket[8](id)',
    'truncate(4, country)',
    'truncate[86400](id)',
    'country',
    'identity(id)',
    '"country"',
  ];
  const expected = ['day', 'hour', 'month', 'bucket[16]', 'bucket[8]', 'truncate[4]', 'truncate[86400]', 'identity', 'identity', 'identity'];
  for (const [i, form] of forms.entries())
    assert.equal(
      (await partitionOf(f, { partitionBy: [form] })).map((p) => p[1]),
      [expected[i]],
      form,
    );
  assert.equal(await partitionOf(f, { partitionBy: ['day(at)', 'country'] }), [
    ['at_day', 'day'],
    ['country', 'identity'],
  ]);
});

test('wrong partition_by, time column, names and types are ConfigErrors that say what to do', async ({ f }) => {
  const cases: readonly (readonly [Partial<WriteRequest>, string, string])[] = [
    [{ partitionBy: ['day(country)'] }, 'PARTITION_BY', 'not string'],
    [{ partitionBy: ['dya(at)'] }, 'PARTITION_BY', 'dya(at)'],
    [{ partitionBy: ['day(nope)'] }, 'PARTITION_BY', '"nope"'],
    [{ partitionBy: ['day(at)', 'day(at)'] }, 'PARTITION_BY', 'twice'],
    [{ partitionBy: ['bucket(0, id)'] }, 'PARTITION_BY', 'bucket(0, id)'],
    [{ timeColumn: 'country' }, 'TIME_COLUMN', 'string'],
    [{ timeColumn: 'nope' }, 'TIME_COLUMN', '"nope"'],
    [{ table: 'Shop.Orders' }, 'TABLE_NAME', 'Shop.Orders'],
    [{ table: 'a.b.c' }, 'TABLE_NAME', 'a.b.c'],
    [{ table: '../../etc' }, 'TABLE_NAME', '../../etc'],
    [{ table: 'shop.orders__rejects' }, 'TABLE_NAME_RESERVED', 'reserved'],
    [{ schema: [] }, 'COLUMN_NAME', 'no columns'],
    [{ schema: [{ name: '__x', type: 'long' }] }, 'COLUMN_NAME', 'reserved'],
    [
      {
        schema: [
          { name: 'ID', type: 'long' },
          { name: 'id', type: 'long' },
        ],
      },
      'COLUMN_NAME',
      'differ only by case',
    ],
    [{ schema: [{ name: 'a', type: 'varchar' }] }, 'COLUMN_TYPE', 'varchar'],
  ];
  for (const [request, code, text] of cases) {
    const error = await refusal(f, request);
    assert.is(error.code, code);
    assert.ok(error.message.includes(text), error.message);
  }
});

test('errors carry their place in the config', async ({ f }) => {
  const error = await refusal(f, { partitionBy: ['dya(at)'], place: { at: (path) => ({ file: 'o.yml', line: 7, path: `out.${path}` }) } });
  assert.equal(error.where, { file: 'o.yml', line: 7, path: 'out.partition_by' });
});

test('an existing table keeps its partition; a differing partition_by names both', async ({ f }) => {
  await load(f, { table: 'shop.orders', schema: ORDERS, timeColumn: 'at' }, SELECT);
  assert.equal(await partitionOf(f, {}), [['at_day', 'day']]);
  assert.equal(await partitionOf(f, { partitionBy: ['day(at)'] }), [['at_day', 'day']]);
  const error = await refusal(f, { partitionBy: ['country'] });
  assert.is(error.code, 'PARTITION_CLASH');
  assert.match(error.message, 'partitioned by day(at), the config asks for country');
});

test('evolution: new columns, wider types, clashes that name both sides', async ({ f }) => {
  await load(
    f,
    {
      table: 'shop.t',
      schema: [
        { name: 'id', type: 'long' },
        { name: 'p', type: 'decimal(9,2)' },
        { name: 'j', type: 'json' },
      ],
    },
    `SELECT 1 AS id, 1.5::DECIMAL(9,2) AS p, '{}' AS j, 0 AS st`,
  );
  const plan = await f.warehouse.planWrite({
    table: 'shop.t',
    mode: 'append',
    schema: [
      { name: 'ID', type: 'long' },
      { name: 'p', type: 'decimal(12,2)' },
      { name: 'c', type: 'date' },
    ],
  });
  assert.equal(plan.schemaChanges, ['shop.t: column p widened from decimal(9, 2) to decimal(12, 2)', 'shop.t: new column c date']);
  assert.equal(
    plan.fields.map((x) => [x.id, x.name, x.type]),
    [
      [1, 'id', 'long'],
      [2, 'p', 'decimal(12, 2)'],
      [3, 'j', 'string'],
      [4, 'c', 'date'],
    ],
  );
  assert.match(plan.notes.join(' '), 'no input for j: NULL');
  const narrow = await f.warehouse.planWrite({ table: 'shop.t', mode: 'append', schema: [{ name: 'p', type: 'decimal(5,2)' }] });
  assert.is(narrow.columns[0]?.duckType, 'DECIMAL(9,2)');
  for (const [name, type] of [
    ['id', 'double'],
    ['id', 'string'],
    ['p', 'decimal(12,3)'],
    ['p', 'double'],
    ['j', 'string'],
  ] as const) {
    const error = await refusal(f, { table: 'shop.t', schema: [{ name, type }] });
    assert.is(error.code, 'SCHEMA_CLASH');
    assert.match(error.message, new RegExp(`the table has \\S+, the input has ${type.replace(/[()]/g, '\\$&')}`));
  }
  assert.is((await refusal(f, { table: 'shop.t', schemaEvolution: 'strict', schema: [{ name: 'x', type: 'long' }] })).code, 'SCHEMA_CLASH');
  assert.is((await refusal(f, { table: 'shop.t', schemaEvolution: 'strict', schema: [{ name: 'p', type: 'decimal(12,2)' }] })).code, 'SCHEMA_CLASH');
});

test('a view of the same name is refused at commit', async ({ f }) => {
  await f.metastore.transaction(
    async (tx) =>
      void (await f.metastore.catalog.putView(tx, { namespace: 'shop', name: 'orders', sql: 'SELECT 1', dialect: 'duckdb', comment: null }, false)),
  );
  try {
    await load(f, { table: 'shop.orders', schema: ORDERS }, SELECT);
    assert.unreachable('expected an error');
  } catch (error) {
    assert.is((error as ConfigError).code, 'TABLE_EXISTS');
  }
});

test.run();
