import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { ConfigError } from '../../../../src/core/spi/index.js';
import { chooseTables, joinTableName, readTableName, splitTableName, tableStreams } from '../../../../src/plugins/shared/sql/table-names.js';

const place = { at: (path: string) => ({ path }) };

test('names are split at dots outside quotes', () => {
  assert.equal(splitTableName('orders'), ['orders']);
  assert.equal(splitTableName('sales.orders'), ['sales', 'orders']);
  assert.equal(splitTableName('"a.b"."c""d"'), ['a.b', 'c"d']);
  assert.equal(splitTableName('`my table`.x'), ['my table', 'x']);
  for (const bad of ['', '.', 'a.', '.a', '"a', '"a"b', 'a..b']) assert.is(splitTableName(bad), undefined, bad);
  for (const parts of [['a'], ['a b', 'c'], ['x.y', 'z"'], ['`']]) assert.equal(splitTableName(joinTableName(parts)), parts);
});

test('a schema leads a name without one', () => {
  assert.equal(readTableName('orders', 'sales', place), ['sales', 'orders']);
  assert.equal(readTableName('a.orders', 'sales', place), ['a', 'orders']);
  assert.throws(
    () => readTableName('a.b.c', undefined, place),
    (error: unknown) => error instanceof ConfigError && error.code === 'SQL_TABLE_NAME' && error.where.path === 'table',
  );
});

const found = [
  { schema: 'public', name: 'shop_a' },
  { schema: 'public', name: 'shop_b' },
  { schema: 'public', name: 'shop.c' },
  { schema: 'sales', name: 'shop_a' },
];

test('wildcards choose tables of their schema', () => {
  const names = (wanted: string[], excluded: string[] = []): string[] =>
    chooseTables(wanted, excluded, found, 'public', place).map(({ schema, name }) => `${schema}/${name}`);
  assert.equal(names(['shop_*']), ['public/shop_a', 'public/shop_b']);
  assert.equal(names(['*.shop_a']), ['public/shop_a', 'sales/shop_a']);
  assert.equal(names(['*'], ['shop_?']), ['public/shop.c']);
  assert.equal(names(['"shop.*"']), ['public/shop.c'], 'a dot in a pattern is a dot');
});

test('a name that matches nothing, and an exclusion that leaves nothing, are errors', () => {
  const failure = (wanted: string[], excluded: string[] = []): ConfigError => {
    try {
      chooseTables(wanted, excluded, found, 'public', place);
    } catch (error) {
      return error as ConfigError;
    }
    throw new Error('expected an error');
  };
  const unknown = failure(['shop_a', 'shop_bb']);
  assert.is(unknown.code, 'SQL_NO_TABLE');
  assert.match(unknown.message, /in\.tables\[1\].*did you mean "shop_b"/);
  assert.is(unknown.where.path, 'tables[1]');
  assert.is(failure(['shop_*'], ['*']).where.path, 'exclude_tables');
});

test('streams read one table each and are named by it', () => {
  const streams = tableStreams({ type: 'x', tables: ['*'], exclude_tables: [], lag: 1 }, found.slice(2), 'public');
  assert.equal(streams, [
    { name: 'shop.c', config: { type: 'x', lag: 1, table: 'public."shop.c"' } },
    { name: 'sales.shop_a', config: { type: 'x', lag: 1, table: 'sales.shop_a' } },
  ]);
});

test.run();
