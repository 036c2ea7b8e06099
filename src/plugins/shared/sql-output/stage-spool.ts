import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { quoteLiteral, type StageContext, type StagedRelation, type StageReport } from '../../../core/spi/index.js';
import { withStatusCount } from '../status-count.js';
import { lineSql, type SpoolColumn, type SpoolForm } from './spool-lines.js';

export interface SpoolOptions {
  readonly columns: readonly SpoolColumn[];
  readonly form: SpoolForm;
  /** Somebody reads the files of this folder while they grow, at their ends only. */
  readonly onFolder?: ((folder: string) => void) | undefined;
}

/** What a task left behind: absolute paths of its files, their form and their rows. */
export interface Spool {
  readonly files: readonly string[];
  readonly form: SpoolForm['kind'];
  readonly rows: number;
}

/** Lines are whole already. A forced quote that is none spares the search for characters that need one. */
const WHOLE_LINES = `FORMAT csv, HEADER false, DELIMITER E'\\x01', QUOTE '', ESCAPE '', FORCE_QUOTE (line)`;

/** Writes one task's good rows into files of the task's own temp folder, in no order, in one scan that counts all others by status. */
export async function stageSpool(relation: StagedRelation, { columns, form, onFolder }: SpoolOptions, ctx: StageContext): Promise<StageReport> {
  const folder = join(ctx.tempDir, 'spool');
  await ctx.record([pathToFileURL(folder).href]);
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  onFolder?.(folder);
  const list = columns.map(({ sql }, i) => `(${sql})::VARCHAR AS c${i}`);
  const { rows, statuses } = await withStatusCount(ctx.sql, relation, async (keep) => {
    const fields = `SELECT ${list.join(', ')} FROM (${relation.select}) WHERE ${keep}`;
    const [counted] = await ctx.sql.rows(
      `COPY (SELECT ${lineSql(columns, form)} AS line FROM (${fields})) TO ${quoteLiteral(folder)} ` +
        `(${WHOLE_LINES}, PER_THREAD_OUTPUT, FILENAME_PATTERN 'part-{uuidv7}')`,
    );
    return Number(Object.values(counted ?? {})[0] ?? 0);
  });
  const files = (await readdir(folder)).sort().map((name) => join(folder, name));
  const staged: Spool = { files, form: form.kind, rows };
  return { rows, statuses, bytes: await sizeOf(files), files: files.length, staged: { ...staged } };
}

/** Deletes spool folders that were recorded. */
export async function removeSpools(uris: readonly string[]): Promise<void> {
  for (const uri of uris) await rm(fileURLToPath(uri), { recursive: true, force: true });
}

async function sizeOf(files: readonly string[]): Promise<number> {
  const sizes = await Promise.all(files.map(async (path) => (await stat(path)).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
