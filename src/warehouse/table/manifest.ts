import type { Storage } from '../storage/storage.js';
import type { AvroField, AvroSchema } from './avro-schema.js';
import { nonNull } from './avro-schema.js';
import { readAvro } from './avro-reader.js';
import { writeAvro } from './avro-writer.js';
import { damaged } from './damaged.js';
import { manifestEntrySchema } from './manifest-schema.js';
import {
  ADDED,
  DATA_MANIFEST,
  DELETED,
  DELETE_MANIFEST,
  EXISTING,
  type DataFile,
  type EntryStatus,
  type FieldSummary,
  type FileContent,
  type IcebergSchema,
  type ManifestEntry,
  type ManifestFile,
  type PartitionSpec,
  type Value,
} from './model.js';
import { encodePartition, partitionAvroFields, partitionDecoder, type BoundPartitionField } from './partition-record.js';
import { compareValues, encodeValue } from './single-value.js';

type Fields = { readonly [name: string]: unknown };

/** All entries of a manifest, deleted ones too, with inherited snapshot id and sequence numbers filled in. Not cached: see TableReader. */
export async function readManifest(storage: Storage, manifest: ManifestFile): Promise<readonly ManifestEntry[]> {
  const { schema, records } = readAvro(await storage.read(manifest.path), manifest.path);
  const fileSchema = fieldType(schema, 'data_file');
  const decodePartition = partitionDecoder(fieldType(fileSchema, 'partition'));
  return records.map((record) => {
    const file = record['data_file'] as Fields | undefined;
    if (!file || typeof file['file_path'] !== 'string') throw damaged(manifest.path, 'a manifest', 'an entry has no data file');
    const status = Number(record['status']) as EntryStatus;
    const snapshotId = record['snapshot_id'];
    // Only entries that this manifest added inherit; others carry their own numbers.
    const sequence = numberOr(record['sequence_number'], manifest.sequenceNumber);
    return {
      status,
      snapshotId: snapshotId === null || snapshotId === undefined ? manifest.addedSnapshotId : BigInt(snapshotId as number),
      sequenceNumber: sequence,
      fileSequenceNumber: numberOr(record['file_sequence_number'], manifest.sequenceNumber),
      file: decodeFile(file, manifest.specId, decodePartition(file['partition'] as Fields)),
    };
  });
}

function fieldType(schema: AvroSchema, name: string): AvroSchema {
  const fields = (nonNull(schema) as { readonly fields?: readonly AvroField[] }).fields ?? [];
  return fields.find((f) => f.name === name)?.type ?? 'null';
}

function numberOr(value: unknown, inherited: number): number {
  return value === null || value === undefined ? inherited : Number(value);
}

function decodeFile(file: Fields, specId: number, partition: DataFile['partition']): DataFile {
  const map = <T>(name: string): ReadonlyMap<number, T> | null => (file[name] as ReadonlyMap<number, T> | null | undefined) ?? null;
  return {
    content: Number(file['content'] ?? 0) as FileContent,
    path: file['file_path'] as string,
    format: String(file['file_format']).toUpperCase(),
    specId,
    partition,
    recordCount: Number(file['record_count']),
    fileSizeInBytes: Number(file['file_size_in_bytes']),
    columnSizes: map('column_sizes'),
    valueCounts: map('value_counts'),
    nullValueCounts: map('null_value_counts'),
    nanValueCounts: map('nan_value_counts'),
    lowerBounds: map('lower_bounds'),
    upperBounds: map('upper_bounds'),
    keyMetadata: (file['key_metadata'] as Uint8Array | null | undefined) ?? null,
    splitOffsets: (file['split_offsets'] as readonly number[] | null | undefined) ?? null,
    equalityIds: (file['equality_ids'] as readonly number[] | null | undefined) ?? null,
    sortOrderId: (file['sort_order_id'] as number | null | undefined) ?? null,
  };
}

/** An entry to write; without numbers it inherits them from the commit that makes the manifest visible. */
export interface NewEntry {
  readonly status: EntryStatus;
  readonly snapshotId: bigint;
  readonly sequenceNumber?: number;
  readonly fileSequenceNumber?: number;
  readonly file: DataFile;
}

export interface ManifestToWrite {
  readonly uri: string;
  readonly schema: IcebergSchema;
  readonly spec: PartitionSpec;
  readonly fields: readonly BoundPartitionField[];
  /** What its files are; default data. */
  readonly content?: ManifestFile['content'];
  readonly snapshotId: bigint;
  /** Sequence number of the commit. */
  readonly sequenceNumber: number;
  readonly entries: readonly NewEntry[];
}

/** Encodes a manifest and its line for the manifest list. The caller stores `bytes` under `manifest.path`. */
export function encodeManifest(input: ManifestToWrite): { readonly bytes: Uint8Array; readonly manifest: ManifestFile } {
  const metadata = {
    schema: JSON.stringify(input.schema),
    'schema-id': String(input.schema['schema-id']),
    'partition-spec': JSON.stringify(input.spec.fields),
    'partition-spec-id': String(input.spec['spec-id']),
    'format-version': '2',
    content: input.content === DELETE_MANIFEST ? 'deletes' : 'data',
  };
  const records = input.entries.map((e) => ({
    status: e.status,
    snapshot_id: e.snapshotId,
    sequence_number: e.sequenceNumber ?? null,
    file_sequence_number: e.fileSequenceNumber ?? null,
    data_file: encodeFile(e.file, input.fields),
  }));
  const bytes = writeAvro(manifestEntrySchema(partitionAvroFields(input.fields)), metadata, records);
  return { bytes, manifest: describeManifest(input, bytes.length) };
}

function encodeFile(file: DataFile, fields: readonly BoundPartitionField[]): Fields {
  return {
    content: file.content,
    file_path: file.path,
    file_format: file.format,
    partition: encodePartition(fields, file.partition),
    record_count: file.recordCount,
    file_size_in_bytes: file.fileSizeInBytes,
    column_sizes: file.columnSizes,
    value_counts: file.valueCounts,
    null_value_counts: file.nullValueCounts,
    nan_value_counts: file.nanValueCounts,
    lower_bounds: file.lowerBounds,
    upper_bounds: file.upperBounds,
    key_metadata: file.keyMetadata,
    split_offsets: file.splitOffsets,
    equality_ids: file.equalityIds,
    sort_order_id: file.sortOrderId,
  };
}

function describeManifest(input: ManifestToWrite, length: number): ManifestFile {
  const count = (status: EntryStatus): number => input.entries.filter((e) => e.status === status).length;
  const rows = (status: EntryStatus): number => input.entries.reduce((sum, e) => (e.status === status ? sum + e.file.recordCount : sum), 0);
  const live = input.entries.filter((e) => e.status !== DELETED);
  return {
    path: input.uri,
    length,
    specId: input.spec['spec-id'],
    content: input.content ?? DATA_MANIFEST,
    sequenceNumber: input.sequenceNumber,
    minSequenceNumber: live.reduce((least, e) => Math.min(least, e.sequenceNumber ?? input.sequenceNumber), input.sequenceNumber),
    addedSnapshotId: input.snapshotId,
    addedFiles: count(ADDED),
    existingFiles: count(EXISTING),
    deletedFiles: count(DELETED),
    addedRows: rows(ADDED),
    existingRows: rows(EXISTING),
    deletedRows: rows(DELETED),
    partitions: input.fields.map((f) => summarise(f, input.entries)),
    keyMetadata: null,
  };
}

function summarise(field: BoundPartitionField, entries: readonly NewEntry[]): FieldSummary {
  let lower: Value | undefined;
  let upper: Value | undefined;
  let containsNull = false;
  let containsNan = false;
  for (const { file } of entries) {
    const value = file.partition.get(field['field-id']) ?? null;
    if (value === null) containsNull = true;
    else if (Number.isNaN(value)) containsNan = true;
    else {
      if (lower === undefined || compareValues(value, lower) < 0) lower = value;
      if (upper === undefined || compareValues(value, upper) > 0) upper = value;
    }
  }
  return {
    containsNull,
    containsNan,
    lowerBound: lower === undefined ? null : encodeValue(field.type, lower),
    upperBound: upper === undefined ? null : encodeValue(field.type, upper),
  };
}
