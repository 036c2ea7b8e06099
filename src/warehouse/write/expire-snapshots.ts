import { DELETED, DELETE_MANIFEST, type ManifestFile, type Snapshot, type TableMetadata } from '../table/model.js';
import { positive } from '../table/table-changes.js';
import type { TableReader } from '../table/table-reader.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** How long snapshots live. Ages in milliseconds. */
export interface SnapshotRetention {
  readonly maxAge: number;
  readonly atLeast: number;
  readonly atMost: number;
}

export const DEFAULT_RETENTION: SnapshotRetention = { maxAge: 5 * DAY, atLeast: 100, atMost: 500 };

/** Iceberg's own properties of the table, else the project's settings; `atMost` is ours. */
export function retentionOf(table: TableMetadata, defaults: SnapshotRetention = DEFAULT_RETENTION): SnapshotRetention {
  const { properties } = table;
  return {
    maxAge: positive(properties['history.expire.max-snapshot-age-ms'], defaults.maxAge),
    atLeast: positive(properties['history.expire.min-snapshots-to-keep'], defaults.atLeast),
    atMost: positive(properties['sluice.snapshots.max-count'], defaults.atMost),
  };
}

/**
 * Snapshots that may go: beyond the age or the count, never one of the newest `atLeast`, one younger than an hour, one that a
 * ref holds (for branches with its ancestors by the ref's own limits: all of them), or the current one.
 */
export function snapshotsToExpire(table: TableMetadata, retention: SnapshotRetention, now: number): readonly Snapshot[] {
  const held = heldByRefs(table);
  const newestFirst = [...table.snapshots].sort((a, b) => b['sequence-number'] - a['sequence-number'] || b['timestamp-ms'] - a['timestamp-ms']);
  return newestFirst.filter((snapshot, index) => {
    if (index < retention.atLeast || held.has(snapshot['snapshot-id'])) return false;
    const age = now - snapshot['timestamp-ms'];
    return age >= HOUR && (age > retention.maxAge || index >= retention.atMost);
  });
}

function heldByRefs(table: TableMetadata): ReadonlySet<bigint> {
  const byId = new Map(table.snapshots.map((s) => [s['snapshot-id'], s]));
  const held = new Set<bigint>([table['current-snapshot-id']]);
  for (const [name, ref] of Object.entries(table.refs)) {
    held.add(ref['snapshot-id']);
    if (ref.type !== 'branch' || name === 'main') continue;
    // A foreign branch's history is its owner's to expire.
    for (let at = byId.get(ref['snapshot-id']); at; at = at['parent-snapshot-id'] === undefined ? undefined : byId.get(at['parent-snapshot-id']))
      held.add(at['snapshot-id']);
  }
  return held;
}

/**
 * Files that only the expired snapshots reach: manifest lists, manifests, data and delete files. Where history is one line
 * (the rule), a file is gone when the oldest kept snapshot, or an expired one, says that it deleted it; otherwise every
 * manifest of every kept snapshot is compared.
 */
export async function filesOfExpired(reader: TableReader, table: TableMetadata, expired: readonly Snapshot[]): Promise<readonly string[]> {
  if (expired.length === 0) return [];
  const gone = new Set(expired.map((s) => s['snapshot-id']));
  const kept = table.snapshots.filter((s) => !gone.has(s['snapshot-id']));
  const line = oneLine(table, gone);
  const witnesses = line ? kept.slice(0, 1) : kept;
  const keptManifests = await listManifests(reader, witnesses);
  const expiredManifests = await listManifests(reader, expired);
  const files = line
    ? await deletedFiles(reader, gone, kept[0], expiredManifests, keptManifests)
    : await unreachedFiles(reader, expiredManifests, keptManifests);
  const manifests = [...expiredManifests.keys()].filter((path) => !keptManifests.has(path));
  return [...files, ...manifests, ...expired.map((s) => s['manifest-list'])];
}

/** Whether the expired snapshots are the oldest ones of one unbroken chain; `table.snapshots` is in commit order then. */
function oneLine(table: TableMetadata, gone: ReadonlySet<bigint>): boolean {
  const chain = table.snapshots.every((s, i) => i === 0 || s['parent-snapshot-id'] === table.snapshots[i - 1]?.['snapshot-id']);
  const firstKept = table.snapshots.findIndex((s) => !gone.has(s['snapshot-id']));
  return chain && table.snapshots.every((s, i) => gone.has(s['snapshot-id']) === i < firstKept);
}

async function listManifests(reader: TableReader, snapshots: readonly Snapshot[]): Promise<ReadonlyMap<string, ManifestFile>> {
  const found = new Map<string, ManifestFile>();
  for (const snapshot of snapshots) for (const manifest of await reader.manifests(snapshot)) found.set(manifest.path, manifest);
  return found;
}

async function deletedFiles(
  reader: TableReader,
  gone: ReadonlySet<bigint>,
  oldestKept: Snapshot | undefined,
  expired: ReadonlyMap<string, ManifestFile>,
  kept: ReadonlyMap<string, ManifestFile>,
): Promise<ReadonlySet<string>> {
  const files = new Set<string>();
  const deleters = new Set([...gone, oldestKept?.['snapshot-id']]);
  for (const manifest of new Map([...expired, ...kept]).values()) {
    if (manifest.deletedFiles === 0 || !deleters.has(manifest.addedSnapshotId)) continue;
    for (const entry of await reader.entries(manifest)) if (entry.status === DELETED) files.add(entry.file.path);
  }
  // Delete manifests may be dropped whole, without a word about their files.
  const dropped = [...expired.values()].filter((m) => m.content === DELETE_MANIFEST && !kept.has(m.path));
  if (dropped.length > 0) {
    const live = await livePaths(
      reader,
      [...kept.values()].filter((m) => m.content === DELETE_MANIFEST),
    );
    for (const manifest of dropped) for (const entry of await reader.entries(manifest)) if (!live.has(entry.file.path)) files.add(entry.file.path);
  }
  return files;
}

async function unreachedFiles(
  reader: TableReader,
  expired: ReadonlyMap<string, ManifestFile>,
  kept: ReadonlyMap<string, ManifestFile>,
): Promise<ReadonlySet<string>> {
  const live = await livePaths(reader, [...kept.values()]);
  const files = new Set<string>();
  for (const manifest of expired.values()) {
    if (kept.has(manifest.path)) continue;
    for (const entry of await reader.entries(manifest)) if (!live.has(entry.file.path)) files.add(entry.file.path);
  }
  return files;
}

async function livePaths(reader: TableReader, manifests: readonly ManifestFile[]): Promise<ReadonlySet<string>> {
  const live = new Set<string>();
  for (const manifest of manifests) for (const entry of await reader.entries(manifest)) if (entry.status !== DELETED) live.add(entry.file.path);
  return live;
}
