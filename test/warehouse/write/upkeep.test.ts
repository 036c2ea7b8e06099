import { existsSync, readdirSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { StageReport } from '../../../src/core/spi/index.js';
import type { WritePlan } from '../../../src/warehouse/index.js';
import { writeAvro } from '../../../src/warehouse/table/avro-writer.js';
import { encodeManifestList } from '../../../src/warehouse/table/manifest-list.js';
import { manifestEntrySchema } from '../../../src/warehouse/table/manifest-schema.js';
import { EXISTING, currentSnapshot, type ManifestFile, type Snapshot, type TableMetadata } from '../../../src/warehouse/table/model.js';
import { withSnapshot } from '../../../src/warehouse/table/table-changes.js';
import { filesOfExpired, snapshotsToExpire } from '../../../src/warehouse/write/expire-snapshots.js';
import { liveFiles, load, openFixture, readRows, type Fixture } from './warehouse-fixture.js';

const test = suite<{ f: Fixture }>('upkeep on commit');
test.before.each(async (context) => {
  context.f = await openFixture();
});
test.after.each((context) => context.f.close());

const HOUR = 3_600_000;
const request = { table: 'shop.t', schema: [{ name: 'id', type: 'long' }] } as const;
const row = (i: number): string => `SELECT ${i}::BIGINT AS id, 0 AS st`;

/** Commits copies of one staged file, which is all that metadata sees of a commit. */
async function commitMany(f: Fixture, plan: WritePlan, report: StageReport, from: number, to: number, step = 0): Promise<number[]> {
  const millis: number[] = [];
  for (let i = from; i < to; i++) {
    f.time += step;
    const staged = (report.staged as readonly { path: string }[]).map((x) => ({ ...x, path: x.path.replace('.parquet', `-${i}.parquet`) }));
    const started = performance.now();
    await f.warehouse.commitWrites(
      { plan, staged: [{ ...report, staged: staged as never }], rejects: [] },
      { runId: `many-${i}`, reach: () => undefined, within: () => Promise.resolve() },
    );
    millis.push(performance.now() - started);
  }
  return millis;
}

test('manifests merge at 100: few are left, every file and its numbers are kept', async ({ f }) => {
  const { plan, report } = await load(f, request, row(0));
  await commitMany(f, plan, report, 1, 131);
  const { metadata } = await f.warehouse.catalog.loadTable('shop.t');
  const fresh = f.reopen();
  const snapshot = currentSnapshot(metadata) as Snapshot;
  const manifests = await fresh.reader.manifests(snapshot);
  assert.ok(manifests.length < 50, `${manifests.length} manifests`);
  const merged = manifests.find((m) => m.existingFiles > 1) as ManifestFile;
  assert.is(merged.minSequenceNumber, 1);
  const entries = (await Promise.all(manifests.map((m) => fresh.reader.entries(m)))).flat();
  assert.is(new Set(entries.map((e) => e.file.path)).size, 131);
  for (const entry of entries) {
    const made = metadata.snapshots.find((s) => s['snapshot-id'] === entry.snapshotId);
    assert.is(entry.sequenceNumber, made?.['sequence-number']);
    assert.is(entry.fileSequenceNumber, entry.sequenceNumber);
  }
  assert.ok(entries.some((e) => e.status === EXISTING));
});

test('old metadata files beyond the limit are recorded with the commit and deleted after the grace period', async ({ f }) => {
  const { plan, report } = await load(f, request, row(0));
  await commitMany(f, plan, report, 1, 31);
  const folder = `${plan.location.replace('file://', '')}/metadata`;
  const versions = (): number => readdirSync(folder).filter((n) => n.endsWith('.metadata.json')).length;
  assert.is(versions(), 31);
  assert.is(await f.warehouse.removeGarbage(), 0);
  f.time += HOUR;
  assert.is(await f.warehouse.removeGarbage(), 10);
  assert.is(versions(), 21);
  assert.is(await f.warehouse.removeGarbage(), 0);
});

const snapshots = (ages: readonly number[], now: number): TableMetadata =>
  ({
    'current-snapshot-id': BigInt(ages.length),
    refs: { main: { 'snapshot-id': BigInt(ages.length), type: 'branch' }, keep: { 'snapshot-id': 2n, type: 'tag' } },
    snapshots: ages.map((age, i) => ({
      'snapshot-id': BigInt(i + 1),
      'sequence-number': i + 1,
      'timestamp-ms': now - age,
      'manifest-list': '',
      summary: { operation: 'append' },
    })),
  }) as unknown as TableMetadata;

test('expiry: 5 days, at least 100, at most 500, none younger than an hour or held by a ref', () => {
  const now = 1e12;
  const retention = { maxAge: 120 * HOUR, atLeast: 100, atMost: 500 };
  const ids = (count: number, age: (i: number) => number): number[] =>
    snapshotsToExpire(
      snapshots(
        Array.from({ length: count }, (_, i) => age(count - i)),
        now,
      ),
      retention,
      now,
    )
      .map((s) => Number(s['snapshot-id']))
      .sort((a, b) => a - b);
  assert.equal(
    ids(100, () => 1000 * HOUR),
    [],
    'at least 100 wins',
  );
  assert.equal(
    ids(103, () => 1000 * HOUR),
    [1, 3],
    'beyond the age; 2 is held by a tag',
  );
  assert.equal(
    ids(503, () => 2 * HOUR),
    [1, 3],
    'beyond the count',
  );
  assert.equal(
    ids(503, () => HOUR - 1),
    [],
    'younger than an hour',
  );
  assert.equal(
    ids(300, () => 119 * HOUR),
    [],
    'within age and count',
  );
});

test('expired snapshots leave metadata, and what only they reached is named for deletion', async ({ f }) => {
  const properties = { 'history.expire.min-snapshots-to-keep': '2', 'history.expire.max-snapshot-age-ms': String(HOUR) };
  const first = await load(f, { ...request, properties }, row(1));
  const replaced = (await liveFiles(f, 'shop.t'))[0]?.path ?? '';
  f.time += 2 * HOUR;
  await load(f, { ...request, mode: 'replace' }, row(2));
  f.time += 2 * HOUR;
  await load(f, request, row(3));
  assert.ok(existsSync(replaced.replace('file://', '')));
  f.time += 2 * HOUR;
  await load(f, request, row(4));
  const { metadata } = await f.warehouse.catalog.loadTable('shop.t');
  assert.is(metadata.snapshots.length, 2);
  f.time += 2 * HOUR;
  await f.warehouse.removeGarbage();
  assert.not.ok(existsSync(replaced.replace('file://', '')), 'the replaced file is gone');
  assert.equal(await readRows(f, 'shop.t', 'count(*) AS n'), [{ n: 3n }]);
  for (const snapshot of metadata.snapshots)
    for (const m of await f.reopen().reader.manifests(snapshot)) assert.ok(existsSync(m.path.replace('file://', '')));
  assert.ok(existsSync(first.plan.location.replace('file://', '')));
});

test('after a rollback (two lines of history) only files that no kept snapshot reaches are named', async ({ f }) => {
  await load(f, request, row(1));
  const base = (await f.warehouse.catalog.loadTable('shop.t')).metadata;
  await load(f, { ...request, mode: 'replace' }, row(2));
  const { metadata } = await f.warehouse.catalog.loadTable('shop.t');
  const [one, two] = metadata.snapshots as [Snapshot, Snapshot];
  const back = { ...metadata, 'current-snapshot-id': one['snapshot-id'], snapshots: [two, one] };
  const gone = await filesOfExpired(f.warehouse.reader, back, [two]);
  const kept = (await f.warehouse.reader.entries((await f.warehouse.reader.manifests(one))[0] as ManifestFile)).map((e) => e.file.path);
  assert.ok(
    kept.every((path) => !gone.includes(path)),
    'the file that the dead line deleted is live',
  );
  assert.ok(gone.includes(two['manifest-list']));
  assert.is(gone.filter((p) => p.endsWith('.parquet')).length, 1);
  assert.is(base.snapshots.length, 1);
});

/** Puts a snapshot with a position-delete manifest on the table, as Trino does. */
async function addForeignDelete(f: Fixture): Promise<string> {
  const { metadata, name, metadataLocation } = await f.warehouse.catalog.loadTable('shop.t');
  const parent = currentSnapshot(metadata) as Snapshot;
  const before = await f.warehouse.reader.manifests(parent);
  const uri = `${metadata.location}/metadata/foreign-m0.avro`;
  const id = 77n;
  const file = {
    content: 1,
    file_path: `${metadata.location}/data/delete.parquet`,
    file_format: 'PARQUET',
    partition: {},
    record_count: 4,
    file_size_in_bytes: 100,
  };
  const bytes = writeAvro(manifestEntrySchema([]), { content: 'deletes', 'format-version': '2' }, [{ status: 1, snapshot_id: id, data_file: file }]);
  await f.warehouse.storage.write(uri, bytes);
  const sequence = metadata['last-sequence-number'] + 1;
  const manifest: ManifestFile = {
    ...(before[0] as ManifestFile),
    path: uri,
    length: bytes.length,
    content: 1,
    sequenceNumber: sequence,
    minSequenceNumber: sequence,
    addedSnapshotId: id,
    addedFiles: 1,
    addedRows: 4,
    partitions: [],
  };
  const snapshot: Snapshot = {
    'snapshot-id': id,
    'parent-snapshot-id': parent['snapshot-id'],
    'sequence-number': sequence,
    'timestamp-ms': parent['timestamp-ms'] + 1,
    'manifest-list': `${metadata.location}/metadata/snap-foreign.avro`,
    summary: { ...parent.summary, operation: 'delete', 'total-delete-files': '1', 'total-position-deletes': '4' },
  };
  await f.warehouse.storage.write(snapshot['manifest-list'], encodeManifestList(snapshot, [...before, manifest]));
  await f.warehouse.commitChanges([{ name, build: () => Promise.resolve({ table: withSnapshot(metadata, snapshot), written: [], facts: {} }) }], {
    reach: () => undefined,
  });
  assert.is.not((await f.warehouse.catalog.loadTable('shop.t')).metadataLocation, metadataLocation);
  return uri;
}

test('rules 3 and 5: foreign delete manifests and their totals are carried over by appends and merges', async ({ f }) => {
  const { plan, report } = await load(f, request, row(0));
  const uri = await addForeignDelete(f);
  await commitMany(f, plan, report, 1, 121);
  const { metadata } = await f.warehouse.catalog.loadTable('shop.t');
  const snapshot = currentSnapshot(metadata) as Snapshot;
  const found = (await f.reopen().reader.manifests(snapshot)).find((m) => m.path === uri);
  assert.equal([found?.content, found?.addedFiles, found?.sequenceNumber], [1, 1, 2]);
  assert.equal(
    [snapshot.summary['total-delete-files'], snapshot.summary['total-position-deletes'], snapshot.summary['total-data-files']],
    ['1', '4', '121'],
  );
});

test('replace drops foreign deletes with the rows they belong to, and says so in the totals', async ({ f }) => {
  await load(f, request, row(0));
  await addForeignDelete(f);
  await load(f, { ...request, mode: 'replace' }, row(5));
  const { metadata } = await f.warehouse.catalog.loadTable('shop.t');
  const snapshot = currentSnapshot(metadata) as Snapshot;
  assert.ok((await f.reopen().reader.manifests(snapshot)).every((m) => m.content === 0));
  assert.equal(
    [snapshot.summary['total-delete-files'], snapshot.summary['total-position-deletes'], snapshot.summary['removed-delete-files']],
    ['0', '0', '1'],
  );
});

test('a late commit costs no more than three times an early one', async ({ f }) => {
  const { plan, report } = await load(f, request, row(0));
  const millis = await commitMany(f, plan, report, 1, 451);
  const median = (from: number): number => millis.slice(from, from + 40).sort((a, b) => a - b)[20] ?? 0;
  assert.ok(median(410) <= 3 * median(30), `${median(30).toFixed(1)} ms at 50, ${median(410).toFixed(1)} ms at 430`);
});

test.run();
