import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SluiceError } from '../../../src/core/spi/index.js';
import { createCatalog } from '../../../src/warehouse/catalog/catalog.js';
import { openWarehouse, type Warehouse } from '../../../src/warehouse/index.js';
import { openLocalStorage } from '../../../src/warehouse/storage/local-storage.js';
import { liveFiles, load, openFixture, readRows, type Fixture } from '../write/warehouse-fixture.js';

const test = suite<{ f: Fixture }>('maintain');
test.before.each(async (context) => {
  context.f = await openFixture();
  // Files have the times of the real clock.
  context.f.time = Date.now();
});
test.after.each(async ({ f }) => {
  await f.warehouse.closeSql();
  await f.close();
});

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const request = { table: 'shop.t', schema: [{ name: 'id', type: 'long' }] } as const;
const row = (i: number): string => `SELECT ${i}::BIGINT AS id, 0 AS st`;
const path = (uri: string): string => uri.replace('file://', '');

async function failure(work: Promise<unknown>): Promise<SluiceError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof SluiceError) return error;
    throw error;
  }
  throw new Error('expected an error');
}

/** Names and contents of all files below a folder, and the metastore's rows that upkeep changes. */
async function everything(f: Fixture): Promise<string> {
  const files: string[] = [];
  const visit = (folder: string): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const name = join(folder, entry.name);
      if (entry.isDirectory()) visit(name);
      else files.push(`${name} ${createHash('sha1').update(readFileSync(name)).digest('hex')}`);
    }
  };
  visit(`${f.dir}/wh`);
  const store = f.metastore.catalog;
  const rows = [
    await store.listTables(),
    await store.listDropped(),
    await store.dueGarbage(Number.MAX_SAFE_INTEGER, 1e6),
    await f.metastore.listRuns({}),
  ];
  return [...files.sort(), JSON.stringify(rows)].join('\n');
}

function warehouseWith(
  f: Fixture,
  maintain: { automatic?: boolean; minSnapshots?: number; maxSnapshots?: number; snapshotDays?: number },
): Warehouse {
  return openWarehouse({
    metastore: f.metastore,
    root: `file://${f.dir}/wh`,
    clock: { now: () => f.time, sleep: () => new Promise((resolve) => setImmediate(resolve)) },
    log: { log: () => undefined },
    maintain: { automatic: true, snapshotDays: 5, minSnapshots: 100, maxSnapshots: 500, ...maintain },
  });
}

test('after a commit, a partition with too many small files is compacted; others and switched-off projects are not', async ({ f }) => {
  const days = {
    table: 'shop.t',
    schema: [
      { name: 'time', type: 'timestamp' },
      { name: 'id', type: 'long' },
    ],
  };
  const on = (day: number, i: number): string => `SELECT TIMESTAMPTZ '2026-01-0${day} 00:00:00+00' AS time, ${i}::BIGINT AS id, 0 AS st`;
  for (let i = 0; i < 3; i++) await (await load(f, days, on(2, i))).commit.upkeep();
  for (let i = 3; i < 33; i++) await (await load(f, days, on(1, i))).commit.upkeep();
  assert.is((await liveFiles(f, 'shop.t')).length, 33);
  const last = await load(f, days, on(1, 33));
  const commits = (await f.warehouse.catalog.loadTable('shop.t')).metadata.snapshots.length;
  await last.commit.upkeep();
  assert.is((await liveFiles(f, 'shop.t')).length, 4, 'one for the crowded day');
  const { metadata } = await f.warehouse.catalog.loadTable('shop.t');
  assert.is(metadata.snapshots.length, commits + 1, 'in one commit of its own');
  assert.is(metadata.snapshots.at(-1)?.summary.operation, 'replace');
  assert.equal(await readRows(f, 'shop.t', 'count(*) AS n, sum(id) AS s'), [{ n: 34n, s: 561n }]);
  const quiet = { ...f, warehouse: warehouseWith(f, { automatic: false }) } as Fixture;
  for (let i = 0; i < 35; i++) await (await load(quiet, days, on(3, i))).commit.upkeep();
  assert.is((await liveFiles(f, 'shop.t')).length, 39);
  await quiet.warehouse.closeSql();
});

test('appends and compactions at the same time: every row is there once', async ({ f }) => {
  await load(f, request, row(0));
  const writers = [f.reopen(), f.reopen()].map(async (warehouse, writer) => {
    const here = { ...f, warehouse } as Fixture;
    for (let i = 1; i <= 12; i++) await load(here, request, row(writer * 100 + i), { runId: `w${writer}-${i}` });
  });
  let over = false;
  const keeper = f.reopen();
  const upkeep = (async (): Promise<number> => {
    let commits = 0;
    while (!over) {
      // Where nothing is to be done, everything comes from caches: let the others on.
      await new Promise((resolve) => setImmediate(resolve));
      const [table] = (await keeper.maintain()).tables;
      assert.equal(table?.problems, []);
      commits += table?.compaction.commits ?? 0;
    }
    return commits;
  })();
  await Promise.all(writers).finally(() => (over = true));
  assert.ok((await upkeep) > 0);
  await keeper.closeSql();
  assert.equal(await readRows(f, 'shop.t', 'count(*) AS n, count(DISTINCT id) AS d'), [{ n: 25n, d: 25n }]);
});

test('SQL inserts are compacted like loads', async ({ f }) => {
  await load(f, request, row(0));
  for (let i = 1; i <= 30; i++) await load(f, request, row(i));
  const before = (await liveFiles(f, 'shop.t')).length;
  for (let i = 0; i < 2; i++) await f.warehouse.execute(`INSERT INTO shop.t VALUES (${100 + i})`);
  assert.ok((await liveFiles(f, 'shop.t')).length < before);
  assert.equal(await readRows(f, 'shop.t', 'count(*) AS n'), [{ n: 33n }]);
});

test('a growing partition is rewritten in tiers: what is large already waits for its like', async ({ f }) => {
  const big = await load(f, request, `SELECT (hash(range) >> 1)::BIGINT AS id, 0 AS st FROM range(20000)`);
  await big.commit.upkeep();
  const [first] = await liveFiles(f, 'shop.t');
  for (let i = 0; i < 31; i++) await (await load(f, request, row(i))).commit.upkeep();
  const files = await liveFiles(f, 'shop.t');
  assert.ok(files.length < 5);
  assert.ok(files.some((file) => file.path === first?.path));
});

test('snapshots expire by the project’s settings, except refs’, the newest and those of the last hour', async ({ f }) => {
  const strict = warehouseWith(f, { snapshotDays: 1, minSnapshots: 3, maxSnapshots: 4 });
  for (let i = 0; i < 6; i++) await load(f, request, row(i));
  assert.is((await strict.maintain({ dryRun: true })).tables[0]?.snapshotsExpired, 0, 'too young');
  const { metadata, name } = await strict.catalog.loadTable('shop.t');
  const ids = metadata.snapshots.map((s) => s['snapshot-id']);
  const refs = { ...metadata.refs, keep: { 'snapshot-id': ids[1] ?? 0n, type: 'tag' as const } };
  const tag = { name, build: () => Promise.resolve({ table: { ...metadata, refs }, written: [], expire: false, facts: {} }) };
  await strict.commitChanges([tag], { reach: () => undefined });
  f.time += 2 * HOUR;
  assert.is((await f.warehouse.maintain({ dryRun: true })).tables[0]?.snapshotsExpired, 0, 'at least 100 stay by default');
  assert.is((await strict.maintain({ dryRun: true })).tables[0]?.snapshotsExpired, 1, 'beyond four, but one is tagged');
  f.time += DAY;
  const [done] = (await strict.maintain()).tables;
  assert.equal([done?.compaction.commits, done?.snapshotsExpired], [1, 2]);
  const left = (await strict.catalog.loadTable('shop.t')).metadata.snapshots.map((s) => s['snapshot-id']);
  assert.equal(left.slice(0, 4), [ids[1], ...ids.slice(3)], 'the tagged one and the newest three');
  assert.is(left.length, 5, 'and that of the compaction');
  await strict.closeSql();
});

test('an explicit pass expires each due snapshot, and its files go after the readers’ hour', async ({ f }) => {
  const properties = { 'history.expire.min-snapshots-to-keep': '1', 'history.expire.max-snapshot-age-ms': String(2 * HOUR) };
  await load(f, { ...request, properties }, row(1));
  const old = (await liveFiles(f, 'shop.t'))[0]?.path ?? '';
  await load(f, { ...request, mode: 'replace' }, row(2));
  f.time += 3 * HOUR;
  assert.is((await f.warehouse.maintain({ dryRun: true })).tables[0]?.snapshotsExpired, 1);
  assert.is((await f.warehouse.maintain()).tables[0]?.snapshotsExpired, 1);
  assert.ok(existsSync(path(old)), 'a query that started before may still read it');
  f.time += 2 * HOUR;
  assert.ok((await f.warehouse.maintain()).garbageFiles > 0);
  assert.not.ok(existsSync(path(old)));
  assert.equal(await readRows(f, 'shop.t', 'id'), [{ id: 2n }]);
});

test('retention deletes rows by whole days, and nothing is committed when none is that old', async ({ f }) => {
  const days = {
    table: 'shop.t',
    schema: [
      { name: 'at', type: 'timestamp' },
      { name: 'id', type: 'long' },
    ],
    timeColumn: 'at',
    properties: { 'sluice.expire-days': '3' },
  };
  f.time = Date.UTC(2026, 5, 10, 15);
  const at = (text: string, id: number): string => `SELECT TIMESTAMPTZ '2026-06-${text}+00' AS at, ${id}::BIGINT AS id, 0 AS st`;
  await load(f, days, [at('06 23:59:59', 1), at('07 00:00:00', 2), at('05 00:00:00', 3), `SELECT NULL, 4, 0`].join(' UNION ALL '));
  const dry = await f.warehouse.maintain({ dryRun: true });
  assert.equal(dry.tables[0]?.retention, { column: 'at', before: '2026-06-07T00:00:00.000Z', rows: 2 });
  const done = await f.warehouse.maintain();
  assert.equal([done.tables[0]?.problems, done.tables[0]?.retention?.rows], [[], 2]);
  assert.equal(await readRows(f, 'shop.t', 'list(id ORDER BY id) AS l'), [{ l: [2n, 4n] }]);
  const before = (await f.warehouse.catalog.loadTable('shop.t')).metadataLocation;
  assert.is((await f.warehouse.maintain()).tables[0]?.retention?.rows, 0);
  assert.is((await f.warehouse.catalog.loadTable('shop.t')).metadataLocation, before);
  f.time += DAY;
  await f.warehouse.maintain();
  assert.equal(await readRows(f, 'shop.t', 'list(id) AS l'), [{ l: [4n] }]);
});

test('retention of seconds and dates; a table without a time column is a problem of that table only', async ({ f }) => {
  f.time = Date.UTC(2026, 5, 10);
  const properties = { 'sluice.expire-days': '1' };
  const day = Date.UTC(2026, 5, 9) / 1000;
  await load(
    f,
    { table: 'a.seconds', schema: [{ name: 'time', type: 'long' }], properties },
    `SELECT unnest([${day - 1}, ${day}])::BIGINT AS time, 0 AS st`,
  );
  await load(
    f,
    { table: 'a.days', schema: [{ name: 'd', type: 'date' }], timeColumn: 'd', properties },
    `SELECT unnest([DATE '2026-06-08', DATE '2026-06-09']) AS d, 0 AS st`,
  );
  await load(f, { ...request, properties }, row(1));
  const { tables } = await f.warehouse.maintain();
  assert.equal(
    tables.map((t) => [t.table, t.retention?.rows, t.problems.map((p) => p.code)]),
    [
      ['a.days', 1, []],
      ['a.seconds', 1, []],
      ['shop.t', undefined, ['EXPIRE_DAYS']],
    ],
  );
  assert.equal(await readRows(f, 'a.seconds', 'time'), [{ time: BigInt(day) }]);
});

test('a dry run changes nothing at all', async ({ f }) => {
  await load(f, { ...request, properties: { 'history.expire.min-snapshots-to-keep': '1', 'history.expire.max-snapshot-age-ms': '1' } }, row(0));
  for (let i = 1; i < 12; i++) await load(f, request, row(i));
  await load(f, { ...request, table: 'shop.gone' }, row(1));
  await f.warehouse.catalog.dropTable('shop.gone');
  f.time += 20 * DAY;
  const before = await everything(f);
  const report = await f.warehouse.maintain({ dryRun: true, orphans: true, yes: true });
  assert.equal(await everything(f), before);
  const [table] = report.tables;
  assert.equal([table?.compaction.filesBefore, table?.compaction.filesAfter, table?.compaction.commits], [12, 1, 0]);
  assert.is(table?.snapshotsExpired, 11);
  assert.is(table?.manifestsMerged, 12);
  assert.is(report.dropped.length, 1);
  assert.equal(JSON.parse(JSON.stringify(report)), report, 'plain JSON');
});

test('manifests merge on demand, and deleted entries are said once only', async ({ f }) => {
  for (let i = 0; i < 12; i++) await load(f, { ...request, properties: { 'write.target-file-size-bytes': '1' } }, row(i));
  assert.is((await f.warehouse.maintain()).tables[0]?.manifestsMerged, 12);
  const manifests = async (): Promise<number> => {
    const { metadata } = await f.warehouse.catalog.loadTable('shop.t');
    return (await f.reopen().reader.manifests(metadata.snapshots.at(-1) as never)).length;
  };
  assert.is(await manifests(), 1);
  await load(f, { ...request, properties: { 'write.target-file-size-bytes': '1000000' } }, row(12));
  assert.is((await f.warehouse.maintain()).tables[0]?.compaction.filesBefore, 13);
  assert.is(await manifests(), 2, 'the new file, and all that left');
  await load(f, request, row(13));
  assert.is(await manifests(), 2, 'the list of the ones that left is not carried on');
});

test('an undrop that upkeep overtakes is refused: the files are on their way out', async ({ f }) => {
  await load(f, request, row(1));
  await f.warehouse.catalog.dropTable('shop.t');
  f.time += 6 * DAY;
  const { reader } = f.warehouse;
  const late = createCatalog(
    {
      ...f.metastore,
      async transaction(work) {
        await f.warehouse.maintain();
        return f.metastore.transaction(work);
      },
    },
    reader,
  );
  const refused = await failure(late.undropTable('shop.t'));
  assert.equal([refused.code, refused.message], ['TABLE_NOT_DROPPED', 'there is no dropped table shop.t']);
  assert.is(await f.warehouse.catalog.findTable('shop.t'), undefined);
});

test('dropped tables go for good after the snapshot period, and only then; undrop in time wins', async ({ f }) => {
  const kept = await load(f, { ...request, table: 'shop.kept' }, row(1));
  const gone = await load(f, { ...request, table: 'shop.gone' }, row(1));
  await load(f, { ...request, table: 'shop.gone' }, row(2));
  const droppedAt = await f.metastore.now();
  await f.warehouse.catalog.dropTable('shop.gone');
  f.time = droppedAt + 4 * DAY;
  assert.equal((await f.warehouse.maintain()).dropped, []);
  await f.warehouse.catalog.undropTable('shop.gone');
  f.time = droppedAt + 8 * DAY;
  assert.equal((await f.warehouse.maintain()).dropped, []);
  await f.warehouse.catalog.dropTable('shop.gone');
  f.time = droppedAt + 14 * DAY;
  const report = await f.warehouse.maintain();
  assert.equal(
    report.dropped.map((d) => [d.table, d.tableUuid, d.problem]),
    [['shop.gone', gone.plan.tableUuid, undefined]],
  );
  assert.equal(await f.metastore.catalog.listDropped(), []);
  const left: string[] = [];
  for await (const { uri } of openLocalStorage(`file://${f.dir}/wh`).list(gone.plan.location)) left.push(uri);
  assert.equal(left, []);
  assert.not.ok(existsSync(path(gone.plan.location)), 'nor is the folder');
  assert.ok(existsSync(path(kept.plan.location)));
  assert.equal(await readRows(f, 'shop.kept', 'id'), [{ id: 1n }]);
});

test('staged files of runs that failed long ago go and the run ends; recent, held and living ones stay', async ({ f }) => {
  const { plan } = await load(f, request, row(1));
  const project = await f.metastore.projectId();
  const files = new Map<string, string>();
  for (const id of ['failed', 'held', 'alive'] as const) {
    const key = { project, pipeline: id, stream: '', target: 'warehouse:shop.t' };
    const lease = await f.metastore.acquireLease(key, 'test');
    await f.metastore.createRun({ runId: id, key, targetName: 'shop.t', startedAt: f.time, configHash: '', plan: {} }, lease);
    const file = `${plan.location}/data/${id}.parquet`;
    writeFileSync(path(file), 'x');
    files.set(id, path(file));
    await f.metastore.recordStaging(id, 0, [file, `${plan.location}/data/_staging/${id}`], lease);
    if (id !== 'alive') await f.metastore.finishRun(id, id, { summary: null, error: null }, lease);
    if (id !== 'alive') await f.metastore.releaseLease(lease);
  }
  f.time = (await f.metastore.now()) + 2 * DAY;
  assert.equal((await f.warehouse.maintain()).runs, []);
  f.time += 2 * DAY;
  assert.equal((await f.warehouse.maintain({ dryRun: true })).runs, [
    { runId: 'failed', table: 'shop.t', paths: 2 },
    { runId: 'alive', table: 'shop.t', paths: 2 },
  ]);
  assert.equal((await f.warehouse.maintain()).runs, [{ runId: 'failed', table: 'shop.t', paths: 2 }]);
  assert.equal(
    [...files].filter(([, file]) => existsSync(file)).map(([id]) => id),
    ['held', 'alive'],
  );
  assert.is((await f.metastore.getRun('failed'))?.status, 'discarded');
  assert.equal(await f.metastore.stagedPaths('failed'), []);
});

interface Littered {
  readonly young: string;
  readonly old: string;
  readonly staged: string;
}

/** A table with history, and files beside it that nothing names. */
async function litter(f: Fixture): Promise<Littered> {
  const { plan } = await load(f, request, row(1));
  await load(f, { ...request, mode: 'replace' }, row(2));
  const named = { young: 'young', old: 'old', staged: 'staged' } as const;
  const make = (name: string, age: number): string => {
    const file = `${path(plan.location)}/data/${name}.parquet`;
    writeFileSync(file, 'x');
    utimesSync(file, new Date(f.time - age), new Date(f.time - age));
    return file;
  };
  const found = { young: make(named.young, 2 * DAY), old: make(named.old, 4 * DAY), staged: make(named.staged, 9 * DAY) };
  const key = { project: await f.metastore.projectId(), pipeline: 'p', stream: '', target: 'x' };
  const lease = await f.metastore.acquireLease(key, 'test');
  await f.metastore.createRun({ runId: 'held', key, targetName: 'shop.t', startedAt: f.time, configHash: '', plan: {} }, lease);
  await f.metastore.recordStaging('held', 0, [`file://${found.staged}`], lease);
  await f.metastore.finishRun('held', 'held', { summary: null, error: null }, lease);
  await f.metastore.releaseLease(lease);
  return found;
}

test('orphans: only old files that nothing names, only with yes', async ({ f }) => {
  const { young, old, staged } = await litter(f);
  const listed = await f.warehouse.maintain({ orphans: true });
  assert.equal(listed.tables[0]?.orphans, { files: 1, bytes: 1, deleted: false, paths: [`file://${old}`] });
  assert.ok(existsSync(old));
  // All files are old enough now, also those that only earlier snapshots reach.
  f.time += 4 * DAY;
  const done = await f.warehouse.maintain({ orphans: true, yes: true });
  assert.equal(done.tables[0]?.orphans?.paths, [`file://${old}`, `file://${young}`].sort());
  assert.is(done.tables[0]?.orphans?.deleted, true);
  assert.equal([young, old, staged].map(existsSync), [false, false, true]);
  assert.equal(await readRows(f, 'shop.t', 'id'), [{ id: 2n }]);
  const { metadata } = await f.warehouse.catalog.loadTable('shop.t');
  const fresh = f.reopen();
  for (const snapshot of metadata.snapshots)
    for (const manifest of await fresh.reader.manifests(snapshot))
      for (const entry of await fresh.reader.entries(manifest)) assert.ok(existsSync(path(entry.file.path)), 'older snapshots stay readable');
});

test('orphans are refused where the metastore was restored from a backup, or is another one', async ({ f }) => {
  const { old } = await litter(f);
  const name = { namespace: 'shop', name: 't' };
  const earlier = (await f.warehouse.catalog.loadTable('shop.t')).metadataLocation;
  await load(f, request, row(3));
  const later = (await f.warehouse.catalog.loadTable('shop.t')).metadataLocation;
  await f.metastore.transaction((tx) => f.metastore.catalog.swapTable(tx, name.namespace, name.name, later, earlier));
  const behind = await failure(f.warehouse.maintain({ orphans: true, yes: true }));
  assert.is(behind.code, 'METASTORE_BEHIND');
  assert.match(behind.message, later);
  assert.match(behind.hint ?? '', 'restored from a backup');
  await f.metastore.transaction((tx) => f.metastore.catalog.swapTable(tx, name.namespace, name.name, earlier, later));
  const marker = `${f.dir}/wh/_sluice/warehouse.json`;
  writeFileSync(marker, JSON.stringify({ metastore: 'another' }));
  assert.is((await failure(f.warehouse.maintain({ orphans: true, yes: true }))).code, 'STORAGE_FOREIGN');
  assert.ok(existsSync(old) && statSync(old).size === 1);
});

test('yes alone confirms nothing', async ({ f }) => {
  assert.is((await failure(f.warehouse.maintain({ yes: true }))).code, 'ORPHANS_YES');
  assert.is((await failure(f.warehouse.maintain({ tables: ['shop.nothing'] }))).code, 'TABLE_MISSING');
});

test.run();
