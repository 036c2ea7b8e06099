import { randomBytes, randomUUID } from 'node:crypto';
import type { Point } from '../../core/spi/index.js';
import type { Storage } from '../storage/storage.js';
import { encodeManifest, type NewEntry } from '../table/manifest.js';
import { encodeManifestList } from '../table/manifest-list.js';
import {
  ADDED,
  DATA,
  DATA_MANIFEST,
  DELETED,
  EXISTING,
  currentSchema,
  currentSnapshot,
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

/** Entries of one manifest at most where several that lose files become one. */
const MERGED_ENTRIES = 10_000;

/** What a snapshot changes. Files in `removed` must be live files of the table as it is. */
export interface SnapshotChange {
  readonly operation: 'append' | 'overwrite' | 'replace' | 'delete';
  /** Each by its own spec. */
  readonly added: readonly DataFile[];
  /** Entries of data and delete files to take out, as the current snapshot's manifests have them; `all` empties the table. */
  readonly removed: readonly ManifestEntry[] | 'all';
  /** Further summary entries, e.g. `sluice.run-id`. */
  readonly summary: { readonly [key: string]: string };
  /** Small manifests of one kind from which on they are merged; default: many. */
  readonly mergeAtLeast?: number;
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
  const write = async (specId: number, entries: readonly NewEntry[], content: ManifestFile['content'] = DATA_MANIFEST): Promise<void> => {
    const spec = specById(table, specId);
    const uri = `${table.location}/metadata/${randomUUID()}-m0.avro`;
    const { bytes, manifest } = encodeManifest({
      uri,
      schema: currentSchema(table),
      spec,
      fields: bindSpec(table, spec),
      content,
      ...commit,
      entries,
    });
    written.push(uri);
    await storage.write(uri, bytes);
    fresh.push(manifest);
  };
  for (const specId of new Set(change.added.map((file) => file.specId))) {
    const added = change.added.filter((file) => file.specId === specId);
    await write(
      specId,
      added.map((file) => ({ status: ADDED, snapshotId: commit.snapshotId, file })),
    );
  }
  for (const rewrite of removal.rewrites) await write(rewrite.specId, rewrite.entries(commit.snapshotId), rewrite.content);
  tools.reach('commit.manifest_written');

  const merged = await mergeManifests(storage, reader, table, removal.untouched, commit, change.mergeAtLeast);
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

interface RewrittenManifest {
  readonly specId: number;
  readonly content: ManifestFile['content'];
  readonly size: number;
  entries(snapshotId: bigint): readonly NewEntry[];
}

interface Removal {
  readonly untouched: readonly ManifestFile[];
  readonly rewrites: readonly RewrittenManifest[];
  readonly files: readonly DataFile[];
  readonly deleteFiles: readonly ManifestEntry[];
}

/** Manifests that lose entries are written anew: lost ones as DELETED, the others as EXISTING, all with their old numbers. */
async function planRemoval(reader: TableReader, manifests: readonly ManifestFile[], removed: SnapshotChange['removed']): Promise<Removal> {
  // What an earlier commit listed only to say that it is gone has been said.
  const listed = manifests.filter((m) => m.content !== DATA_MANIFEST || m.addedFiles + m.existingFiles > 0);
  if (removed !== 'all' && removed.length === 0) return { untouched: listed, rewrites: [], files: [], deleteFiles: [] };
  const all = removed === 'all';
  const wanted = all ? new Set<string>() : new Set(removed.map((e) => e.file.path));
  const touchesDeletes = !all && removed.some((e) => e.file.content !== DATA);
  const untouched: ManifestFile[] = [];
  const rewrites: RewrittenManifest[] = [];
  const files: DataFile[] = [];
  const deleteFiles: ManifestEntry[] = [];
  for (const manifest of listed) {
    if (manifest.content !== DATA_MANIFEST && all) {
      deleteFiles.push(...(await reader.entries(manifest)).filter((e) => e.status !== DELETED));
      continue;
    }
    if (manifest.content !== DATA_MANIFEST && !touchesDeletes) {
      untouched.push(manifest);
      continue;
    }
    const live = (await reader.entries(manifest)).filter((e) => e.status !== DELETED);
    const gone = live.filter((e) => all || wanted.has(e.file.path));
    if (gone.length === 0) {
      if (live.length > 0) untouched.push(manifest);
      continue;
    }
    if (manifest.content === DATA_MANIFEST) files.push(...gone.map((e) => e.file));
    else deleteFiles.push(...gone);
    const lost = new Set(gone);
    rewrites.push({
      specId: manifest.specId,
      content: manifest.content,
      size: live.length,
      entries: (snapshotId) => live.map((e) => (lost.has(e) ? { ...e, status: DELETED, snapshotId } : { ...e, status: EXISTING })),
    });
  }
  return { untouched, rewrites: joinRewrites(rewrites), files, deleteFiles };
}

/** Many small manifests that lose files become few. */
function joinRewrites(rewrites: readonly RewrittenManifest[]): readonly RewrittenManifest[] {
  const joined: RewrittenManifest[] = [];
  for (const next of rewrites) {
    const at = joined.findIndex((r) => r.specId === next.specId && r.content === next.content && r.size + next.size <= MERGED_ENTRIES);
    const before = joined[at];
    if (!before) joined.push(next);
    else
      joined[at] = { ...next, size: before.size + next.size, entries: (snapshotId) => [...before.entries(snapshotId), ...next.entries(snapshotId)] };
  }
  return joined;
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
