import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openWarehouse } from '../../../src/warehouse/index.js';
import { currentSnapshot, type TableMetadata } from '../../../src/warehouse/table/model.js';
import { field, openTestWarehouse, partition, withPartition, type TestFile, type TestWarehouse } from '../query/fixture.js';

const RUNS = process.env['SLUICE_ROUNDS'] === 'full' ? 150 : 8;

type Step =
  | { readonly kind: 'append'; readonly ids: readonly number[] }
  | { readonly kind: 'hide'; readonly file: number; readonly rows: readonly number[] }
  | { readonly kind: 'delete'; readonly modulo: number }
  | { readonly kind: 'respec' }
  | { readonly kind: 'maintain'; readonly target: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('append' as const), ids: fc.array(fc.integer({ min: -5, max: 40 }), { minLength: 1, maxLength: 6 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('hide' as const), file: fc.nat(20), rows: fc.uniqueArray(fc.nat(5), { minLength: 1, maxLength: 3 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), modulo: fc.integer({ min: 2, max: 7 }) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'respec' as const }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('maintain' as const), target: fc.constantFrom(1000, 3000, 134217728) }) },
);

/** The DELETE takes the only file that a position delete names. */
const HIDDEN_AND_GONE: Step[] = [
  { kind: 'append', ids: [0] },
  { kind: 'hide', file: 0, rows: [1] },
  { kind: 'respec' },
  { kind: 'delete', modulo: 2 },
  { kind: 'append', ids: [0] },
];

const SPECS = [[partition(1000, 1, 'truncate[10]')], [partition(1001, 1, 'bucket[3]')], [], [partition(1000, 1, 'truncate[10]')]];

async function dataFiles(house: TestWarehouse, table: TableMetadata): Promise<TestFile[]> {
  const snapshot = currentSnapshot(table);
  const files: TestFile[] = [];
  for (const manifest of snapshot ? await house.reader.manifests(snapshot) : [])
    for (const { status, file } of await house.reader.entries(manifest))
      if (status !== 2 && file.content === 0) files.push({ uri: file.path, path: file.path.slice('file://'.length) });
  return files;
}

test('whatever was appended, hidden and deleted, in whatever spec: compaction keeps exactly the rows', async () => {
  const house = await openTestWarehouse();
  const clock = { now: Date.now, sleep: () => new Promise<void>((resolve) => setImmediate(resolve)) };
  const warehouse = openWarehouse({ metastore: house.metastore, root: house.storage.root, clock, log: { log: () => undefined } });
  const rowsOf = async (table: string): Promise<readonly unknown[]> => house.rows(`SELECT id, v FROM ${table} ORDER BY id, v`);
  let run = 0;
  try {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 12 }), async (steps) => {
        const table = `p.t${run++}`;
        let spec = 0;
        let value = 0;
        await house.createTable(table, [field(1, 'id', 'long'), field(2, 'v', 'string')], SPECS[0]);
        for (const next of [...steps, { kind: 'maintain' as const, target: 134217728 }]) {
          const before = await rowsOf(table);
          if (next.kind === 'append') {
            const list = next.ids.map((id) => `(${id === -5 ? 'NULL' : id}::BIGINT, 'v${value++}')`).join(', ');
            await house.append(table, [`SELECT * FROM (VALUES ${list}) t(id, v)`]);
          } else if (next.kind === 'hide') {
            const files = await dataFiles(house, await house.load(table));
            const file = files[next.file % files.length];
            if (file) await house.deletePositions(table, file, next.rows);
          } else if (next.kind === 'delete') await warehouse.execute(`DELETE FROM ${table} WHERE id % ${next.modulo} = 0`);
          else if (next.kind === 'respec') {
            spec = (spec + 1) % SPECS.length;
            await house.change(table, (t) => withPartition(t, SPECS[spec] ?? []));
          } else {
            await house.change(table, (t) => ({ ...t, properties: { 'write.target-file-size-bytes': String(next.target) } }));
            const [report] = (await warehouse.maintain({ tables: [table] })).tables;
            assert.equal([report?.problems, report?.notes], [[], []]);
            assert.equal(await rowsOf(table), before);
          }
        }
        const left = await dataFiles(house, await house.load(table));
        const partitions = new Set<string>();
        const snapshot = currentSnapshot(await house.load(table));
        for (const manifest of snapshot ? await house.reader.manifests(snapshot) : [])
          for (const { status, file } of await house.reader.entries(manifest))
            // A position delete that was written in another spec than its file's applies to nothing and stays.
            if (status !== 2 && file.content === 0) partitions.add(`${file.specId} ${[...file.partition.values()].map(String).join()}`);
        assert.is(left.length, partitions.size, 'one file a partition is left');
      }),
      { numRuns: RUNS, examples: [[HIDDEN_AND_GONE]] },
    );
  } finally {
    await warehouse.closeSql();
    await house.close();
  }
});

test.run();
