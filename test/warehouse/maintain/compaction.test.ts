import { existsSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { openWarehouse, type Warehouse } from '../../../src/warehouse/index.js';
import { DELETED, currentSnapshot, type ManifestEntry } from '../../../src/warehouse/table/model.js';
import { field, openTestWarehouse, partition, withFields, withPartition, type TestFile, type TestWarehouse } from '../query/fixture.js';

interface Context {
  house: TestWarehouse;
  warehouse: Warehouse;
}
const test = suite<Context>('compaction');
test.before.each(async (context) => {
  context.house = await openTestWarehouse();
  context.warehouse = reopen(context.house);
});
test.after.each(async ({ house, warehouse }) => {
  await warehouse.closeSql();
  await house.close();
});

function reopen(house: TestWarehouse): Warehouse {
  return openWarehouse({
    metastore: house.metastore,
    root: house.storage.root,
    clock: { now: Date.now, sleep: () => new Promise((resolve) => setImmediate(resolve)) },
    log: { log: () => undefined },
  });
}

async function entries(house: TestWarehouse, table: string, content = 0): Promise<readonly ManifestEntry[]> {
  const snapshot = currentSnapshot(await house.load(table));
  const found: ManifestEntry[] = [];
  for (const manifest of snapshot ? await house.reader.manifests(snapshot) : [])
    for (const entry of await house.reader.entries(manifest)) if (entry.status !== DELETED && entry.file.content === content) found.push(entry);
  return found;
}

/** Rows with their type and every bit of their floats. */
async function bits(house: TestWarehouse, table: string, columns: readonly string[]): Promise<readonly unknown[]> {
  const list = columns.map((c) => `typeof(${c}) || ':' || coalesce(CAST(${c} AS VARCHAR), 'NULL')`).join(` || '|' || `);
  const rows = await house.rows(`SELECT ${list} AS r FROM ${table} ORDER BY r`);
  return rows.map((r) => r['r']);
}

test('small files of each partition become one, and every value stays as it was, nested ones too', async ({ house, warehouse }) => {
  const point = { type: 'struct' as const, fields: [field(21, 'x', 'int'), field(22, 'y', 'string')] };
  const fields = [
    field(1, 'time', 'timestamptz'),
    field(2, 'k', 'string'),
    field(3, 'd', 'double'),
    field(4, 'f', 'float'),
    field(5, 'n', 'decimal(20, 3)'),
    field(6, 'b', 'binary'),
    field(7, 'i', 'int'),
    field(8, 'u', 'uuid'),
    field(9, 'ts', 'timestamp'),
    field(10, 'tm', 'time'),
    { ...field(11, 'p', 'string'), type: point },
    { ...field(12, 'l', 'string'), type: { type: 'list' as const, 'element-id': 23, element: 'long', 'element-required': false } },
    {
      ...field(13, 'm', 'string'),
      type: { type: 'map' as const, 'key-id': 24, key: 'string', 'value-id': 25, value: 'double', 'value-required': false },
    },
  ];
  await house.createTable('c.all', fields, [partition(1000, 2, 'identity')]);
  // The fixture writes no nested field ids, so the rows come through our own INSERT's staging below the nested columns.
  const select = (i: number): string =>
    `SELECT TIMESTAMPTZ '2026-01-0${1 + (i % 3)} 00:00:00.00000${i}+00' AS time, CASE WHEN ${i} % 2 = 0 THEN 'a''%é' END AS k, ['1.5', 'nan', '-0.0', 'inf', NULL][${i % 5} + 1]::DOUBLE AS d,
     ['nan', '-inf', '-0.0', '1e-40', NULL][${i % 5} + 1]::FLOAT AS f, 12345678901234567.${i}01::DECIMAL(20,3) AS n, ''::BLOB AS b, -2147483648 + ${i} AS i,
     'f81d4fae-7dec-11d0-a765-00a0c91e6bf${i}'::UUID AS u, TIMESTAMP '0001-01-01 00:00:00' AS ts, TIME '23:59:59.999999' AS tm,
     NULL::STRUCT(x INTEGER, y VARCHAR) AS p, NULL::BIGINT[] AS l, NULL::MAP(VARCHAR, DOUBLE) AS m`;
  for (let i = 0; i < 8; i++) await house.append('c.all', [select(i)]);
  const names = fields.map((f) => f.name);
  const before = await bits(house, 'c.all', names);
  const old = await entries(house, 'c.all');
  const report = await warehouse.maintain({ tables: ['c.all'] });
  const [table] = report.tables;
  assert.equal(table?.problems, []);
  assert.equal(table?.notes, []);
  assert.equal([table?.compaction.filesBefore, table?.compaction.filesAfter, table?.compaction.commits], [8, 2, 1]);
  assert.equal(await bits(house, 'c.all', names), before);
  const now = await entries(house, 'c.all');
  assert.equal(
    now.map((e) => [e.file.partition.get(1000), e.file.recordCount]).sort(),
    [
      ["a'%é", 4],
      [null, 4],
    ].sort(),
  );
  assert.is((await house.engine.explain(`SELECT * FROM c.all WHERE k = 'a''%é'`)).filesKept, 1);
  const metadata = await house.load('c.all');
  const snapshot = currentSnapshot(metadata);
  assert.is(snapshot?.summary.operation, 'replace');
  const listed = (await Promise.all((await house.reader.manifests(snapshot as never)).map((m) => house.reader.entries(m)))).flat();
  const gone = listed.filter((e) => e.status === DELETED);
  assert.equal(gone.length, 8, 'old files are listed as deleted');
  for (const entry of gone) {
    assert.is(entry.snapshotId, snapshot?.['snapshot-id']);
    assert.is(entry.sequenceNumber, old.find((o) => o.file.path === entry.file.path)?.sequenceNumber, 'with their own numbers');
  }
  assert.ok(
    gone.every((e) => existsSync(e.file.path.slice(7))),
    'and stay for older snapshots',
  );
  assert.equal(await house.metastore.catalog.dueGarbage(Number.MAX_SAFE_INTEGER, 100), []);
  assert.equal((await warehouse.maintain({ tables: ['c.all'] })).tables[0]?.compaction.filesBefore, 0, 'a second pass finds nothing to do');
});

test('nested values of foreign files are kept, with field ids for every part', async ({ house, warehouse }) => {
  const type = {
    type: 'list' as const,
    'element-id': 3,
    element: { type: 'struct' as const, fields: [field(4, 'x', 'int'), field(5, 'y', 'string')] },
    'element-required': false,
  };
  await house.createTable('c.nested', [field(1, 'id', 'long'), { ...field(2, 'l', 'string'), type }]);
  for (let i = 0; i < 3; i++) await house.append('c.nested', [`SELECT ${i}::BIGINT AS id, [{x: ${i}, y: 'q'}, NULL, {x: NULL, y: ''}] AS l`]);
  const before = await house.rows('SELECT id, CAST(l AS VARCHAR) AS l FROM c.nested ORDER BY id');
  assert.equal((await warehouse.maintain({ tables: ['c.nested'] })).tables[0]?.compaction.filesAfter, 1);
  assert.equal(await house.rows('SELECT id, CAST(l AS VARCHAR) AS l FROM c.nested ORDER BY id'), before);
  const [entry] = await entries(house, 'c.nested');
  const ids = await house.sql.rows(`SELECT field_id FROM parquet_schema('${entry?.file.path.slice(7)}') WHERE field_id IS NOT NULL ORDER BY 1`);
  assert.equal(
    ids.map((r) => Number(r['field_id'])),
    [1, 2, 3, 4, 5],
  );
});

test('position deletes are folded in, and their files leave when no data file needs them', async ({ house, warehouse }) => {
  await house.createTable('c.del', [field(1, 'id', 'long')]);
  const files: readonly TestFile[] = await house.append('c.del', [
    'SELECT range AS id FROM range(10)',
    'SELECT range + 10 AS id FROM range(10)',
    'SELECT 99 AS id',
  ]);
  await house.deletePositions('c.del', files[0] as TestFile, [0, 3, 9], { withBounds: true });
  await house.deletePositions('c.del', files[2] as TestFile, [0]);
  const before = await house.rows('SELECT id FROM c.del ORDER BY id');
  assert.is(before.length, 17);
  const [table] = (await warehouse.maintain({ tables: ['c.del'] })).tables;
  assert.equal([table?.compaction.filesBefore, table?.compaction.filesAfter, table?.compaction.rowsFolded], [3, 1, 4]);
  assert.equal(await house.rows('SELECT id FROM c.del ORDER BY id'), before);
  assert.is((await entries(house, 'c.del', 1)).length, 0, 'no delete file is live any more');
  const [now] = await entries(house, 'c.del');
  assert.is(now?.file.recordCount, 17);
});

test('a file whose rows are all deleted goes without a successor', async ({ house, warehouse }) => {
  await house.createTable('c.none', [field(1, 'id', 'long')]);
  const [file] = await house.append('c.none', ['SELECT range AS id FROM range(3)']);
  await house.deletePositions('c.none', file as TestFile, [0, 1, 2]);
  const [table] = (await warehouse.maintain({ tables: ['c.none'] })).tables;
  assert.equal([table?.compaction.filesBefore, table?.compaction.filesAfter, table?.compaction.rowsFolded], [1, 0, 3]);
  assert.equal(await entries(house, 'c.none'), []);
  assert.equal(await house.rows('SELECT id FROM c.none'), []);
});

test('files under equality deletes are left alone, since their hidden rows would come back', async ({ house, warehouse }) => {
  await house.createTable('c.eq', [field(1, 'id', 'long')]);
  const files = await house.append('c.eq', ['SELECT 1 AS id', 'SELECT 2 AS id']);
  await house.deletePositions('c.eq', files[0] as TestFile, [0], { content: 2 });
  assert.is((await warehouse.maintain({ tables: ['c.eq'] })).tables[0]?.compaction.filesBefore, 0);
  assert.is((await entries(house, 'c.eq')).length, 2);
});

test('files of an older partition spec keep spec and values, dropped source column and unknown transform included', async ({ house, warehouse }) => {
  await house.createTable('c.spec', [field(1, 'k', 'long'), field(2, 'v', 'string')], [partition(1000, 2, 'identity')]);
  for (let i = 0; i < 3; i++) await house.append('c.spec', [`SELECT ${i} AS k, 'a' AS v`]);
  await house.change('c.spec', (t) => withPartition(t, [partition(1001, 1, 'bucket[4]')]));
  for (let i = 3; i < 6; i++) await house.append('c.spec', [`SELECT 7 AS k, 'b${i}' AS v`]);
  await house.change('c.spec', (t) => withFields(t, [field(1, 'key', 'long')]));
  const before = await house.rows('SELECT key FROM c.spec ORDER BY key');
  const old = await entries(house, 'c.spec');
  const [table] = (await warehouse.maintain({ tables: ['c.spec'] })).tables;
  assert.equal([table?.problems, table?.compaction.filesBefore, table?.compaction.filesAfter], [[], 6, 2]);
  assert.equal(await house.rows('SELECT key FROM c.spec ORDER BY key'), before);
  const now = (await entries(house, 'c.spec')).map((e) => ({ spec: e.file.specId, partition: [...e.file.partition], rows: e.file.recordCount }));
  const bucket = old.find((e) => e.file.specId === 1)?.file.partition.get(1001) ?? null;
  assert.equal(
    now.sort((a, b) => a.spec - b.spec),
    [
      { spec: 0, partition: [[1000, 'a']], rows: 3 },
      { spec: 1, partition: [[1001, bucket]], rows: 3 },
    ],
  );
});

test('what cannot be written as it was stays, and the report says why', async ({ house, warehouse }) => {
  await house.createTable('c.fixed', [field(1, 'h', 'fixed[4]')]);
  await house.createTable('c.names', [field(1, 'a', 'long'), field(2, 'A', 'long')]);
  await house.createTable('c.mapped', [field(1, 'a', 'long')]);
  await house.append('c.mapped', ['SELECT 1 AS a', 'SELECT 2 AS a']);
  await house.change('c.mapped', (t) => ({ ...t, properties: { ...t.properties, 'schema.name-mapping.default': '[]' } }));
  const { tables } = await warehouse.maintain();
  assert.equal(
    tables.map((t) => [t.table, t.notes, t.compaction.filesBefore]),
    [
      ['c.fixed', ['not compacted: the column h holds the type fixed[4], which cannot be written as it was'], 0],
      ['c.mapped', ['not compacted: it maps columns by name (schema.name-mapping.default)'], 0],
      ['c.names', ['not compacted: two columns differ only in the case of their name (A)'], 0],
    ],
  );
  assert.is((await entries(house, 'c.mapped')).length, 2);
});

test('files that hold something else than their metadata says are left as they are', async ({ house, warehouse }) => {
  await house.createTable('c.liar', [field(1, 'a', 'long'), field(2, 'b', 'string')]);
  const files = await house.append('c.liar', [`SELECT 1 AS a, 'x' AS b`, `SELECT 2 AS a, 'y' AS b`]);
  // As a migrated Hive file: no field ids, so every column reads as NULL.
  await house.sql.run(`COPY (SELECT 1::BIGINT AS a, 'x' AS b) TO '${files[0]?.path}' (FORMAT parquet)`);
  const [table] = (await warehouse.maintain({ tables: ['c.liar'] })).tables;
  assert.is(table?.compaction.filesBefore, 0);
  assert.equal(table?.problems, []);
  assert.match(table?.notes[0] ?? '', 'expected 0 NULLs in a by their metadata, found 1');
  assert.is((await entries(house, 'c.liar')).length, 2);
  assert.equal(await house.metastore.catalog.dueGarbage(Number.MAX_SAFE_INTEGER, 100), [], 'its own new files are gone from record and disk');
});

test('appends and deletes during a pass are not lost: changed partitions are given up, the others committed', async ({ house }) => {
  await house.createTable('c.race', [field(1, 'p', 'string'), field(2, 'id', 'long')], [partition(1000, 1, 'identity')]);
  const add = (p: string, id: number): Promise<readonly TestFile[]> => house.append('c.race', [`SELECT '${p}' AS p, ${id} AS id`]);
  const [victim] = await add('a', 1);
  for (const [p, id] of [
    ['a', 2],
    ['b', 3],
    ['b', 4],
    ['c', 5],
    ['c', 6],
  ] as const)
    await add(p, id);
  let meddled = false;
  // The metastore's first transaction of the pass records the new files: right after it, another process commits.
  const metastore = {
    ...house.metastore,
    catalog: {
      ...house.metastore.catalog,
      async swapTable(...args: Parameters<typeof house.metastore.catalog.swapTable>) {
        if (meddled) return house.metastore.catalog.swapTable(...args);
        meddled = true;
        return false;
      },
    },
  };
  const other = openWarehouse({
    metastore,
    root: house.storage.root,
    clock: {
      now: Date.now,
      sleep: async () => {
        await house.deletePositions('c.race', victim as TestFile, [0]);
        await add('b', 7);
      },
    },
    log: { log: () => undefined },
  });
  const [table] = (await other.maintain({ tables: ['c.race'] })).tables;
  await other.closeSql();
  assert.ok(meddled);
  assert.equal(table?.problems, []);
  assert.equal(await house.rows('SELECT list(id ORDER BY id) AS l FROM c.race'), [{ l: [2n, 3n, 4n, 5n, 6n, 7n] }]);
  assert.match(table?.notes.join() ?? '', '1 partitions changed');
});

test('a process that already compacts the table is not disturbed', async ({ house, warehouse }) => {
  await house.createTable('c.lease', [field(1, 'id', 'long')]);
  await house.append('c.lease', ['SELECT 1 AS id', 'SELECT 2 AS id']);
  const key = { project: await house.metastore.projectId(), pipeline: 'maintain ', stream: '', target: (await house.load('c.lease'))['table-uuid'] };
  const lease = await house.metastore.acquireLease(key, 'someone');
  const [table] = (await warehouse.maintain({ tables: ['c.lease'] })).tables;
  await house.metastore.releaseLease(lease);
  assert.equal(table?.notes, ['not compacted: another process does it']);
  assert.is((await entries(house, 'c.lease')).length, 2);
});

test('files are packed to the target size; large ones stay', async ({ house, warehouse }) => {
  await house.createTable('c.size', [field(1, 't', 'string')]);
  for (let i = 0; i < 4; i++) await house.append('c.size', [`SELECT md5(range::VARCHAR || '${i}') AS t FROM range(200)`]);
  await house.append('c.size', [`SELECT md5(range::VARCHAR) AS t FROM range(2000)`]);
  const sizes = (await entries(house, 'c.size')).map((e) => e.file.fileSizeInBytes).sort((a, b) => a - b);
  const target = Math.floor((sizes[0] as number) * 2.5);
  await house.change('c.size', (t) => ({ ...t, properties: { ...t.properties, 'write.target-file-size-bytes': String(target) } }));
  const [table] = (await warehouse.maintain({ tables: ['c.size'] })).tables;
  assert.ok((table?.compaction.filesBefore ?? 0) >= 4);
  const after = (await entries(house, 'c.size')).map((e) => e.file);
  assert.ok(after.length < 4 && after.every((f) => f.fileSizeInBytes <= target || f.fileSizeInBytes === sizes[4]));
  assert.is(after.filter((f) => f.fileSizeInBytes === sizes[4]).length, 1);
});

test.run();
