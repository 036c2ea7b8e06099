import { stubColumn } from '../../core/duckdb/plan-filters.js';
import { quoteIdentifier, quoteLiteral, quotePaths } from '../../core/spi/index.js';
import type { IcebergSchema, ManifestEntry, NestedField, TableMetadata } from '../table/model.js';
import { duckTypeOf } from '../table/types.js';
import { indexDeletes } from './delete-files.js';
import type { FilePlan } from './plan-files.js';

/** A file's URI and where DuckDB finds it. */
export type LocalPaths = ReadonlyMap<string, string>;

/** SELECT over nothing with the schema's columns: for tables that keep no file or that the plan does not scan. */
export function emptyScanSql(schema: IcebergSchema): string {
  if (schema.fields.length === 0) return 'SELECT 1 WHERE false';
  return `SELECT ${schema.fields.map((f) => `CAST(NULL AS ${duckTypeOf(f.type)}) AS ${quoteIdentifier(f.name)}`).join(', ')} WHERE false`;
}

/** SELECT over two stub files, with the stub's column names behind the table's. */
export function stubScanSql(stub: number, schema: IcebergSchema, files: readonly string[]): string {
  return `SELECT ${schema.fields.map((f) => `${stubColumn(stub, f.id)} AS ${quoteIdentifier(f.name)}`).join(', ')} FROM read_parquet(${quotePaths(files)}, hive_partitioning = false)`;
}

/** SELECT that gives a stub file's columns. */
export function stubFileSql(stub: number, schema: IcebergSchema): string {
  return `SELECT ${schema.fields.map((f) => `CAST(NULL AS ${duckTypeOf(f.type)}) AS ${stubColumn(stub, f.id)}`).join(', ')} LIMIT 0`;
}

/** Names of the two columns that {@link scanSql} adds with `withPlace`. */
export const PLACE_COLUMNS = { file: '__sluice_file', row: '__sluice_row' } as const;

export interface ScanOptions {
  /** Adds each row's local file path and row number as {@link PLACE_COLUMNS}. */
  readonly withPlace?: boolean;
  /** See {@link widenedFloats}; needed where filters may reach the scan. */
  readonly widened?: ReadonlySet<number>;
}

/** Ids of fields that are double now and were float in an earlier schema. */
export function widenedFloats(table: Pick<TableMetadata, 'schemas'>): ReadonlySet<number> {
  return new Set(table.schemas.flatMap((s) => s.fields.filter((f) => f.type === 'float').map((f) => f.id)));
}

/**
 * SELECT over the kept files: columns by field id (renamed, added and widened columns come right), position deletes
 * applied by anti-join to the files they may touch.
 */
export function scanSql(plan: FilePlan, schema: IcebergSchema, local: LocalPaths, options: ScanOptions = {}): string {
  const groups = groupFiles(plan, schema);
  if (groups.length === 0 || schema.fields.length === 0)
    return options.withPlace
      ? `SELECT *, CAST(NULL AS VARCHAR) AS ${PLACE_COLUMNS.file}, CAST(NULL AS BIGINT) AS ${PLACE_COLUMNS.row} FROM (${emptyScanSql(schema)})`
      : emptyScanSql(schema);
  return groups.map((group) => groupSql(group, plan, schema, local, options)).join(' UNION ALL ');
}

interface FileGroup {
  readonly files: ManifestEntry[];
  readonly mayHoldNan: boolean;
  readonly touched: boolean;
}

/**
 * Files that need no care go into one plain scan. DuckDB skips row groups of files by other writers as if their float
 * columns held no NaN (duckdb#25521): files that may hold one get `can_have_nan`.
 */
function groupFiles(plan: FilePlan, schema: IcebergSchema): FileGroup[] {
  const floats = schema.fields.filter((f) => f.type === 'float' || f.type === 'double').map((f) => f.id);
  const deletes = indexDeletes(plan.deletes);
  const groups: FileGroup[] = [];
  for (const entry of plan.data) {
    const mayHoldNan = floats.some((id) => entry.file.nanValueCounts?.get(id) !== 0);
    const touched = deletes.of(entry).length > 0;
    let group = groups.find((g) => g.mayHoldNan === mayHoldNan && g.touched === touched);
    if (!group) groups.push((group = { files: [], mayHoldNan, touched }));
    group.files.push(entry);
  }
  return groups;
}

function groupSql(group: FileGroup, plan: FilePlan, schema: IcebergSchema, local: LocalPaths, options: ScanOptions): string {
  // Columns go by number inside, so that one named `filename` cannot hide DuckDB's own, which are there unasked; as options they
  // would be refused over a file that has a column of their name.
  const columns = schema.fields.map((f) => `${columnSql(f, group, options)} AS ${quoteIdentifier(f.name)}`);
  if (options.withPlace) columns.push(`d.filename AS ${PLACE_COLUMNS.file}`, `d.file_row_number AS ${PLACE_COLUMNS.row}`);
  const fields = schema.fields.map((f) => `${f.id}: {name: 'c${f.id}', type: ${quoteLiteral(duckTypeOf(f.type))}, default_value: NULL}`);
  // A folder above the warehouse may be called like a column: `env=prod`.
  const reading = [`schema = MAP {${fields.join(', ')}}`, 'hive_partitioning = false'];
  if (group.mayHoldNan) reading.push('can_have_nan = true');
  const scan = `SELECT ${columns.join(', ')} FROM read_parquet(${quotePaths(group.files.map((e) => pathOf(e, local)))}, ${reading.join(', ')}) d`;
  if (!group.touched) return scan;
  // Delete files name data files by URI, byte for byte; DuckDB knows them by local path.
  const uris = group.files.map((e) => `(${quoteLiteral(e.file.path)}, ${quoteLiteral(pathOf(e, local))})`);
  const deleted = `SELECT u.path, x.pos FROM read_parquet(${quotePaths(plan.deletes.map((d) => pathOf(d, local)))}, schema = MAP {2147483546: {name: 'file_path', type: 'VARCHAR', default_value: NULL}, 2147483545: {name: 'pos', type: 'BIGINT', default_value: NULL}}, hive_partitioning = false) x JOIN (VALUES ${uris.join(', ')}) u(uri, path) ON u.uri = x.file_path`;
  return `${scan} ANTI JOIN (${deleted}) r ON r.path = d.filename AND r.pos = d.file_row_number`;
}

/**
 * DuckDB rounds the constants of filters to a file's own type: with 0.1 as a float `f > 0.1` loses the float 0.1, which is more. So
 * no filter may go below the widening.
 */
function columnSql(field: NestedField, group: FileGroup, { widened }: ScanOptions): string {
  const column = `d.c${field.id}`;
  if (field.type !== 'double') return column;
  // Old schemas may be gone from the metadata; bounds keep the width of their file's type.
  const isFloat = widened?.has(field.id) === true || group.files.some(({ file }) => file.lowerBounds?.get(field.id)?.length === 4);
  return isFloat ? `${column} * 1e0` : column;
}

function pathOf(entry: ManifestEntry, local: LocalPaths): string {
  const path = local.get(entry.file.path);
  if (path === undefined) throw new RangeError(`no local path for ${entry.file.path}`);
  return path;
}

/** The URIs a plan reads. */
export function urisOf(plan: FilePlan): string[] {
  return [...plan.data, ...plan.deletes].map((e) => e.file.path);
}
