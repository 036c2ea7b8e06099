import type { WrittenFile } from '../../core/duckdb/return-stats.js';
import { BugError, type JsonValue } from '../../core/spi/index.js';
import { pathOfFileUri } from '../storage/file-uri.js';
import { columnMetrics, leafColumns } from '../table/bounds.js';
import { DATA, type DataFile, type IcebergSchema, type PartitionValues, type Value } from '../table/model.js';
import type { BoundPartitionField } from '../table/partition-record.js';
import { decodeValue, encodeValue } from '../table/single-value.js';
import { parsePartitionText } from '../table/transform-sql.js';
import { parseTransform } from '../table/transforms.js';
import { partitionName } from './copy-sql.js';

/** A data file between staging and commit, as JSON: it waits in the metastore until the run commits. */
export interface StagedFile {
  readonly path: string;
  readonly rows: number;
  readonly bytes: number;
  /** Of a merge: these rows say which keys go, and do not come themselves. Set by the output. */
  readonly deletes?: true;
  /** Single values in base64 by partition field id; null for NULL. */
  readonly partition: { readonly [fieldId: string]: string | null };
  /** `[field id, size, values, nulls, NaN count or -1, lower bound or null, upper bound or null]`; bounds in base64; -1 = unknown. */
  readonly columns: readonly (readonly [number, number, number, number, number, string | null, string | null])[];
}

/** Partition values of a file that DuckDB wrote. */
export function partitionOf(file: WrittenFile, fields: readonly BoundPartitionField[]): PartitionValues {
  return new Map(
    fields.map((f): [number, Value | null] => [
      f['field-id'],
      parsePartitionText(parseTransform(f.transform), f.sourceType, file.partition.get(partitionName(f)) ?? null),
    ]),
  );
}

export function describeStagedFile(
  file: WrittenFile,
  path: string,
  schema: IcebergSchema,
  fields: readonly BoundPartitionField[],
  partition: PartitionValues,
): StagedFile {
  const metrics = columnMetrics(leafColumns(schema), file.columns);
  const base64 = (bytes: Uint8Array | undefined): string | null => (bytes === undefined ? null : Buffer.from(bytes).toString('base64'));
  return {
    path,
    rows: file.rows,
    bytes: file.bytes,
    partition: Object.fromEntries(
      fields.map((f) => {
        const value = partition.get(f['field-id']) ?? null;
        return [f['field-id'], value === null ? null : base64(encodeValue(f.type, value))];
      }),
    ),
    columns: [...metrics.columnSizes].map(([id, size]) => [
      id,
      size,
      metrics.valueCounts.get(id) ?? -1,
      metrics.nullValueCounts.get(id) ?? -1,
      metrics.nanValueCounts?.get(id) ?? -1,
      base64(metrics.lowerBounds.get(id)),
      base64(metrics.upperBounds.get(id)),
    ]),
  };
}

/** The manifest's view of a staged file. */
export function dataFileOf(staged: StagedFile, specId: number, fields: readonly BoundPartitionField[]): DataFile {
  const pick = (index: 1 | 2 | 3 | 4): ReadonlyMap<number, number> =>
    new Map(staged.columns.filter((c) => c[index] >= 0).map((c) => [c[0], c[index]]));
  const bounds = (index: 5 | 6): ReadonlyMap<number, Uint8Array> => {
    const found = new Map<number, Uint8Array>();
    for (const column of staged.columns) {
      const text = column[index];
      if (text !== null) found.set(column[0], Buffer.from(text, 'base64'));
    }
    return found;
  };
  const nans = pick(4);
  return {
    content: DATA,
    path: staged.path,
    format: 'PARQUET',
    specId,
    partition: new Map(fields.map((f): [number, Value | null] => [f['field-id'], decodePartition(f, staged.partition[f['field-id']] ?? null)])),
    recordCount: staged.rows,
    fileSizeInBytes: staged.bytes,
    columnSizes: pick(1),
    valueCounts: pick(2),
    nullValueCounts: pick(3),
    nanValueCounts: nans.size > 0 ? nans : null,
    lowerBounds: bounds(5),
    upperBounds: bounds(6),
    keyMetadata: null,
    // The first row group starts after the four magic bytes; later ones are not known without a second read.
    splitOffsets: [4],
    equalityIds: null,
    sortOrderId: 0,
  };
}

function decodePartition(field: BoundPartitionField, text: string | null): Value | null {
  if (text === null) return null;
  const value = decodeValue(field.type, Buffer.from(text, 'base64'));
  if (value === undefined)
    throw new BugError({ code: 'PARTITION_VALUE', message: `a staged file has an unreadable value for the partition field ${field.name}` });
  return value;
}

export function stagedFilesOf(staged: JsonValue): readonly StagedFile[] {
  return staged as unknown as readonly StagedFile[];
}

/** Local paths of a task's staged Parquet files, for looking at them before the commit. */
export function stagedPaths(report: { readonly staged: JsonValue }): readonly string[] {
  return stagedFilesOf(report.staged).map((file) => pathOfFileUri(file.path));
}
