import type { Warehouse } from '../warehouse/index.js';
import {
  DATA,
  DATA_MANIFEST,
  DELETED,
  currentSnapshot,
  defaultSpec,
  currentSchema,
  type ManifestEntry,
  type Snapshot,
  type TableMetadata,
} from '../warehouse/table/model.js';

/** What a table holds now. */
export interface TableSize {
  readonly rows: number;
  readonly files: number;
  readonly bytes: number;
}

/** From the snapshot's totals; a writer that keeps none makes us count in the manifests. */
export async function sizeOf(warehouse: Warehouse, table: TableMetadata): Promise<TableSize> {
  const snapshot = currentSnapshot(table);
  if (!snapshot) return { rows: 0, files: 0, bytes: 0 };
  const total = (key: string): number | undefined => {
    const text = snapshot.summary[key];
    return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
  };
  const [rows, files, bytes] = [total('total-records'), total('total-data-files'), total('total-files-size')];
  const deletes = total('total-position-deletes');
  if (rows !== undefined && files !== undefined && bytes !== undefined && deletes !== undefined && total('total-equality-deletes') === 0)
    return { rows: rows - deletes, files, bytes };
  return countFiles(await dataEntries(warehouse, snapshot));
}

export async function rowsOf(warehouse: Warehouse, table: TableMetadata): Promise<number> {
  return (await sizeOf(warehouse, table)).rows;
}

/** Live data files of a snapshot. */
export async function dataEntries(warehouse: Warehouse, snapshot: Snapshot): Promise<readonly ManifestEntry[]> {
  const entries: ManifestEntry[] = [];
  for (const manifest of await warehouse.reader.manifests(snapshot)) {
    if (manifest.content !== DATA_MANIFEST) continue;
    for (const entry of await warehouse.reader.entries(manifest)) if (entry.status !== DELETED && entry.file.content === DATA) entries.push(entry);
  }
  return entries;
}

export function countFiles(entries: readonly ManifestEntry[]): TableSize {
  return {
    rows: entries.reduce((sum, { file }) => sum + file.recordCount, 0),
    files: entries.length,
    bytes: entries.reduce((sum, { file }) => sum + file.fileSizeInBytes, 0),
  };
}

/** Partition fields as a config spells them: `day(ordered_at)`, `bucket(16, id)`. */
export function partitionTexts(table: TableMetadata): readonly string[] {
  const names = new Map(table.schemas.flatMap((schema) => schema.fields.map((field) => [field.id, field.name] as const)));
  for (const field of currentSchema(table).fields) names.set(field.id, field.name);
  return defaultSpec(table)
    .fields.filter((field) => field.transform !== 'void')
    .map((field) => {
      const column = names.get(field['source-id']) ?? field.name;
      const withWidth = /^(\w+)\[(\d+)\]$/.exec(field.transform);
      if (withWidth) return `${withWidth[1]}(${withWidth[2]}, ${column})`;
      return field.transform === 'identity' ? column : `${field.transform}(${column})`;
    });
}
