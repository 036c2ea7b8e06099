import { randomBytes, randomUUID } from 'node:crypto';
import type { Point } from '../../core/spi/index.js';
import type { Storage } from '../storage/storage.js';
import { encodeManifest, type NewEntry } from '../table/manifest.js';
import { encodeManifestList } from '../table/manifest-list.js';
import {
  ADDED,
  DATA_MANIFEST,
  DELETED,
  currentSchema,
  currentSnapshot,
  defaultSpec,
  specById,
  type DataFile,
  type ManifestEntry,
  type ManifestFile,
  type Snapshot,
  type TableMetadata,
} from '../table/model.js';
import { bindSpec } from '../table/partition-record.js';
import { snapshotSummary, type SummaryDelta } from '../table/snapshot-summary.js';
import { withSnapshot } from '../table/table-changes.js';
import type { TableReader } from '../table/table-reader.js';
import { mergeManifests } from './merge-manifests.js';

/** What a snapshot changes. Files in `removed` must be live data files of the table as it is. */
export interface SnapshotChange {
  readonly operation: 'append' | 'overwrite' | 'replace' | 'delete';
  readonly added: readonly DataFile[];
  /** Entries to take out, as the current snapshot's manifests have them; `all` empties the table, delete files too. */
  readonly removed: readonly ManifestEntry[] | 'all';
  /** Further summary entries, e.g. `sluice.run-id`. */
  readonly summary: { readonly [key: string]: string };
}

export interface BuiltSnapshot {
  readonly table: TableMetadata;
  readonly snapshot: Snapshot;
  /** URIs this attempt wrote and nobody else can use: delete them when the swap is lost. */
  readonly written: readonly string[];
}

export interface SnapshotTools {
  readonly storage: Storage;
  readonly reader: TableReader;
  reach(point: Point): void;
}

/** Positive, 63 bits, random. */
export function newSnapshotId(): bigint {
  return (randomBytes(8).readBigUInt64BE() >> 1n) | 1n;
}

/** Writes manifests and manifest list of a snapshot on top of `table` and answers the metadata that shows it. */
export async function buildSnapshot(tools: SnapshotTools, table: TableMetadata, change: SnapshotChange, now: number): Promise<BuiltSnapshot> {
  const { storage, reader } = tools;
  const parent = currentSnapshot(table);
  const commit = { snapshotId: newSnapshotId(), sequenceNumber: table['last-sequence-number'] + 1 };
  const before = parent ? await reader.manifests(parent) : [];
  const written: string[] = [];
  const removal = await planRemoval(reader, before, change.removed);
  const fresh: ManifestFile[] = [];
  const write = async (specId: number, entries: readonly NewEntry[]): Promise<void> => {
    const spec = specById(table, specId);
    const uri = `${table.location}/metadata/${randomUUID()}-m0.avro`;
    const { bytes, manifest } = encodeManifest({ uri, schema: currentSchema(table), spec, fields: bindSpec(table, spec), ...commit, entries });
    written.push(uri);
    await storage.write(uri, bytes);
    fresh.push(manifest);
  };
  if (change.added.length > 0)
    await write(
      defaultSpec(table)['spec-id'],
      change.added.map((file) => ({ status: ADDED, snapshotId: commit.snapshotId, file })),
    );
  for (const rewrite of removal.rewrites) await write(rewrite.specId, rewrite.entries(commit.snapshotId));
  tools.reach('commit.manifest_written');

  const merged = await mergeManifests(storage, reader, table, removal.untouched, commit);
  written.push(...merged.written);
  const manifests = [...fresh, ...merged.manifests];
  const snapshot: Snapshot = {
    'snapshot-id': commit.snapshotId,
    ...(parent ? { 'parent-snapshot-id': parent['snapshot-id'] } : {}),
    'sequence-number': commit.sequenceNumber,
    'timestamp-ms': Math.max(now, table['last-updated-ms'] + 1, (parent?.['timestamp-ms'] ?? 0) + 1),
    'manifest-list': `${table.location}/metadata/snap-${commit.snapshotId}-1-${randomUUID()}.avro`,
    summary: snapshotSummary(change.operation, parent, summarise(change.added, removal), change.summary),
    'schema-id': table['current-schema-id'],
  };
  written.push(snapshot['manifest-list']);
  await storage.write(snapshot['manifest-list'], encodeManifestList(snapshot, manifests));
  reader.rememberManifests(snapshot, manifests);
  tools.reach('commit.manifest_list_written');
  return { table: withSnapshot(table, snapshot), snapshot, written };
}

interface Removal {
  readonly untouched: readonly ManifestFile[];
  readonly rewrites: readonly { readonly specId: number; entries(snapshotId: bigint): readonly NewEntry[] }[];
  readonly files: readonly DataFile[];
  readonly deleteFiles: readonly ManifestEntry[];
}

/** Manifests that lose entries are written anew: lost ones as DELETED, the others as EXISTING, all with their old numbers. */
async function planRemoval(reader: TableReader, manifests: readonly ManifestFile[], removed: SnapshotChange['removed']): Promise<Removal> {
  if (removed !== 'all' && removed.length === 0) return { untouched: manifests, rewrites: [], files: [], deleteFiles: [] };
  const all = removed === 'all';
  const wanted = all ? new Set<string>() : new Set(removed.map((e) => e.file.path));
  const untouched: ManifestFile[] = [];
  const rewrites: { specId: number; entries(snapshotId: bigint): readonly NewEntry[] }[] = [];
  const files: DataFile[] = [];
  const deleteFiles: ManifestEntry[] = [];
  for (const manifest of manifests) {
    if (manifest.content !== DATA_MANIFEST) {
      if (all) deleteFiles.push(...(await reader.entries(manifest)).filter((e) => e.status !== DELETED));
      else untouched.push(manifest);
      continue;
    }
    const live = (await reader.entries(manifest)).filter((e) => e.status !== DELETED);
    const gone = live.filter((e) => all || wanted.has(e.file.path));
    if (gone.length === 0) {
      if (live.length > 0) untouched.push(manifest);
      continue;
    }
    files.push(...gone.map((e) => e.file));
    const lost = new Set(gone);
    rewrites.push({
      specId: manifest.specId,
      entries: (snapshotId) => live.map((e) => (lost.has(e) ? { ...e, status: DELETED, snapshotId } : { ...e, status: 0 })),
    });
  }
  return { untouched, rewrites: all ? groupBySpec(rewrites) : rewrites, files, deleteFiles };
}

/** An emptied table needs one manifest of deletions per spec, not one per old manifest. */
function groupBySpec(rewrites: Removal['rewrites']): Removal['rewrites'] {
  const specs = [...new Set(rewrites.map((r) => r.specId))];
  return specs.map((specId) => ({
    specId,
    entries: (snapshotId) => rewrites.filter((r) => r.specId === specId).flatMap((r) => r.entries(snapshotId)),
  }));
}

function summarise(added: readonly DataFile[], removal: Removal): SummaryDelta {
  const rows = (files: readonly DataFile[]): number => files.reduce((sum, f) => sum + f.recordCount, 0);
  const bytes = (files: readonly DataFile[]): number => files.reduce((sum, f) => sum + f.fileSizeInBytes, 0);
  const partitions = new Set([...added, ...removal.files].map((f) => `${f.specId}:${[...f.partition.values()].map(String).join('\u0000')}`));
  const deletes = (content: number): number => rows(removal.deleteFiles.filter((e) => e.file.content === content).map((e) => e.file));
  return {
    addedFiles: added.length,
    addedRows: rows(added),
    addedBytes: bytes(added),
    deletedFiles: removal.files.length,
    deletedRows: rows(removal.files),
    deletedBytes: bytes(removal.files) + bytes(removal.deleteFiles.map((e) => e.file)),
    changedPartitions: partitions.size,
    removedDeleteFiles: removal.deleteFiles.length,
    removedPositionDeletes: deletes(1),
    removedEqualityDeletes: deletes(2),
  };
}
