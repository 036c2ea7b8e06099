import { indexDeletes } from '../query/delete-files.js';
import { DATA_MANIFEST, DELETED, EQUALITY_DELETES, currentSnapshot, type ManifestEntry, type TableMetadata } from '../table/model.js';
import type { TableReader } from '../table/table-reader.js';

/** All files of a table's current snapshot. */
export interface LiveFiles {
  readonly data: readonly ManifestEntry[];
  readonly deletes: readonly ManifestEntry[];
}

export async function liveFiles(reader: TableReader, metadata: TableMetadata): Promise<LiveFiles> {
  const data: ManifestEntry[] = [];
  const deletes: ManifestEntry[] = [];
  const snapshot = currentSnapshot(metadata);
  for (const manifest of snapshot ? await reader.manifests(snapshot) : [])
    for (const entry of await reader.entries(manifest))
      if (entry.status !== DELETED) (manifest.content === DATA_MANIFEST ? data : deletes).push(entry);
  return { data, deletes };
}

export function inPaths(entries: readonly ManifestEntry[]): (entry: ManifestEntry) => boolean {
  const paths = new Set(entries.map((e) => e.file.path));
  return (entry) => paths.has(entry.file.path);
}

/** Of the position deletes that were applied to `gone`, those that no remaining data file needs. */
export function uselessDeletes(live: LiveFiles, gone: readonly ManifestEntry[], applied: readonly ManifestEntry[]): readonly ManifestEntry[] {
  const candidates = live.deletes.filter(inPaths(applied)).filter((d) => d.file.content !== EQUALITY_DELETES);
  if (candidates.length === 0) return [];
  const isGone = inPaths(gone);
  const index = indexDeletes(candidates);
  const needed = new Set(live.data.filter((entry) => !isGone(entry)).flatMap((entry) => index.of(entry)));
  return candidates.filter((d) => !needed.has(d));
}
