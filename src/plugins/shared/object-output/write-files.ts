import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import {
  DataError,
  fileSystemError,
  makeFolders,
  quoteIdentifier,
  quoteLiteral,
  quotePaths,
  type SqlConnection,
  type StagedRelation,
} from '../../../core/spi/index.js';
import { encodePart } from './naming.js';
import { NULL_FOLDER, type ObjectPlan } from './plan.js';
import { withStatusCount, type StatusCounts } from '../status-count.js';

/** A file that COPY wrote. */
export interface CopiedFile {
  readonly path: string;
  readonly bytes: number;
  /** Folder of its partition, empty or ending with `/`. */
  readonly folder: string;
}

export interface CopiedFiles {
  readonly files: readonly CopiedFile[];
  readonly rows: number;
  readonly statuses: StatusCounts;
}

const MAX_PARTITIONS = 5000;
/** Partition files that are open at a time; about 1 MB of memory each. */
const OPEN_FILES = 500;

/** The part of a plan that decides what is written. */
export type CopyPlan = Pick<ObjectPlan, 'file' | 'partition' | 'maxFileBytes'>;

/** Writes the rows of a task below `folder` in one pass, in order where there is one file, and counts all statuses. */
export async function copyFiles(plan: CopyPlan, relation: StagedRelation, folder: string, sql: SqlConnection): Promise<CopiedFiles> {
  try {
    await makeFolders(folder);
  } catch (error) {
    throw fileSystemError(error, `making ${folder}`);
  }
  const whole = plan.partition.length === 0 && plan.maxFileBytes === null;
  const target = whole ? join(folder, 'data') : join(folder, 'parts');
  await rm(target, { recursive: true, force: true });
  if (!whole) await sql.run(`SET partitioned_write_max_open_files = ${OPEN_FILES}`);
  // The first record of an array must come first.
  if (plan.file.format.form === 'lines' && plan.file.format.array === true) await sql.run('SET GLOBAL preserve_insertion_order = true');
  const { rows, statuses } = await withStatusCount(sql, relation, async (keep) => {
    const [result] = await sql.rows(copySql(plan, relation, keep, target));
    return Number(result?.['Count'] ?? 0);
  });
  const paths = whole ? [target] : await listFiles(target);
  const written = await Promise.all(
    paths.map(async (path) => ({ path, bytes: (await stat(path)).size, folder: whole ? '' : partitionFolder(relative(target, path), plan) })),
  );
  const files = plan.maxFileBytes === null ? written : await filledOf(written, plan, sql);
  const folders = new Set(files.map((file) => file.folder)).size;
  if (folders > MAX_PARTITIONS) {
    throw new DataError({
      code: 'TOO_MANY_PARTITIONS',
      message: `partition_by: this run makes ${folders} folders, at most ${MAX_PARTITIONS} are written at once`,
      hint: 'partition by a column with fewer values',
    });
  }
  return { files, rows, statuses };
}

/** A character that no quoting takes notice of: records are written as they are. */
const UNQUOTED = `QUOTE '', ESCAPE '', DELIMITER E'\\x01'`;

function copySql(plan: CopyPlan, relation: StagedRelation, keep: string, target: string): string {
  const { format } = plan.file;
  const partition = plan.partition.map((column, i) => ({ sql: column.sql, name: quoteIdentifier(`__folder_${i}`) }));
  const columns = format.form === 'copy' ? format.columns.map((c) => `${c.sql} AS ${quoteIdentifier(c.name)}`) : [recordSql(format)];
  const options = writingOptions(plan.file);
  if (plan.maxFileBytes !== null) options.push(`FILE_SIZE_BYTES ${plan.maxFileBytes}`);
  if (partition.length > 0) options.push(`PARTITION_BY (${partition.map((c) => c.name).join(', ')}), FILENAME_PATTERN 'part_{i}'`);
  const list = [...columns, ...partition.map((c) => `${c.sql} AS ${c.name}`)].join(', ');
  return `COPY (SELECT ${list} FROM (${relation.select}) WHERE ${keep}) TO ${quoteLiteral(target)} (${options.join(', ')})`;
}

function writingOptions({ format, copyOptions }: CopyPlan['file']): string[] {
  const options: string[] = [];
  if (format.form === 'copy') options.push(format.options);
  else {
    const newline = { '\n': '\\n', '\r\n': '\\r\\n', '\r': '\\r' }[format.newline];
    options.push(`FORMAT csv, ${UNQUOTED}, HEADER ${format.header !== null}, NEW_LINE '${newline}'`);
    if (format.array === true) options.push(`PREFIX E'[\\n', SUFFIX E'\\n]\\n'`);
  }
  if (copyOptions !== '') options.push(copyOptions);
  return options;
}

function recordSql(format: Extract<ObjectPlan['file']['format'], { form: 'lines' }>): string {
  const comma = format.array === true ? `CASE WHEN row_number() OVER () = 1 THEN '' ELSE ',' END || ` : '';
  return `${comma}${format.record} AS ${quoteIdentifier(format.header ?? 'record')}`;
}

/** Two threads of DuckDB that end a file at the same moment may leave one behind that holds nothing but a header. */
export async function filledOf(files: readonly CopiedFile[], plan: CopyPlan, sql: SqlConnection): Promise<readonly CopiedFile[]> {
  const small = files.filter((file) => file.bytes <= SMALL).map((file) => file.path);
  if (small.length === 0 || files.length === 1) return files;
  const empty = plan.file.format.form === 'copy' ? await withoutRows(small, sql) : await withoutRecords(files, plan.file, sql);
  const kept = files.filter((file) => !empty.has(file.path));
  return kept.length > 0 ? kept : files.slice(0, 1);
}

/** A header of many columns, or the metadata of a Parquet file without rows. */
const SMALL = 65_536;

async function withoutRows(paths: readonly string[], sql: SqlConnection): Promise<ReadonlySet<unknown>> {
  const rows = await sql.rows(`SELECT file_name AS path FROM parquet_file_metadata(${quotePaths(paths)}) WHERE num_rows = 0`);
  return new Set(rows.map((row) => row['path']));
}

/** By their bytes: what a record may hold (delimiters, any length) would not always be read as one. */
async function withoutRecords(files: readonly CopiedFile[], file: CopyPlan['file'], sql: SqlConnection): Promise<ReadonlySet<unknown>> {
  const { format } = file;
  const name = quoteIdentifier((format.form === 'lines' ? format.header : null) ?? 'record');
  const sample = `${files[0]?.path ?? ''}.empty`;
  await sql.run(`COPY (SELECT '' AS ${name} WHERE false) TO ${quoteLiteral(sample)} (${writingOptions(file).join(', ')})`);
  const bytes = await readFile(sample);
  await rm(sample);
  const empty = new Set<string>();
  for (const { path, bytes: size } of files) if (size === 0 || (size === bytes.length && bytes.equals(await readFile(path)))) empty.add(path);
  return empty;
}

async function listFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const collator = new Intl.Collator('en', { numeric: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort(collator.compare);
}

/** DuckDB's folders (`__folder_0=jp/…`, percent-encoded) as the user's, encoded by our own rule. */
function partitionFolder(path: string, plan: CopyPlan): string {
  const parts = path.split(sep).slice(0, -1);
  return parts
    .map((part, i) => {
      const value = decodeURIComponent(part.slice(part.indexOf('=') + 1));
      return `${plan.partition[i]?.name}=${value === NULL_FOLDER ? NULL_FOLDER : encodeValue(value)}/`;
    })
    .join('');
}

/** Behind `name=` a value may start with anything. */
function encodeValue(value: string): string {
  return encodePart(`x${value}`).slice(1);
}
