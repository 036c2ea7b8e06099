import { join } from 'node:path';
import {
  duckdbType,
  quoteIdentifier,
  quoteLiteral,
  quotePaths,
  quotePath,
  type Schema,
  type StageContext,
  type StagedRelation,
  type StageReport,
} from '../spi/index.js';
import { STATUS } from './select.js';

/** Writes a task's rows with their status, in order, as one Parquet file of the task's own temp folder; answers it as a relation. */
export async function copyLoad(relation: StagedRelation, path: string, ctx: StageContext): Promise<StagedRelation> {
  const columns = relation.schema.map((c) => `${quoteIdentifier(c.name)}, `).join('');
  const status = quoteIdentifier(relation.statusColumn);
  await ctx.sql.run(
    `COPY (SELECT ${columns}${status}::INTEGER AS ${quoteIdentifier(STATUS)} FROM (${relation.select})) TO ${quoteLiteral(path)} (FORMAT parquet, COMPRESSION lz4)`,
  );
  return { ...relation, select: `SELECT * FROM read_parquet(${quotePath(path)}, hive_partitioning = false)`, statusColumn: STATUS };
}

/** Keeps a copy of the rows for checks of the load; `stage` reads it instead of the source. */
export async function stageWithCopy(
  relation: StagedRelation,
  ctx: StageContext,
  stage: (relation: StagedRelation, ctx: StageContext) => Promise<StageReport>,
): Promise<StageReport> {
  const path = join(ctx.tempDir, 'load.parquet');
  const report = await stage(await copyLoad(relation, path, ctx), ctx);
  return { ...report, load: [path] };
}

/** The kept rows of a load without rejects, as a FROM clause; undefined when a task kept none. */
export function copiedRows(schema: Schema, reports: readonly StageReport[]): string | undefined {
  if (reports.some((report) => report.load === undefined)) return undefined;
  const paths = reports.flatMap((report) => report.load ?? []);
  if (paths.length === 0) {
    const columns = schema.map(({ name, type }) => `NULL::${duckdbType(type)} AS ${quoteIdentifier(name)}`);
    return `(SELECT ${columns.length === 0 ? 'NULL AS nothing' : columns.join(', ')} LIMIT 0) AS staged`;
  }
  const from = `read_parquet(${quotePaths(paths)}, hive_partitioning = false)`;
  const status = quoteIdentifier(STATUS);
  return `(SELECT * EXCLUDE (${status}) FROM ${from} WHERE ${status} = 0) AS staged`;
}
