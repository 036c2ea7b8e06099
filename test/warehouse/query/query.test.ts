import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { field, openTestWarehouse, partition, type TestWarehouse } from './fixture.js';

let house: TestWarehouse;
const days = Array.from(
  { length: 10 },
  (_, d) =>
    `SELECT range + ${d * 1000} AS id, TIMESTAMPTZ '2024-01-01 00:00:00+00' + to_days(${d}) + to_seconds(range * 80) AS "time", 'n' || (range % 7) AS name, range / 3 AS score, (range % 100)::DECIMAL(12,2) AS amount FROM range(1000)`,
);

test.before(async () => {
  house = await openTestWarehouse();
  await house.createTable(
    'shop.orders',
    [
      field(1, 'id', 'long'),
      field(2, 'time', 'timestamptz'),
      field(3, 'name', 'string'),
      field(4, 'score', 'double'),
      field(5, 'amount', 'decimal(12, 2)'),
    ],
    [partition(1000, 2, 'day')],
  );
  await house.append('shop.orders', days);
});
test.after(() => house.close());

test('reads all rows and streams them with their types', async () => {
  const result = await house.engine.query('SELECT id, "time", name, amount FROM shop.orders ORDER BY id LIMIT 2');
  assert.equal(result.columns, [
    { name: 'id', type: 'BIGINT' },
    { name: 'time', type: 'TIMESTAMP WITH TIME ZONE' },
    { name: 'name', type: 'VARCHAR' },
    { name: 'amount', type: 'DECIMAL(12,2)' },
  ]);
  const chunks = [];
  for await (const chunk of result.chunks()) chunks.push(chunk);
  assert.equal(chunks, [
    [
      [0n, 1n],
      ['2024-01-01 00:00:00+00', '2024-01-01 00:01:20+00'],
      ['n0', 'n1'],
      ['0.00', '1.00'],
    ],
  ]);
  assert.is(result.stats().rows, 2);
  await result.close();
});

test('keeps only the files whose partition and bounds fit', async () => {
  const stats = await house.engine.explain(
    `SELECT count(*) FROM shop.orders WHERE "time" >= '2024-01-03 01:00:00' AND "time" < '2024-01-03 07:00:00'`,
  );
  assert.is(stats.filesTotal, 10);
  assert.is(stats.filesKept, 1);
  assert.equal(await house.rows(`SELECT count(*) AS n FROM shop.orders WHERE "time" >= '2024-01-03 01:00:00' AND "time" < '2024-01-03 07:00:00'`), [
    { n: 270n },
  ]);
});

test('a table that the plan does not scan keeps no file', async () => {
  const stats = await house.engine.explain('SELECT * FROM shop.orders LIMIT 0');
  assert.is(stats.filesKept, 0);
  assert.equal(await house.rows('SELECT * FROM shop.orders WHERE id > 5 AND id < 3'), []);
});

test('a self-join keeps the union of what its scans need', async () => {
  const sql = `SELECT count(*) AS n FROM shop.orders a JOIN shop.orders b ON a.id = b.id + 1000 WHERE a."time" < '2024-01-03' AND a."time" >= '2024-01-02' AND b.id < 1000`;
  const stats = await house.engine.explain(sql);
  assert.is(stats.filesKept, 2);
  assert.equal(await house.rows(sql), [{ n: 1000n }]);
});

test('parameters are bound by name and prune', async () => {
  const params = { low: 2500, name: `n1' OR 1=1 --` };
  const stats = await house.engine.explain('SELECT * FROM shop.orders WHERE id >= $low AND id < 3000 AND name <> $name', { params });
  assert.is(stats.filesKept, 1);
  assert.equal(await house.rows('SELECT count(*) AS n FROM shop.orders WHERE id >= $low AND id < 3000 AND name <> $name', { params }), [{ n: 500n }]);
  assert.equal(await house.rows('SELECT $a AS a, $b AS b, $c AS c, $d AS d', { params: { a: null, b: 1.5, c: true, d: `x'"` } }), [
    { a: null, b: 1.5, c: true, d: `x'"` },
  ]);
});

test.run();
