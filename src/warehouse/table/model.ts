/**
 * The Iceberg v2 table format as types (https://iceberg.apache.org/spec/, "Table Metadata Fields", "Manifests",
 * "Manifest Lists"). `TableMetadata` and what hangs on it are metadata.json as it is, key for key, so that fields of other
 * engines survive a commit of ours; manifests are decoded. Everything here is immutable: a change makes a new object.
 */

/** A primitive type in the spec's spelling: `long`, `decimal(12, 2)`, `fixed[16]`, … */
export type PrimitiveType = string;

export interface StructType {
  readonly type: 'struct';
  readonly fields: readonly NestedField[];
}
export interface ListType {
  readonly type: 'list';
  readonly 'element-id': number;
  readonly element: IcebergType;
  readonly 'element-required': boolean;
}
export interface MapType {
  readonly type: 'map';
  readonly 'key-id': number;
  readonly key: IcebergType;
  readonly 'value-id': number;
  readonly value: IcebergType;
  readonly 'value-required': boolean;
}
export type IcebergType = PrimitiveType | StructType | ListType | MapType;

export interface NestedField {
  readonly id: number;
  readonly name: string;
  readonly required: boolean;
  readonly type: IcebergType;
  /** For people. Sluice writes `json` (alone or as the first word) on string columns that hold JSON text. */
  readonly doc?: string;
}

export interface IcebergSchema extends StructType {
  readonly 'schema-id': number;
  readonly 'identifier-field-ids'?: readonly number[];
}

export interface PartitionField {
  readonly 'source-id': number;
  /** 1000 and up; unique within the table. */
  readonly 'field-id': number;
  readonly name: string;
  /** `identity`, `day`, `bucket[16]`, `truncate[4]`, `void`, …; see transforms.ts. */
  readonly transform: string;
}
export interface PartitionSpec {
  readonly 'spec-id': number;
  readonly fields: readonly PartitionField[];
}

export interface Snapshot {
  /** 63 bits, hence bigint. */
  readonly 'snapshot-id': bigint;
  readonly 'parent-snapshot-id'?: bigint;
  readonly 'sequence-number': number;
  /** Milliseconds since 1970. */
  readonly 'timestamp-ms': number;
  /** URI of the manifest list. */
  readonly 'manifest-list': string;
  /** `operation` (append, replace, overwrite, delete) and counts as decimal texts. Ours carry `sluice.run-id`. */
  readonly summary: { readonly operation: string; readonly [key: string]: string };
  readonly 'schema-id'?: number;
}

export interface SnapshotRef {
  readonly 'snapshot-id': bigint;
  readonly type: 'branch' | 'tag';
  readonly 'min-snapshots-to-keep'?: number;
  readonly 'max-snapshot-age-ms'?: number;
  readonly 'max-ref-age-ms'?: number;
}

/** metadata.json. Ids of snapshots are bigint, everything else is plain JSON. */
export interface TableMetadata {
  readonly 'format-version': number;
  readonly 'table-uuid': string;
  /** URI of the table's folder, without a slash at its end. */
  readonly location: string;
  readonly 'last-sequence-number': number;
  readonly 'last-updated-ms': number;
  readonly 'last-column-id': number;
  readonly 'current-schema-id': number;
  readonly schemas: readonly IcebergSchema[];
  readonly 'default-spec-id': number;
  readonly 'partition-specs': readonly PartitionSpec[];
  readonly 'last-partition-id': number;
  readonly 'default-sort-order-id': number;
  readonly 'sort-orders': readonly { readonly 'order-id': number; readonly fields: readonly unknown[] }[];
  readonly properties: { readonly [key: string]: string };
  /** -1n when the table has no snapshot. */
  readonly 'current-snapshot-id': bigint;
  readonly refs: { readonly [name: string]: SnapshotRef };
  readonly snapshots: readonly Snapshot[];
  readonly 'snapshot-log': readonly { readonly 'timestamp-ms': number; readonly 'snapshot-id': bigint }[];
  readonly 'metadata-log': readonly { readonly 'timestamp-ms': number; readonly 'metadata-file': string }[];
  readonly [foreign: string]: unknown;
}

/**
 * A value in Iceberg's internal form: boolean; int, date (days), float, double as number; long, time, timestamp,
 * timestamptz (microseconds) and decimal (unscaled) as bigint; string and uuid (lower-case hex with dashes) as string;
 * fixed and binary as bytes.
 */
export type Value = boolean | number | bigint | string | Uint8Array;

/** Partition values by partition field id. A field that is not of the file's spec is absent. */
export type PartitionValues = ReadonlyMap<number, Value | null>;

export const DATA = 0;
export const POSITION_DELETES = 1;
export const EQUALITY_DELETES = 2;
export type FileContent = typeof DATA | typeof POSITION_DELETES | typeof EQUALITY_DELETES;

/** A data or delete file of a manifest. Maps are by column field id; null when the manifest has none. */
export interface DataFile {
  readonly content: FileContent;
  /** Absolute URI, byte for byte as the manifest has it (position deletes name it so). */
  readonly path: string;
  /** `PARQUET`, `ORC`, `AVRO`. */
  readonly format: string;
  readonly specId: number;
  readonly partition: PartitionValues;
  readonly recordCount: number;
  readonly fileSizeInBytes: number;
  readonly columnSizes: ReadonlyMap<number, number> | null;
  readonly valueCounts: ReadonlyMap<number, number> | null;
  readonly nullValueCounts: ReadonlyMap<number, number> | null;
  /** A float column without an entry may hold NaN, which no bound covers. */
  readonly nanValueCounts: ReadonlyMap<number, number> | null;
  /** Single-value serialised; decode with `decodeValue(type, bytes)`. Strings may be cut (still valid bounds). */
  readonly lowerBounds: ReadonlyMap<number, Uint8Array> | null;
  readonly upperBounds: ReadonlyMap<number, Uint8Array> | null;
  readonly keyMetadata: Uint8Array | null;
  readonly splitOffsets: readonly number[] | null;
  readonly equalityIds: readonly number[] | null;
  readonly sortOrderId: number | null;
}

export const EXISTING = 0;
export const ADDED = 1;
export const DELETED = 2;
export type EntryStatus = typeof EXISTING | typeof ADDED | typeof DELETED;

/** One entry of a manifest, with inherited values (spec: "Sequence Number Inheritance") already filled in. */
export interface ManifestEntry {
  readonly status: EntryStatus;
  readonly snapshotId: bigint;
  /** Data sequence number: a delete file applies to data files with a smaller (position deletes: or equal) one. */
  readonly sequenceNumber: number;
  readonly fileSequenceNumber: number;
  readonly file: DataFile;
}

/** Range of one partition field over a manifest's files, in the order of the spec's fields. */
export interface FieldSummary {
  readonly containsNull: boolean;
  /** Undefined when the writer did not say. */
  readonly containsNan: boolean | undefined;
  readonly lowerBound: Uint8Array | null;
  readonly upperBound: Uint8Array | null;
}

export const DATA_MANIFEST = 0;
export const DELETE_MANIFEST = 1;

/** One line of a manifest list. Counts of files are exact; row counts too. */
export interface ManifestFile {
  readonly path: string;
  readonly length: number;
  readonly specId: number;
  readonly content: typeof DATA_MANIFEST | typeof DELETE_MANIFEST;
  readonly sequenceNumber: number;
  readonly minSequenceNumber: number;
  readonly addedSnapshotId: bigint;
  readonly addedFiles: number;
  readonly existingFiles: number;
  readonly deletedFiles: number;
  readonly addedRows: number;
  readonly existingRows: number;
  readonly deletedRows: number;
  readonly partitions: readonly FieldSummary[] | null;
  readonly keyMetadata: Uint8Array | null;
}

/** The schema that reads of the current data use (never the snapshot's: a rename makes no snapshot). */
export function currentSchema(table: TableMetadata): IcebergSchema {
  return schemaById(table, table['current-schema-id']);
}

export function schemaById(table: TableMetadata, id: number): IcebergSchema {
  const found = table.schemas.find((s) => s['schema-id'] === id);
  if (!found) throw new RangeError(`${table.location}: the metadata names schema ${id} but does not hold it`);
  return found;
}

/** The schema for time travel to `snapshot`. */
export function schemaOfSnapshot(table: TableMetadata, snapshot: Snapshot): IcebergSchema {
  const id = snapshot['schema-id'];
  return id === undefined ? currentSchema(table) : schemaById(table, id);
}

export function defaultSpec(table: TableMetadata): PartitionSpec {
  return specById(table, table['default-spec-id']);
}

export function specById(table: TableMetadata, id: number): PartitionSpec {
  const found = table['partition-specs'].find((s) => s['spec-id'] === id);
  if (!found) throw new RangeError(`${table.location}: the metadata names partition spec ${id} but does not hold it`);
  return found;
}

export function snapshotById(table: TableMetadata, id: bigint): Snapshot | undefined {
  return table.snapshots.find((s) => s['snapshot-id'] === id);
}

export function currentSnapshot(table: TableMetadata): Snapshot | undefined {
  return snapshotById(table, table['current-snapshot-id']);
}
