import { ObjectCache } from '../storage/object-cache.js';
import type { Storage } from '../storage/storage.js';
import { readManifest } from './manifest.js';
import { readManifestList } from './manifest-list.js';
import { readTableMetadata } from './metadata-file.js';
import type { ManifestEntry, ManifestFile, Snapshot, TableMetadata } from './model.js';

/** About 1 KB an entry with eleven columns of statistics. */
const CACHED_ENTRIES = 100_000;
const CACHED_MANIFEST_FILES = 50_000;
const CACHED_SNAPSHOTS = 20_000;

/** Decoded metadata of tables. All of it is immutable under its name, so it is read once per process. */
export interface TableReader {
  metadata(location: string): Promise<TableMetadata>;
  manifests(snapshot: Snapshot): Promise<readonly ManifestFile[]>;
  entries(manifest: ManifestFile): Promise<readonly ManifestEntry[]>;
  /** Takes what was just written, so that the next commit need not read it back. */
  rememberMetadata(location: string, table: TableMetadata): void;
  rememberManifests(snapshot: Snapshot, manifests: readonly ManifestFile[]): void;
}

export function createTableReader(storage: Storage): TableReader {
  const tables = new ObjectCache<TableMetadata>(CACHED_SNAPSHOTS, (t) => t.snapshots.length + 1);
  const lists = new ObjectCache<readonly ManifestFile[]>(CACHED_MANIFEST_FILES, (l) => l.length + 1);
  const manifests = new ObjectCache<readonly ManifestEntry[]>(CACHED_ENTRIES, (m) => m.length + 1);
  return {
    metadata: (location) => tables.get(location, () => readTableMetadata(storage, location)),
    manifests: (snapshot) => lists.get(snapshot['manifest-list'], () => readManifestList(storage, snapshot['manifest-list'])),
    entries: (manifest) => manifests.get(manifest.path, () => readManifest(storage, manifest)),
    rememberMetadata: (location, table) => tables.set(location, table),
    rememberManifests: (snapshot, list) => lists.set(snapshot['manifest-list'], list),
  };
}
