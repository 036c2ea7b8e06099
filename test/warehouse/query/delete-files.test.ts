import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SluiceError } from '../../../src/core/spi/index.js';
import { openWarehouse, type Warehouse } from '../../../src/warehouse/index.js';
import { DATA_MANIFEST, currentSnapshot, defaultSpec, type ManifestEntry } from '../../../src/warehouse/table/model.js';
import { rewriteChange, type Rewrite } from '../../../src/warehouse/write/commit-rewrite.js';
import { field, openTestWarehouse, partition, type TestFile, type TestWarehouse } from './fixture.js';

let house: TestWarehouse;
let warehouse: Warehouse;

test.before(async () => {
  house = await openTestWarehouse();
  const clock = { now: () => Date.now(), sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)) };
  warehouse = openWarehouse({ metastore: house.metastore, root: house.storage.root, clock, log: { log: () => undefined } });
});
test.after(async () => {
  await warehouse.closeSql();
  await house.close();
});

async function failure(work: Promise<unknown>): Promise<SluiceError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof SluiceError) return error;
    throw error;
  }
  throw new Error('expected an error');
}

async function liveData(name: string): Promise<readonly ManifestEntry[]> {
  const snapshot = currentSnapshot(await warehouse.reader.metadata((await warehouse.catalog.loadTable(name)).metadataLocation));
  const manifests = snapshot ? (await warehouse.reader.manifests(snapshot)).filter((m) => m.content === DATA_MANIFEST) : [];
  return (await Promise.all(manifests.map((m) => warehouse.reader.entries(m)))).flat();
}

async function rewriteOf(name: string, removed: Rewrite['removed']): Promise<Rewrite> {
  const { metadata } = await warehouse.catalog.loadTable(name);
  const partitionFields = defaultSpec(metadata).fields;
  return {
    table: name,
    tableUuid: metadata['table-uuid'],
    removed,
    appliedDeletes: new Set(),
    added: [],
    partition: partitionFields,
    operation: 'delete',
    runId: `run-${Math.random()}`,
    facts: {},
  };
}

function commit(rewrite: Rewrite): Promise<unknown> {
  const tools = { storage: warehouse.storage, reader: warehouse.reader, reach: () => undefined };
  return warehouse.commitChanges([rewriteChange(tools, rewrite, () => Date.now())], { runId: rewrite.runId, reach: () => undefined });
}

test('delete files that name one file touch only that one, and later files never', async () => {
  await house.createTable('x.t', [field(1, 'id', 'long'), field(2, 'g', 'string')], [partition(1000, 2, 'identity')]);
  const files = await house.append('x.t', [`SELECT range AS id, 'ab'[1 + (range % 2)::INTEGER] AS g FROM range(20)`]);
  for (const file of files) await house.deletePositions('x.t', file, [0], { withBounds: true });
  await house.append('x.t', [`SELECT 100 AS id, 'a' AS g`]);
  assert.equal(await house.rows('SELECT g, count(*) AS n, min(id) AS low FROM x.t GROUP BY g ORDER BY g'), [
    { g: 'a', n: 10n, low: 2n },
    { g: 'b', n: 9n, low: 3n },
  ]);
});

test('equality deletes are refused with a way out, unless the files they touch are not read', async () => {
  await house.createTable('x.e', [field(1, 'id', 'long')]);
  const [file] = await house.append('x.e', ['SELECT range AS id FROM range(3)']);
  await house.deletePositions('x.e', file as TestFile, [0], { content: 2 });
  const error = await failure(house.rows('SELECT * FROM x.e'));
  assert.is(error.code, 'EQUALITY_DELETES');
  assert.match(error.hint ?? '', 'optimize');
  assert.equal(await house.rows('SELECT * FROM x.e WHERE id > 5'), []);
});

test('a rewrite keeps what others appended meanwhile', async () => {
  await house.createTable('x.a', [field(1, 'id', 'long')]);
  await house.append('x.a', ['SELECT 1 AS id']);
  const rewrite = await rewriteOf('x.a', await liveData('x.a'));
  await house.append('x.a', ['SELECT 2 AS id']);
  await commit(rewrite);
  assert.equal(await house.rows('SELECT id FROM x.a'), [{ id: 2n }]);
});

test('a rewrite whose files are gone, or got deletes, ends as a conflict and changes nothing', async () => {
  await house.createTable('x.c', [field(1, 'id', 'long')]);
  const [file] = await house.append('x.c', ['SELECT range AS id FROM range(5)']);
  const stale = await rewriteOf('x.c', await liveData('x.c'));
  await house.deletePositions('x.c', file as TestFile, [1]);
  const deleted = await failure(commit(stale));
  assert.is(deleted.code, 'TABLE_CHANGED');
  assert.is(deleted.exitCode, 5);
  assert.match(deleted.message, 'rows of the same files were deleted meanwhile');
  assert.equal(await house.rows('SELECT count(*) AS n FROM x.c'), [{ n: 4n }]);
  await commit(await rewriteOf('x.c', 'all'));
  assert.match((await failure(commit(stale))).message, 'files were rewritten or removed meanwhile');
});

test('two DELETEs of the same rows at once: both end, the rows are gone once', async () => {
  await house.createTable('x.p', [field(1, 'id', 'long')]);
  await house.append('x.p', ['SELECT range AS id FROM range(100)']);
  const outcomes = await Promise.all([0, 1].map(() => warehouse.execute('DELETE FROM x.p WHERE id < 10')));
  assert.equal(outcomes.map((o) => (o.kind === 'done' ? o.rows : -1)).sort(), [0, 10]);
  assert.equal(await house.rows('SELECT count(*) AS n FROM x.p'), [{ n: 90n }]);
});

test('several statements keep their lines', async () => {
  const [, second = ''] = warehouse.splitStatements('SELECT 1;\n\n  SELECT nosuch FROM x.t');
  const error = await failure(warehouse.query(second));
  assert.equal(error.where, { line: 3, column: 10 });
});

test.run();
