import { DataError, quotePaths, quotePath, type SqlConnection } from '../../core/spi/index.js';
import type { LocalFile } from './local-file.js';
import type { ParquetColumn } from './column-types.js';

export interface DescribedFile {
  readonly local: LocalFile;
  readonly columns: readonly ParquetColumn[];
  readonly rows: number;
}

/** Columns and rows of each file. Files with the same Parquet schema are described once. */
export async function describeFiles(files: readonly LocalFile[], sql: SqlConnection): Promise<DescribedFile[]> {
  const bySchema = new Map<string, ParquetColumn[]>();
  const described: DescribedFile[] = [];
  for (const local of files) {
    try {
      const path = quotePath(local.path);
      const schema = await sql.rows(
        `select name, type, type_length, num_children, converted_type, precision, scale, logical_type from parquet_schema(${path})`,
      );
      const key = JSON.stringify(schema, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
      let columns = bySchema.get(key);
      if (!columns) {
        refuseTwins(local.file.name, topNames(schema));
        const rows = await sql.rows(`describe select * from ${scanSql([local.path])}`);
        columns = rows.map((row) => ({ name: String(row['column_name']), duckdb: String(row['column_type']) }));
        bySchema.set(key, columns);
      }
      const [meta] = await sql.rows(`select num_rows from parquet_file_metadata(${path})`);
      described.push({ local, columns, rows: Number(meta?.['num_rows'] ?? 0) });
    } catch (error) {
      if (error instanceof DataError) throw error;
      throw new DataError({
        code: 'PARQUET_UNREADABLE',
        message: `${local.file.name}: not a readable Parquet file: ${firstLine(error)}`,
        hint: 'check that the file was written completely (its last four bytes are PAR1) and is not encrypted',
        cause: error,
        where: { file: local.file.name },
      });
    }
  }
  return described;
}

export function scanSql(paths: readonly string[]): string {
  return `read_parquet(${quotePaths(paths)}, hive_partitioning=false)`;
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] as string;
}

/** Names of the columns in a flattened schema: the root's direct children. */
function topNames(schema: readonly Record<string, unknown>[]): string[] {
  const names: string[] = [];
  const skip = (at: number): number => {
    let next = at + 1;
    for (let left = Number(schema[at]?.['num_children'] ?? 0); left > 0; left--) next = skip(next);
    return next;
  };
  for (let at = 1; at < schema.length; at = skip(at)) names.push(String(schema[at]?.['name']));
  return names;
}

function refuseTwins(file: string, names: readonly string[]): void {
  const seen = new Map<string, string>();
  for (const name of names) {
    const twin = seen.get(name.toLowerCase());
    if (twin !== undefined) {
      throw new DataError({
        code: 'PARQUET_COLUMN_TWINS',
        message: `${file}: the columns "${twin}" and "${name}" differ only by case`,
        hint: 'write the file anew with distinct column names',
        where: { file },
      });
    }
    seen.set(name.toLowerCase(), name);
  }
}
