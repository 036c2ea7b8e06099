import { engineError } from '../../core/duckdb/index.js';
import { parseReturnStats } from '../../core/duckdb/return-stats.js';
import { DataError, quoteIdentifier, quoteLiteral, type SqlConnection } from '../../core/spi/index.js';
import { scanSql } from '../query/scan-sql.js';
import type { Storage } from '../storage/storage.js';
import { currentSchema, specById, type DataFile, type IcebergSchema, type TableMetadata } from '../table/model.js';
import { PARQUET_OPTIONS, schemaFieldIdsSql } from '../write/copy-sql.js';
import { dataFileOf, describeStagedFile } from '../write/staged-file.js';
import type { CompactionGroup } from './plan-compaction.js';

/** Property that names a table's time column (see plan-write-into.ts). */
const TIME_COLUMN = 'sluice.time-column';
const NO_STATS = { manifestsTotal: 0, manifestsRead: 0, filesTotal: 0, filesKept: 0, rowsTotal: 0, rowsKept: 0, bytesTotal: 0, bytesKept: 0 };

/** Where a group's new file is made, and where it will lie. Both are recorded before. */
export interface OutputPlace {
  readonly folder: string;
  readonly staged: string;
  readonly uri: string;
}

/** A group with its new file; undefined when no row is left. */
export interface RewrittenGroup {
  readonly group: CompactionGroup;
  readonly output: DataFile | undefined;
  readonly place: OutputPlace;
  /** Rows that position deletes had hidden. */
  readonly rowsFolded: number;
}

export function timeColumnOf(table: TableMetadata): string | undefined {
  const wanted = table.properties[TIME_COLUMN];
  const fields = currentSchema(table).fields;
  const found = wanted === undefined ? fields.find((f) => f.name === 'time') : fields.find((f) => f.name.toLowerCase() === wanted.toLowerCase());
  return found && typeof found.type === 'string' ? found.name : undefined;
}

/**
 * Reads a group's live rows and writes them to one durable file with the same spec and partition value. Errors: DataError
 * COMPACTION_MISMATCH when the new file does not hold what the old ones promised; RemoteError of engine and file system.
 */
export async function rewriteGroup(
  storage: Storage,
  table: TableMetadata,
  group: CompactionGroup,
  place: OutputPlace,
  sql: SqlConnection,
): Promise<RewrittenGroup> {
  const schema = currentSchema(table);
  const local = new Map<string, string>();
  for (const { file } of [...group.inputs, ...group.deletes]) local.set(file.path, await storage.localPath(file.path));
  const scan = scanSql({ data: group.inputs, deletes: group.deletes, stats: NO_STATS }, schema, local);
  const time = timeColumnOf(table);
  const select = time === undefined ? scan : `SELECT * FROM (${scan}) ORDER BY ${quoteIdentifier(time)}`;
  await storage.staging(place.folder);
  const path = await storage.localPath(place.staged);
  const copy = `COPY (${select}) TO ${quoteLiteral(path)} (${PARQUET_OPTIONS}, USE_TMP_FILE false, FIELD_IDS ${schemaFieldIdsSql(schema)})`;
  const [written] = parseReturnStats(
    await sql.rows(copy).catch((error: unknown) => {
      throw engineError(error, 'compacting Parquet files');
    }),
  );
  const rowsBefore = group.inputs.reduce((sum, e) => sum + e.file.recordCount, 0);
  if (!written || written.rows === 0) {
    if (group.deletes.length === 0 && rowsBefore > 0) throw mismatch(table, group, `${rowsBefore} rows`, 'none');
    return { group, output: undefined, place, rowsFolded: rowsBefore };
  }
  const described = describeStagedFile({ ...written, partition: new Map() }, place.uri, schema, [], new Map());
  const output = { ...dataFileOf(described, group.specId, []), partition: group.partition };
  checkSame(table, schema, group, output, rowsBefore);
  await storage.publish([{ localPath: path, uri: place.uri }]);
  return { group, output, place, rowsFolded: rowsBefore - output.recordCount };
}

/** The manifests' counts are an independent witness: they show files that hold something else than the engine read from them. */
function checkSame(table: TableMetadata, schema: IcebergSchema, group: CompactionGroup, output: DataFile, rowsBefore: number): void {
  const hidden = group.deletes.reduce((sum, d) => sum + d.file.recordCount, 0);
  if (output.recordCount > rowsBefore || output.recordCount < rowsBefore - hidden)
    throw mismatch(table, group, `${rowsBefore} rows`, String(output.recordCount));
  for (const field of specById(table, group.specId).fields) {
    // Files that migrations took in may leave out columns that their partition gives.
    const value = group.partition.get(field['field-id']) ?? null;
    const found = output.nullValueCounts?.get(field['source-id']) ?? 0;
    if (field.transform === 'identity' && value !== null && found > 0)
      throw mismatch(table, group, `no NULL in the partition column ${field.name}`, String(found));
  }
  if (group.deletes.length > 0) return;
  for (const field of schema.fields) {
    const counts = group.inputs.map((e) => e.file.nullValueCounts?.get(field.id));
    const found = output.nullValueCounts?.get(field.id);
    if (found === undefined || counts.some((n) => n === undefined)) continue;
    const expected = counts.reduce<number>((sum, n) => sum + (n ?? 0), 0);
    if (typeof field.type === 'string' && found !== expected) throw mismatch(table, group, `${expected} NULLs in ${field.name}`, String(found));
  }
}

function mismatch(table: TableMetadata, group: CompactionGroup, expected: string, found: string): DataError {
  return new DataError({
    code: 'COMPACTION_MISMATCH',
    message: `${table.location}: ${group.inputs.length} data files (the first is ${group.inputs[0]?.file.path ?? ''}): expected ${expected} by their metadata, found ${found}`,
    hint: 'the files were left as they are; compact the table with the engine that wrote them',
  });
}
