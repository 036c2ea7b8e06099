import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { quotePath, type PluginContext, type SqlConnection } from '../../core/spi/index.js';

export interface SnifferOpinion {
  readonly delimiter: string;
  readonly header: boolean;
  readonly columns: number;
}

/** What DuckDB's own sniffer says about the sample; undefined when it cannot read it. */
export async function askSniffer(
  lines: readonly string[],
  ctx: PluginContext & { readonly sql: SqlConnection },
): Promise<SnifferOpinion | undefined> {
  if (lines.length < 2) return undefined;
  const path = join(ctx.tempDir, `guess-${randomUUID()}.csv`);
  await writeFile(path, `${lines.join('\n')}\n`);
  try {
    const [row] = await ctx.sql.rows(`select Delimiter as d, HasHeader as h, len(Columns) as c from sniff_csv(${quotePath(path)}, sample_size=-1)`);
    return row ? { delimiter: String(row['d']), header: row['h'] === true, columns: Number(row['c']) } : undefined;
  } catch (error) {
    // An opinion is not needed: what it cannot read, our own rules still judge.
    ctx.log.log('debug', 'the sniffer cannot read the sample', {
      error: error instanceof Error ? (error.message.split('\n')[0] as string) : String(error),
    });
    return undefined;
  } finally {
    await rm(path, { force: true });
  }
}
