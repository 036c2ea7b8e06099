import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openWarehouse, type Warehouse } from '../../../src/warehouse/index.js';
import { runSql } from '../../../src/warehouse/query/run-sql.js';
import { openTestWarehouse, type TestWarehouse } from './fixture.js';

let house: TestWarehouse;
let warehouse: Warehouse;

test.before(async () => {
  house = await openTestWarehouse();
  const clock = { now: () => Date.now(), sleep: () => Promise.resolve() };
  warehouse = openWarehouse({ metastore: house.metastore, root: house.storage.root, clock, log: { log: () => undefined } });
});
test.after(() => house.close());

async function write(sql: string): Promise<number> {
  const outcome = await runSql({ warehouse, engine: house.engine }, sql, { tempDir: join(house.folder, 'temp'), threads: 2 });
  if (outcome.kind !== 'done') throw new Error('expected a write');
  return outcome.rows;
}

const CASES = [
  ...['hour(t)', 'day(t)', 'month(t)', 'year(t)', 't', 'bucket(4, t)'].map((partition) => ['TIMESTAMPTZ', partition] as const),
  ['TIMESTAMP', 'hour(t)'],
  ['TIMESTAMP', 'month(t)'],
  ['DATE', 'year(t)'],
  ['DATE', 't'],
] as const;

for (const [i, [type, partition]] of CASES.entries()) {
  test(`${partition} of ${type} puts infinity and far years where queries find them`, async () => {
    // Hours are numbers of 32 bits.
    const late = partition === 'hour(t)' ? '200000-01-01' : '290000-01-01';
    const values = ['infinity', '-infinity', '2024-01-01', '0044-03-15 (BC)', late].map((text) => `${type} '${text}'`);
    await write(`CREATE TABLE w.far_${i} WITH (partitioned_by = '${partition}') AS SELECT unnest([${values.join(', ')}, NULL]) AS t`);
    const counts: Readonly<Record<string, bigint>> = { "t > '2025-01-01'": 2n, "t < '1000-01-01'": 2n, "t = 'infinity'": 1n, 't IS NULL': 1n };
    for (const [where, expected] of Object.entries(counts))
      assert.equal(await house.rows(`SELECT count(*) AS n FROM w.far_${i} WHERE ${where}`), [{ n: expected }], where);
    assert.ok((await house.rows(`SELECT partition FROM w."far_${i}$partitions"`)).length > 1);
    assert.is(await write(`DELETE FROM w.far_${i} WHERE t > '2025-01-01'`), 2);
  });
}

test('an infinite date is read as what it is', async () => {
  assert.equal(await house.rows("SELECT DATE 'infinity' AS a, DATE '-infinity' AS b, DATE '5881580-07-10' AS c"), [
    { a: 'infinity', b: '-infinity', c: '5881580-07-10' },
  ]);
});

test.run();
