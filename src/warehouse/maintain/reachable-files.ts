import type { TableReader } from '../table/table-reader.js';
import type { TableMetadata } from '../table/model.js';

/** Every file that the metadata names: itself, earlier metadata, all snapshots' lists, manifests, data, delete and statistics files. */
export async function reachableFiles(reader: TableReader, location: string, table: TableMetadata): Promise<ReadonlySet<string>> {
  const files = new Set([location, ...table['metadata-log'].map((e) => e['metadata-file'])]);
  const seen = new Set<string>();
  for (const snapshot of table.snapshots) {
    files.add(snapshot['manifest-list']);
    for (const manifest of await reader.manifests(snapshot)) {
      if (seen.has(manifest.path)) continue;
      seen.add(manifest.path);
      files.add(manifest.path);
      // Deleted entries, too: their files belong to older snapshots, or are garbage that is recorded.
      for (const { file } of await reader.entries(manifest)) files.add(file.path);
    }
  }
  for (const path of statisticsFiles(table)) files.add(path);
  return files;
}

function statisticsFiles(table: TableMetadata): readonly string[] {
  return [table['statistics'], table['partition-statistics']].flatMap((list) =>
    Array.isArray(list)
      ? (list as { 'statistics-path'?: unknown }[]).flatMap((s) => (typeof s['statistics-path'] === 'string' ? [s['statistics-path']] : []))
      : [],
  );
}
