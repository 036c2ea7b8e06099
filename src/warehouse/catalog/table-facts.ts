import type { JsonObject } from '../../core/spi/index.js';
import {
  DATA,
  DELETED,
  POSITION_DELETES,
  currentSnapshot,
  defaultSpec,
  currentSchema,
  type IcebergType,
  type ManifestEntry,
  type Snapshot,
  type TableMetadata,
} from '../table/model.js';
import { columnTypeOf, JSON_DOC } from '../table/types.js';
import type { TableReader } from '../table/table-reader.js';
import { RUN_ID } from '../write/commit-changes.js';
import type { LoadedTable } from './catalog.js';
import { formatTableName } from './table-name.js';

/** What a table holds now. */
export interface TableSize {
  readonly rows: number;
  readonly files: number;
  readonly bytes: number;
}

/** From the snapshot's totals; a writer that keeps none makes us count in the manifests. */
export async function sizeOf(reader: TableReader, table: TableMetadata): Promise<TableSize> {
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
  return countEntries(await liveEntries(reader, snapshot));
}

async function liveEntries(reader: TableReader, snapshot: Snapshot): Promise<readonly ManifestEntry[]> {
  const entries: ManifestEntry[] = [];
  for (const manifest of await reader.manifests(snapshot)) {
    for (const entry of await reader.entries(manifest)) if (entry.status !== DELETED) entries.push(entry);
  }
  return entries;
}

/** Rows that position deletes take out are counted out; what equality deletes take out, nobody knows without reading. */
function countEntries(entries: readonly ManifestEntry[]): TableSize {
  const data = entries.filter(({ file }) => file.content === DATA);
  const rows = (list: readonly ManifestEntry[]): number => list.reduce((sum, { file }) => sum + file.recordCount, 0);
  return {
    rows: rows(data) - rows(entries.filter(({ file }) => file.content === POSITION_DELETES)),
    files: data.length,
    bytes: data.reduce((sum, { file }) => sum + file.fileSizeInBytes, 0),
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

/**
 * `type` is the column type as configs spell it; of types that only other engines make (nested ones, `uuid`, …) it is Iceberg's, as
 * `iceberg_type` always is.
 */
export interface ColumnFacts {
  readonly name: string;
  readonly type: string;
  readonly iceberg_type: string;
  readonly required: boolean;
  readonly comment: string | null;
}

/** All there is to tell about a table; plain JSON. */
export interface TableFacts {
  readonly name: string;
  readonly uuid: string;
  readonly location: string;
  readonly metadata_location: string;
  readonly comment: string | null;
  readonly columns: readonly ColumnFacts[];
  readonly partitioned_by: readonly string[];
  readonly rows: number;
  readonly bytes: number;
  readonly files: number;
  readonly partitions: number;
  readonly current_snapshot: string | null;
  readonly snapshots: readonly JsonObject[];
  readonly properties: { readonly [key: string]: string };
}

/** Reads the manifests of the current snapshot; `limit` snapshots at most, newest first. */
export async function describeTable(
  reader: TableReader,
  { name, metadata: table, metadataLocation }: LoadedTable,
  limit: number,
): Promise<TableFacts> {
  const current = currentSnapshot(table);
  const entries = current ? await liveEntries(reader, current) : [];
  const partitions = new Set(
    entries
      .filter(({ file }) => file.content === DATA)
      .map(({ file }) => `${file.specId} ${[...file.partition].map(([id, value]) => `${id}=${String(value)}`).join(',')}`),
  );
  return {
    name: formatTableName(name),
    uuid: table['table-uuid'],
    location: table.location,
    metadata_location: metadataLocation,
    comment: table.properties['comment'] ?? null,
    columns: currentSchema(table).fields.map((field) => ({
      name: field.name,
      type: columnTypeOf(field) ?? formatType(field.type),
      iceberg_type: formatType(field.type),
      required: field.required,
      comment: field.doc === undefined || field.doc === JSON_DOC ? null : field.doc,
    })),
    partitioned_by: partitionTexts(table),
    ...countEntries(entries),
    partitions: partitions.size,
    current_snapshot: current ? String(current['snapshot-id']) : null,
    snapshots: [...table.snapshots]
      .sort((a, b) => b['timestamp-ms'] - a['timestamp-ms'])
      .slice(0, limit)
      .map(snapshotFacts),
    properties: table.properties,
  };
}

function snapshotFacts(snapshot: Snapshot): JsonObject {
  const count = (key: string): number | null => (/^\d+$/.test(snapshot.summary[key] ?? '') ? Number(snapshot.summary[key]) : null);
  return {
    snapshot_id: String(snapshot['snapshot-id']),
    committed_at: new Date(snapshot['timestamp-ms']).toISOString(),
    operation: snapshot.summary.operation,
    run_id: snapshot.summary[RUN_ID] ?? null,
    added_rows: count('added-records') ?? 0,
    deleted_rows: count('deleted-records') ?? 0,
    total_rows: count('total-records'),
  };
}

function formatType(type: IcebergType): string {
  if (typeof type === 'string') return type;
  if (type.type === 'list') return `list<${formatType(type.element)}>`;
  if (type.type === 'map') return `map<${formatType(type.key)}, ${formatType(type.value)}>`;
  return `struct<${type.fields.map((field) => `${field.name}: ${formatType(field.type)}`).join(', ')}>`;
}
