import type { IcebergSchema, NestedField, PartitionField, PartitionSpec, Snapshot, TableMetadata } from './model.js';
import { defaultSpec } from './model.js';
import { largestFieldId } from './types.js';

/** First id of partition fields, by the spec. */
const FIRST_PARTITION_ID = 1000;

export interface NewTable {
  readonly uuid: string;
  readonly location: string;
  readonly fields: readonly NestedField[];
  readonly partition: readonly PartitionField[];
  readonly properties: { readonly [key: string]: string };
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Metadata of a table without a snapshot. */
export function newTableMetadata(table: NewTable): TableMetadata {
  return {
    'format-version': 2,
    'table-uuid': table.uuid,
    location: table.location,
    'last-sequence-number': 0,
    'last-updated-ms': table.now,
    'last-column-id': largestFieldId(table.fields),
    'current-schema-id': 0,
    schemas: [{ type: 'struct', 'schema-id': 0, fields: table.fields }],
    'default-spec-id': 0,
    'partition-specs': [{ 'spec-id': 0, fields: table.partition }],
    'last-partition-id': lastPartitionId(table.partition),
    'default-sort-order-id': 0,
    'sort-orders': [{ 'order-id': 0, fields: [] }],
    properties: {
      'write.format.default': 'parquet',
      'write.parquet.compression-codec': 'zstd',
      'write.metadata.delete-after-commit.enabled': 'true',
      'write.metadata.previous-versions-max': '20',
      ...table.properties,
    },
    // Old Trino cannot read a missing or null id (apache/iceberg-python#134).
    'current-snapshot-id': -1n,
    refs: {},
    snapshots: [],
    statistics: [],
    'partition-statistics': [],
    'snapshot-log': [],
    'metadata-log': [],
  };
}

function lastPartitionId(fields: readonly PartitionField[]): number {
  return fields.reduce((largest, f) => Math.max(largest, f['field-id']), FIRST_PARTITION_ID - 1);
}

/** Makes `fields` the current schema; a schema that says the same is used again. */
export function withFields(table: TableMetadata, fields: readonly NestedField[]): TableMetadata {
  const same = table.schemas.find((s) => sameJson(s.fields, fields));
  const lastColumnId = Math.max(table['last-column-id'], largestFieldId(fields));
  if (same)
    return same['schema-id'] === table['current-schema-id']
      ? table
      : { ...table, 'current-schema-id': same['schema-id'], 'last-column-id': lastColumnId };
  const id = Math.max(...table.schemas.map((s) => s['schema-id'])) + 1;
  const schema: IcebergSchema = { type: 'struct', 'schema-id': id, fields };
  return { ...table, schemas: [...table.schemas, schema], 'current-schema-id': id, 'last-column-id': lastColumnId };
}

/** Makes a spec with these fields the default; a spec that says the same is used again. */
export function withPartition(table: TableMetadata, fields: readonly PartitionField[]): TableMetadata {
  if (samePartition(defaultSpec(table).fields, fields)) return table;
  const same = table['partition-specs'].find((s) => samePartition(s.fields, fields));
  if (same) return { ...table, 'default-spec-id': same['spec-id'] };
  const id = Math.max(...table['partition-specs'].map((s) => s['spec-id'])) + 1;
  const spec: PartitionSpec = { 'spec-id': id, fields };
  return {
    ...table,
    'partition-specs': [...table['partition-specs'], spec],
    'default-spec-id': id,
    'last-partition-id': Math.max(table['last-partition-id'], lastPartitionId(fields)),
  };
}

/** Whether two specs partition alike: same sources, transforms and ids; names are for people. */
export function samePartition(a: readonly PartitionField[], b: readonly PartitionField[]): boolean {
  return (
    a.length === b.length &&
    a.every((f, i) => f['source-id'] === b[i]?.['source-id'] && f.transform === b[i].transform && f['field-id'] === b[i]['field-id'])
  );
}

/** Gives transforms the field ids they already have in this table, and new ones after its last (spec, "Partition Evolution"). */
export function assignPartitionIds(table: TableMetadata | undefined, fields: readonly Omit<PartitionField, 'field-id'>[]): readonly PartitionField[] {
  const known = table?.['partition-specs'].flatMap((s) => s.fields) ?? [];
  let next = (table?.['last-partition-id'] ?? FIRST_PARTITION_ID - 1) + 1;
  return fields.map((f) => {
    const same = known.find((k) => k['source-id'] === f['source-id'] && k.transform === f.transform);
    return { 'source-id': f['source-id'], 'field-id': same?.['field-id'] ?? next++, name: same?.name ?? f.name, transform: f.transform };
  });
}

/** Puts a snapshot on top of the main branch. */
export function withSnapshot(table: TableMetadata, snapshot: Snapshot): TableMetadata {
  const id = snapshot['snapshot-id'];
  return {
    ...table,
    'last-sequence-number': snapshot['sequence-number'],
    'current-snapshot-id': id,
    refs: { ...table.refs, main: { ...table.refs['main'], 'snapshot-id': id, type: 'branch' } },
    snapshots: [...table.snapshots, snapshot],
    'snapshot-log': [...table['snapshot-log'], { 'timestamp-ms': snapshot['timestamp-ms'], 'snapshot-id': id }],
  };
}

/** Without some snapshots (never the current one); what they alone reach is the caller's to name. */
export function withoutSnapshots(table: TableMetadata, ids: ReadonlySet<bigint>): TableMetadata {
  if (ids.size === 0) return table;
  const keep = (item: { readonly 'snapshot-id'?: unknown }): boolean =>
    item['snapshot-id'] === undefined || !ids.has(BigInt(String(item['snapshot-id']).replace(/^\D*/, '')));
  const log = table['snapshot-log'];
  // The log may not have gaps: it starts after the last expired entry.
  const lastGone = log.reduce((last, entry, i) => (ids.has(entry['snapshot-id']) ? i : last), -1);
  const statistics = (key: string): object =>
    Array.isArray(table[key]) ? { [key]: (table[key] as { 'snapshot-id'?: unknown }[]).filter(keep) } : {};
  return {
    ...table,
    snapshots: table.snapshots.filter((s) => !ids.has(s['snapshot-id'])),
    'snapshot-log': log.slice(lastGone + 1),
    ...statistics('statistics'),
    ...statistics('partition-statistics'),
  };
}

/** Ends a new version: its time, and the previous file in the log, which is cut at the table's own limit. */
export function finishVersion(
  table: TableMetadata,
  previous: { readonly location: string; readonly table: TableMetadata } | undefined,
  now: number,
): { readonly table: TableMetadata; readonly droppedFiles: readonly string[] } {
  if (!previous) return { table: { ...table, 'last-updated-ms': now }, droppedFiles: [] };
  const limit = positive(table.properties['write.metadata.previous-versions-max'], 100);
  const log = [...previous.table['metadata-log'], { 'timestamp-ms': previous.table['last-updated-ms'], 'metadata-file': previous.location }];
  const cut = Math.max(0, log.length - limit);
  return {
    table: { ...table, 'last-updated-ms': now, 'metadata-log': log.slice(cut) },
    droppedFiles: table.properties['write.metadata.delete-after-commit.enabled'] === 'true' ? log.slice(0, cut).map((e) => e['metadata-file']) : [],
  };
}

export function positive(text: string | undefined, fallback: number): number {
  const value = Number(text);
  return text !== undefined && Number.isInteger(value) && value > 0 ? value : fallback;
}

function sameJson(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
