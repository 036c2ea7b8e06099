import { DATA, DELETED, type ManifestEntry, type TableMetadata, type Value, currentSnapshot, specById } from '../table/model.js';
import { decodeValue } from '../table/single-value.js';
import type { TableReader } from '../table/table-reader.js';
import { parseTransform, transformedType } from '../table/transforms.js';
import { partitionColumnType } from './partition-types.js';
import { valuesSql, type CellValue } from './values-sql.js';

/** SELECT for the metadata table `"<table>$<name>"` (columns as Trino names them); undefined when there is no such one. */
export async function metadataTable(name: string, table: TableMetadata, reader: TableReader): Promise<string | undefined> {
  switch (name) {
    case 'snapshots':
      return snapshots(table);
    case 'history':
      return history(table);
    case 'refs':
      return valuesSql(
        [
          ['name', 'VARCHAR'],
          ['type', 'VARCHAR'],
          ['snapshot_id', 'BIGINT'],
        ],
        Object.entries(table.refs).map(([ref, r]) => [ref, r.type.toUpperCase(), r['snapshot-id']]),
      );
    case 'properties':
      return valuesSql(
        [
          ['key', 'VARCHAR'],
          ['value', 'VARCHAR'],
        ],
        Object.entries(table.properties).map(([key, value]) => [key, value]),
      );
    case 'manifests':
      return manifests(table, reader);
    case 'files':
      return files(table, await liveEntries(table, reader));
    case 'partitions':
      return partitions(table, await liveEntries(table, reader));
    default:
      return undefined;
  }
}

const time = (millis: number): string => new Date(millis).toISOString();

function snapshots(table: TableMetadata): string {
  return valuesSql(
    [
      ['committed_at', 'TIMESTAMPTZ'],
      ['snapshot_id', 'BIGINT'],
      ['parent_id', 'BIGINT'],
      ['operation', 'VARCHAR'],
      ['manifest_list', 'VARCHAR'],
      ['summary', 'JSON::MAP(VARCHAR, VARCHAR)'],
    ],
    table.snapshots.map((s) => [
      time(s['timestamp-ms']),
      s['snapshot-id'],
      s['parent-snapshot-id'] ?? null,
      s.summary.operation,
      s['manifest-list'],
      JSON.stringify(s.summary),
    ]),
  ).replaceAll('CAST("summary" AS JSON::MAP(VARCHAR, VARCHAR))', 'CAST(CAST("summary" AS JSON) AS MAP(VARCHAR, VARCHAR))');
}

function history(table: TableMetadata): string {
  const ancestors = new Set<bigint>();
  for (let s = currentSnapshot(table); s; s = table.snapshots.find((p) => p['snapshot-id'] === s?.['parent-snapshot-id']))
    ancestors.add(s['snapshot-id']);
  return valuesSql(
    [
      ['made_current_at', 'TIMESTAMPTZ'],
      ['snapshot_id', 'BIGINT'],
      ['parent_id', 'BIGINT'],
      ['is_current_ancestor', 'BOOLEAN'],
    ],
    table['snapshot-log'].map((e) => {
      const snapshot = table.snapshots.find((s) => s['snapshot-id'] === e['snapshot-id']);
      return [time(e['timestamp-ms']), e['snapshot-id'], snapshot?.['parent-snapshot-id'] ?? null, ancestors.has(e['snapshot-id'])];
    }),
  );
}

async function manifests(table: TableMetadata, reader: TableReader): Promise<string> {
  const snapshot = currentSnapshot(table);
  const list = snapshot ? await reader.manifests(snapshot) : [];
  return valuesSql(
    [
      ['content', 'VARCHAR'],
      ['path', 'VARCHAR'],
      ['length', 'BIGINT'],
      ['partition_spec_id', 'INTEGER'],
      ['added_snapshot_id', 'BIGINT'],
      ['added_data_files_count', 'BIGINT'],
      ['existing_data_files_count', 'BIGINT'],
      ['deleted_data_files_count', 'BIGINT'],
      ['added_rows_count', 'BIGINT'],
      ['existing_rows_count', 'BIGINT'],
      ['deleted_rows_count', 'BIGINT'],
    ],
    list.map((m) => [
      m.content === DATA ? 'DATA' : 'DELETES',
      m.path,
      m.length,
      m.specId,
      m.addedSnapshotId,
      m.addedFiles,
      m.existingFiles,
      m.deletedFiles,
      m.addedRows,
      m.existingRows,
      m.deletedRows,
    ]),
  );
}

async function liveEntries(table: TableMetadata, reader: TableReader): Promise<ManifestEntry[]> {
  const snapshot = currentSnapshot(table);
  const entries: ManifestEntry[] = [];
  for (const manifest of snapshot ? await reader.manifests(snapshot) : [])
    for (const entry of await reader.entries(manifest)) if (entry.status !== DELETED) entries.push(entry);
  return entries;
}

const CONTENT = ['DATA', 'POSITION_DELETES', 'EQUALITY_DELETES'];

function files(table: TableMetadata, entries: readonly ManifestEntry[]): string {
  const types = new Map(table.schemas.flatMap((s) => s.fields.map((f) => [f.id, f.type] as const)));
  const bounds = (map: ReadonlyMap<number, Uint8Array> | null): string | null => {
    if (!map) return null;
    const texts: Record<string, string> = {};
    for (const [id, bytes] of map) {
      const type = types.get(id);
      const value = typeof type === 'string' ? decodeValue(type, bytes) : undefined;
      if (value !== undefined) texts[id] = valueText(value);
    }
    return JSON.stringify(texts);
  };
  return valuesSql(
    [
      ['content', 'VARCHAR'],
      ['file_path', 'VARCHAR'],
      ['file_format', 'VARCHAR'],
      ['spec_id', 'INTEGER'],
      ['partition', 'JSON'],
      ['record_count', 'BIGINT'],
      ['file_size_in_bytes', 'BIGINT'],
      ['null_value_counts', 'JSON'],
      ['nan_value_counts', 'JSON'],
      ['lower_bounds', 'JSON'],
      ['upper_bounds', 'JSON'],
      ['snapshot_id', 'BIGINT'],
    ],
    entries.map(({ file, snapshotId }): CellValue[] => [
      CONTENT[file.content] ?? null,
      file.path,
      file.format,
      file.specId,
      JSON.stringify(partitionTexts(table, file)),
      file.recordCount,
      file.fileSizeInBytes,
      countsText(file.nullValueCounts),
      countsText(file.nanValueCounts),
      bounds(file.lowerBounds),
      bounds(file.upperBounds),
      snapshotId,
    ]),
  );
}

function countsText(counts: ReadonlyMap<number, number> | null): string | null {
  return counts && JSON.stringify(Object.fromEntries(counts));
}

function partitionTexts(table: TableMetadata, file: ManifestEntry['file']): Record<string, string | null> {
  const source = new Map(table.schemas.flatMap((s) => s.fields.map((f) => [f.id, f.type] as const)));
  return Object.fromEntries(
    specById(table, file.specId).fields.map((f) => {
      const value = file.partition.get(f['field-id']);
      const type = source.get(f['source-id']);
      const given = typeof type === 'string' ? transformedType(parseTransform(f.transform), type) : 'string';
      return [f.name, value === null || value === undefined ? null : partitionColumnType(f.transform, given).print(value)];
    }),
  );
}

function partitions(table: TableMetadata, entries: readonly ManifestEntry[]): string {
  const groups = new Map<string, { records: number; files: number; bytes: number; deletes: number }>();
  for (const { file } of entries) {
    const key = JSON.stringify(partitionTexts(table, file));
    const group = groups.get(key) ?? { records: 0, files: 0, bytes: 0, deletes: 0 };
    groups.set(key, group);
    if (file.content === DATA) {
      group.records += file.recordCount;
      group.files++;
      group.bytes += file.fileSizeInBytes;
    } else group.deletes += file.recordCount;
  }
  return valuesSql(
    [
      ['partition', 'JSON'],
      ['record_count', 'BIGINT'],
      ['file_count', 'BIGINT'],
      ['total_size', 'BIGINT'],
      ['delete_record_count', 'BIGINT'],
    ],
    [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, g]) => [key, g.records, g.files, g.bytes, g.deletes]),
  );
}

function valueText(value: Value): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : String(value);
}
