import { rm } from 'node:fs/promises';
import { quoteIdentifier, quoteLiteral, type JsonValue, type StageContext, type StagedRelation, type StageReport } from '../spi/index.js';
import { parseReturnStats } from '../duckdb/return-stats.js';
import { makeTempFolder } from './temp-folders.js';

/** Stages rows as Parquet in a temp folder, split by status: the barrier before a whole-run filter. */
export function spoolSink(folder: string): (relation: StagedRelation, ctx: StageContext) => Promise<StageReport> {
  return async (relation, ctx) => {
    await rm(folder, { recursive: true, force: true });
    await makeTempFolder(folder);
    const columns = relation.schema.map((c) => quoteIdentifier(c.name)).join(', ');
    const status = quoteIdentifier(relation.statusColumn);
    const files = parseReturnStats(
      await ctx.sql.rows(
        `COPY (SELECT ${columns}, ${status} FROM (${relation.select})) TO ${quoteLiteral(folder)} ` +
          `(FORMAT parquet, PARTITION_BY (${status}), WRITE_PARTITION_COLUMNS false, COMPRESSION lz4, FILENAME_PATTERN '{uuidv7}', RETURN_STATS)`,
      ),
    );
    const staged: string[] = [];
    const statuses: Record<string, number> = {};
    let rows = 0;
    let bytes = 0;
    for (const file of files) {
      const code = file.partition.get(relation.statusColumn) ?? '0';
      if (code === '0') {
        rows += file.rows;
        bytes += file.bytes;
        staged.push(file.path);
      } else {
        statuses[code] = (statuses[code] ?? 0) + file.rows;
        await rm(file.path);
      }
    }
    return { rows, statuses, bytes, files: staged.length, staged: staged as JsonValue };
  };
}
