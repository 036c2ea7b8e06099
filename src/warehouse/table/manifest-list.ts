import type { Storage } from '../storage/storage.js';
import { readAvro } from './avro-reader.js';
import { writeAvro } from './avro-writer.js';
import { damaged } from './damaged.js';
import { MANIFEST_LIST_SCHEMA } from './manifest-schema.js';
import type { FieldSummary, ManifestFile, Snapshot } from './model.js';

type Fields = { readonly [name: string]: unknown };

/** The manifests of a snapshot, in the list's order. Not cached: see TableReader. */
export async function readManifestList(storage: Storage, uri: string): Promise<readonly ManifestFile[]> {
  const { records } = readAvro(await storage.read(uri), uri);
  return records.map((record) => decodeManifestFile(record, uri));
}

function decodeManifestFile(record: Fields, uri: string): ManifestFile {
  if (typeof record['manifest_path'] !== 'string') throw damaged(uri, 'a manifest list', 'an entry has no manifest_path');
  // Names of version 1 lists and of older writers differ (spec, "Manifest Lists").
  const number = (...names: readonly string[]): number => Number(names.map((n) => record[n]).find((v) => v !== null && v !== undefined) ?? 0);
  return {
    path: record['manifest_path'],
    length: number('manifest_length'),
    specId: number('partition_spec_id'),
    content: number('content') === 1 ? 1 : 0,
    sequenceNumber: number('sequence_number'),
    minSequenceNumber: number('min_sequence_number'),
    addedSnapshotId: BigInt((record['added_snapshot_id'] as number | bigint | null | undefined) ?? 0),
    addedFiles: number('added_files_count', 'added_data_files_count'),
    existingFiles: number('existing_files_count', 'existing_data_files_count'),
    deletedFiles: number('deleted_files_count', 'deleted_data_files_count'),
    addedRows: number('added_rows_count'),
    existingRows: number('existing_rows_count'),
    deletedRows: number('deleted_rows_count'),
    partitions: (record['partitions'] as readonly Fields[] | null | undefined)?.map(decodeSummary) ?? null,
    keyMetadata: (record['key_metadata'] as Uint8Array | null | undefined) ?? null,
  };
}

function decodeSummary(record: Fields): FieldSummary {
  return {
    containsNull: record['contains_null'] === true,
    containsNan: typeof record['contains_nan'] === 'boolean' ? record['contains_nan'] : undefined,
    lowerBound: (record['lower_bound'] as Uint8Array | null | undefined) ?? null,
    upperBound: (record['upper_bound'] as Uint8Array | null | undefined) ?? null,
  };
}

export function encodeManifestList(
  snapshot: Pick<Snapshot, 'snapshot-id' | 'parent-snapshot-id' | 'sequence-number'>,
  manifests: readonly ManifestFile[],
): Uint8Array {
  const parent = snapshot['parent-snapshot-id'];
  const metadata = {
    'snapshot-id': String(snapshot['snapshot-id']),
    'parent-snapshot-id': parent === undefined ? 'null' : String(parent),
    'sequence-number': String(snapshot['sequence-number']),
    'format-version': '2',
  };
  return writeAvro(MANIFEST_LIST_SCHEMA, metadata, manifests.map(encodeManifestFile));
}

function encodeManifestFile(manifest: ManifestFile): Fields {
  return {
    manifest_path: manifest.path,
    manifest_length: manifest.length,
    partition_spec_id: manifest.specId,
    content: manifest.content,
    sequence_number: manifest.sequenceNumber,
    min_sequence_number: manifest.minSequenceNumber,
    added_snapshot_id: manifest.addedSnapshotId,
    added_files_count: manifest.addedFiles,
    existing_files_count: manifest.existingFiles,
    deleted_files_count: manifest.deletedFiles,
    added_rows_count: manifest.addedRows,
    existing_rows_count: manifest.existingRows,
    deleted_rows_count: manifest.deletedRows,
    partitions:
      manifest.partitions?.map((p) => ({
        contains_null: p.containsNull,
        contains_nan: p.containsNan ?? null,
        lower_bound: p.lowerBound,
        upper_bound: p.upperBound,
      })) ?? null,
    key_metadata: manifest.keyMetadata,
  };
}
