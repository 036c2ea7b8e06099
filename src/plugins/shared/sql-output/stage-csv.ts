import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { quoteIdentifier, quoteLiteral, type StageContext, type StagedRelation, type StageReport } from '../../../core/spi/index.js';

export interface CsvColumn {
  /** SQL over the relation's columns. */
  readonly sql: string;
  /** Texts are always quoted: an empty one is no NULL, and a line that says `\.` ends no COPY. */
  readonly quoted: boolean;
}

export interface CsvSpoolOptions {
  readonly columns: readonly CsvColumn[];
  /** What stands for NULL, never in quotes. */
  readonly nullText: string;
  /** Somebody reads the files of this folder while they grow: they are written in small pieces, at their ends only. */
  readonly onFolder?: ((folder: string) => void) | undefined;
}

/** What a task left behind: absolute paths of CSV files and their rows. */
export interface CsvSpool {
  readonly files: readonly string[];
  readonly rows: number;
}

const STATUS = '__status';
/** Rows that each thread gathers before it writes them; DuckDB's own half a million would arrive late. */
const ROWS_AT_A_TIME = 20_000;

/** Writes one task's good rows as CSV files of the task's own temp folder, in one scan that counts all others by status. */
export async function stageCsv(relation: StagedRelation, { columns, nullText, onFolder }: CsvSpoolOptions, ctx: StageContext): Promise<StageReport> {
  const folder = join(ctx.tempDir, 'spool');
  await ctx.record([pathToFileURL(folder).href]);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  if (onFolder) {
    await ctx.sql.run(`SET GLOBAL partitioned_write_flush_threshold = ${ROWS_AT_A_TIME}`);
    onFolder(join(folder, `${STATUS}=0`));
  }
  const list = columns.map(({ sql }, i) => `CASE WHEN ${quoteIdentifier(relation.statusColumn)} = 0 THEN ${sql} END AS c${i}`);
  const quoted = columns.flatMap((column, i) => (column.quoted ? [`c${i}`] : []));
  const status = quoteIdentifier(relation.statusColumn);
  const [counted] = await ctx.sql.rows(
    `COPY (SELECT ${[...list, `${status} AS ${STATUS}`].join(', ')} FROM (${relation.select})) TO ${quoteLiteral(folder)} ` +
      `(FORMAT csv, HEADER false, DELIMITER ',', QUOTE '"', ESCAPE '"', NULLSTR ${quoteLiteral(nullText)}, ` +
      `${quoted.length === 0 ? '' : `FORCE_QUOTE (${quoted.join(', ')}), `}PARTITION_BY (${STATUS}), FILENAME_PATTERN 'part-{uuidv7}')`,
  );
  const files: string[] = [];
  const statuses: Record<string, number> = {};
  // Rows that are not written have only NULLs, so that their lines are all of one length.
  const emptyLine = columns.length * (nullText.length + 1);
  let others = 0;
  for (const name of (await readdir(folder)).sort()) {
    const code = name.slice(STATUS.length + 1);
    const paths = (await readdir(join(folder, name))).sort().map((file) => join(folder, name, file));
    if (code === '0') files.push(...paths);
    else {
      statuses[code] = (await sizeOf(paths)) / emptyLine;
      others += statuses[code];
      await rm(join(folder, name), { recursive: true });
    }
  }
  const rows = Number(Object.values(counted ?? {})[0] ?? 0) - others;
  return { rows, statuses, bytes: await sizeOf(files), files: files.length, staged: { files, rows } };
}

/** Deletes spool folders that were recorded. */
export async function removeSpools(uris: readonly string[]): Promise<void> {
  for (const uri of uris) await rm(fileURLToPath(uri), { recursive: true, force: true });
}

async function sizeOf(files: readonly string[]): Promise<number> {
  const sizes = await Promise.all(files.map(async (path) => (await stat(path)).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
