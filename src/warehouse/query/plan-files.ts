import { ConfigError } from '../../core/spi/index.js';
import {
  DATA,
  DELETE_MANIFEST,
  DELETED,
  specById,
  type DataFile,
  type IcebergSchema,
  type ManifestEntry,
  type ManifestFile,
  type PartitionField,
  type Snapshot,
  type TableMetadata,
  type Value,
} from '../table/model.js';
import { decodeValue } from '../table/single-value.js';
import { parseTransform, transformedType, transformProblem, transformValue, type Transform } from '../table/transforms.js';
import type { TableReader } from '../table/table-reader.js';
import { neededDeletes } from './delete-files.js';
import { mayMatch, type FileFilter, type ValueRange } from './file-filter.js';

export type ManifestSource = Pick<TableReader, 'manifests' | 'entries'>;

export interface FilePlan {
  readonly data: readonly ManifestEntry[];
  /** Live position deletes that may touch a kept file. */
  readonly deletes: readonly ManifestEntry[];
  readonly stats: PruneStats;
}

export interface PruneStats {
  readonly manifestsTotal: number;
  readonly manifestsRead: number;
  readonly filesTotal: number;
  readonly filesKept: number;
  readonly rowsTotal: number;
  readonly rowsKept: number;
  readonly bytesTotal: number;
  readonly bytesKept: number;
}

/**
 * The files of a snapshot that may hold rows which pass one of the filters (one per scan; an empty list keeps nothing, a
 * filter `undefined` keeps everything): first by the manifest list's partition summaries, then by each file's partition
 * value, column bounds and counts.
 */
export async function planFiles(
  source: ManifestSource,
  table: TableMetadata,
  snapshot: Snapshot | undefined,
  schema: IcebergSchema,
  filters: readonly FileFilter[],
): Promise<FilePlan> {
  const data: ManifestEntry[] = [];
  const deletes: ManifestEntry[] = [];
  const totals = { manifestsTotal: 0, manifestsRead: 0, filesTotal: 0, rowsTotal: 0, bytesTotal: 0, rowsKept: 0, bytesKept: 0 };
  const typeOf = primitiveTypes(schema);
  for (const manifest of snapshot ? await source.manifests(snapshot) : []) {
    totals.manifestsTotal++;
    if (manifest.content === DELETE_MANIFEST) {
      totals.manifestsRead++;
      for (const entry of await source.entries(manifest)) if (entry.status !== DELETED) deletes.push(entry);
      continue;
    }
    const columns = partitionColumns(table, manifest.specId, typeOf);
    const summaries = summaryRanges(manifest, columns);
    if (!filters.some((filter) => mayMatch(filter, (field) => summaries.get(field) ?? []))) {
      totals.filesTotal += manifest.addedFiles + manifest.existingFiles;
      totals.rowsTotal += manifest.addedRows + manifest.existingRows;
      continue;
    }
    totals.manifestsRead++;
    for (const entry of await source.entries(manifest)) {
      if (entry.status === DELETED || entry.file.content !== DATA) continue;
      const { file } = entry;
      totals.filesTotal++;
      totals.rowsTotal += file.recordCount;
      totals.bytesTotal += file.fileSizeInBytes;
      // The partition value alone drops most files, and costs less than decoding bounds.
      const partitionOf = (field: number): ValueRange[] => partitionRanges(file, columns.get(field) ?? NO_COLUMNS);
      const rangesOf = (field: number): ValueRange[] => [...partitionOf(field), ...fileRanges(file, field, typeOf.get(field))];
      if (!filters.some((filter) => mayMatch(filter, partitionOf) && mayMatch(filter, rangesOf))) continue;
      totals.rowsKept += file.recordCount;
      totals.bytesKept += file.fileSizeInBytes;
      data.push(entry);
    }
  }
  for (const { file } of data) checkReadable(file);
  return { data, deletes: neededDeletes(data, deletes), stats: { ...totals, filesKept: data.length } };
}

function primitiveTypes(schema: IcebergSchema): ReadonlyMap<number, string> {
  return new Map(schema.fields.flatMap((f) => (typeof f.type === 'string' ? [[f.id, f.type] as const] : [])));
}

interface PartitionColumn {
  readonly field: PartitionField;
  readonly index: number;
  readonly sourceType: string;
  readonly type: string;
  readonly transform: ValueRange['transform'];
  /** Partition values outside say nothing about the source: see {@link wrapLimits}. */
  readonly limits: { readonly low: bigint; readonly high: bigint } | undefined;
}

/** Usable partition fields of a spec by source column. */
function partitionColumns(
  table: TableMetadata,
  specId: number,
  typeOf: ReadonlyMap<number, string>,
): ReadonlyMap<number, readonly PartitionColumn[]> {
  const columns = new Map<number, PartitionColumn[]>();
  specById(table, specId).fields.forEach((field, index) => {
    const sourceType = typeOf.get(field['source-id']);
    const transform = parseTransform(field.transform);
    if (
      sourceType === undefined ||
      transform.kind === 'void' ||
      transform.kind === 'unknown' ||
      transformProblem(transform, sourceType) !== undefined
    )
      return;
    const found = columns.get(field['source-id']) ?? [];
    columns.set(field['source-id'], found);
    found.push({
      field,
      index,
      sourceType,
      type: transformedType(transform, sourceType),
      transform: constantTransform(transform, sourceType),
      limits: wrapLimits(transform, sourceType),
    });
  });
  return columns;
}

function constantTransform(transform: Transform, type: string): ValueRange['transform'] {
  if (transform.kind === 'identity') return undefined;
  const limits = wrapLimits(transform, type);
  const known = new Map<Value, Value | undefined>();
  return {
    monotone: transform.kind !== 'bucket',
    apply(value) {
      if (limits && BigInt(value as bigint) < limits.low) return undefined;
      if (!known.has(value)) known.set(value, transformValue(transform, type, value) ?? undefined);
      return known.get(value);
    },
  };
}

/**
 * Below the lowest multiple of its width, `truncate` wraps around to the highest numbers (as in Java): constants there have
 * no order, and a partition value that high may stand for the lowest numbers.
 */
function wrapLimits(transform: Transform, type: string): PartitionColumn['limits'] {
  if (transform.kind !== 'truncate' || (type !== 'long' && type !== 'int')) return undefined;
  const end = 1n << (type === 'long' ? 63n : 31n);
  const width = BigInt(transform.width);
  return { low: -end + width, high: end - 1n - width };
}

function wraps(column: PartitionColumn, value: Value | undefined): boolean {
  return column.limits !== undefined && value !== undefined && BigInt(value as bigint) > column.limits.high;
}

function summaryRanges(manifest: ManifestFile, columns: ReadonlyMap<number, readonly PartitionColumn[]>): ReadonlyMap<number, readonly ValueRange[]> {
  const ranges = new Map<number, ValueRange[]>();
  for (const [source, fields] of columns)
    for (const column of fields) {
      const summary = manifest.partitions?.[column.index];
      if (!summary) continue;
      const highest = bound(column.type, summary.upperBound);
      const lower = wraps(column, highest) ? undefined : bound(column.type, summary.lowerBound);
      const upper = highest;
      const mayHoldNan = isFloat(column.type) && summary.containsNan !== false;
      const range: ValueRange = {
        lower,
        upper,
        mayHoldNull: summary.containsNull,
        mayHoldValue: summary.lowerBound !== null || !summary.containsNull || mayHoldNan,
        mayHoldNan,
        transform: column.transform,
      };
      ranges.set(source, [...(ranges.get(source) ?? []), range]);
    }
  return ranges;
}

const NO_COLUMNS: readonly PartitionColumn[] = [];

function partitionRanges(file: DataFile, columns: readonly PartitionColumn[]): ValueRange[] {
  const ranges: ValueRange[] = [];
  for (const column of columns) {
    const value = file.partition.get(column.field['field-id']);
    if (value === undefined) continue;
    const nan = typeof value === 'number' && Number.isNaN(value);
    const known = value === null || nan || wraps(column, value) ? undefined : value;
    ranges.push({
      lower: known,
      upper: known,
      mayHoldNull: value === null,
      mayHoldValue: value !== null,
      mayHoldNan: nan,
      transform: column.transform,
    });
  }
  return ranges;
}

function fileRanges(file: DataFile, field: number, type: string | undefined): ValueRange[] {
  if (type === undefined) return [];
  const nulls = file.nullValueCounts?.get(field);
  return [
    {
      lower: bound(type, file.lowerBounds?.get(field) ?? null),
      upper: bound(type, file.upperBounds?.get(field) ?? null),
      mayHoldNull: nulls !== 0,
      mayHoldValue: nulls !== file.recordCount,
      mayHoldNan: isFloat(type) && file.nanValueCounts?.get(field) !== 0,
      transform: undefined,
    },
  ];
}

/** A bound that orders as DuckDB orders; NaN bounds (of faulty writers) and types whose order differs are not used. */
function bound(type: string, bytes: Uint8Array | null): Value | undefined {
  if (bytes === null || type === 'uuid' || type === 'binary' || type.startsWith('fixed')) return undefined;
  const value = decodeValue(type, bytes);
  return typeof value === 'number' && Number.isNaN(value) ? undefined : value;
}

function isFloat(type: string): boolean {
  return type === 'float' || type === 'double';
}

function checkReadable(file: DataFile): void {
  if (file.format.toUpperCase() === 'PARQUET') return;
  throw new ConfigError({
    code: 'FILE_FORMAT',
    message: `${file.path}: expected a Parquet file, found ${file.format}`,
    hint: 'rewrite the table as Parquet with the engine that wrote it',
  });
}
