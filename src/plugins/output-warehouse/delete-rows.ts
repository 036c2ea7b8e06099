import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import {
  ConfigError,
  quoteIdentifier,
  quoteLiteral,
  quotePath,
  type ErrorPlace,
  type JsonObject,
  type Schema,
  type StageContext,
  type StagedRelation,
  type StageReport,
} from '../../core/spi/index.js';
import type { Warehouse, WritePlan } from '../../warehouse/index.js';

/** The schema without the column that marks deletes. Errors: ConfigError DELETE_COLUMN. */
export function withoutDeleteColumn(schema: Schema, name: string, where: ErrorPlace): Schema {
  const column = schema.find((c) => c.name === name);
  if (column?.type === 'boolean') return schema.filter((c) => c !== column);
  throw new ConfigError({
    code: 'DELETE_COLUMN',
    message: `out.delete_column: ${column ? `${name} is ${column.type}, expected a boolean` : `there is no column ${name}`}`,
    hint: `columns: ${schema.map((c) => c.name).join(', ')}`,
    where,
  });
}

/** Stages rows to write and rows to delete apart. The relation is spooled, since its source may be read only once. */
export async function stageWithDeletes(
  warehouse: Warehouse,
  plan: WritePlan,
  relation: StagedRelation,
  deleteColumn: string,
  ctx: StageContext,
): Promise<StageReport> {
  const spool = join(ctx.tempDir, `deletes-${randomUUID()}.parquet`);
  await ctx.sql.run(`COPY (${relation.select}) TO ${quoteLiteral(spool)} (FORMAT parquet)`);
  const status = quoteIdentifier(relation.statusColumn);
  const isDelete = `(${status} = 0 AND coalesce(${quoteIdentifier(deleteColumn)}, false))`;
  const part = (condition: string): Promise<StageReport> =>
    warehouse.stageFiles(
      plan,
      {
        select: `SELECT * FROM read_parquet(${quotePath(spool)}, hive_partitioning = false) WHERE ${condition}`,
        statusColumn: relation.statusColumn,
      },
      ctx,
    );
  const written = await part(`NOT ${isDelete}`);
  if (plan.mergeKeys === undefined) {
    // What is replaced as a whole holds nothing to delete.
    const [row] = await ctx.sql.rows(`SELECT count(*) AS n FROM read_parquet(${quotePath(spool)}, hive_partitioning = false) WHERE ${isDelete}`);
    return { ...written, rows: written.rows + Number(row?.['n']) };
  }
  const deleted = await part(isDelete);
  return {
    rows: written.rows + deleted.rows,
    statuses: written.statuses,
    bytes: written.bytes + deleted.bytes,
    files: written.files + deleted.files,
    staged: [...(written.staged as readonly JsonObject[]), ...(deleted.staged as readonly JsonObject[]).map((file) => ({ ...file, deletes: true }))],
  };
}
