import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  ConfigError,
  DataError,
  duckdbType,
  quoteIdentifier,
  quoteLiteral,
  quotePath,
  quoteName,
  type ConfigPlace,
  type TaskContext,
} from '../../core/spi/index.js';
import type { QueryOptions, Warehouse } from '../../warehouse/index.js';
import type { ResultColumn } from './result-column.js';

/** Only what differs from the rows of a table, which holds what was delivered before. */
export interface DiffConfig {
  readonly against: string;
  readonly keys: readonly string[];
}

/** Marks rows that the result has no more. */
export const DELETED = '__deleted';
const SHOWN = 5;

/** Errors: ConfigError DIFF_KEYS. */
export function checkDiff(diff: DiffConfig, columns: readonly ResultColumn[], place: ConfigPlace): void {
  const missing = diff.keys.find((key) => !columns.some((c) => c.name === key));
  const taken = columns.find((c) => c.name.toLowerCase() === DELETED);
  if (missing === undefined && !taken) return;
  throw new ConfigError({
    code: 'DIFF_KEYS',
    message: taken ? `in.diff: the result has a column ${taken.name}, which marks deleted rows` : `in.diff.keys: the result has no column ${missing}`,
    hint: `columns: ${columns.map((c) => c.name).join(', ')}`,
    where: place.at('diff'),
  });
}

/**
 * Writes the rows of `result` (Parquet) that are new or changed, and those that are gone, to a file of its own; answers how many.
 * Errors: DataError DUPLICATE_KEYS.
 */
export async function writeDiff(
  warehouse: Warehouse,
  diff: DiffConfig,
  result: string,
  columns: readonly ResultColumn[],
  options: QueryOptions,
  ctx: TaskContext,
): Promise<{ readonly path: string; readonly rows: number }> {
  const now = `read_parquet(${quotePath(result)}, hive_partitioning = false)`;
  await refuseDuplicates(now, diff.keys, ctx);
  const before = join(ctx.tempDir, `diff-before-${randomUUID()}.parquet`);
  const path = join(ctx.tempDir, `diff-${randomUUID()}.parquet`);
  try {
    const known = await writeBefore(warehouse, diff, columns, before, options);
    const [count] = await ctx.sql.rows(
      `COPY (${diffSql(now, known ? before : undefined, diff.keys, columns, known)}) TO ${quoteLiteral(path)} (FORMAT parquet)`,
    );
    return { path, rows: Number(count?.['Count']) };
  } finally {
    await rm(before, { force: true });
  }
}

async function refuseDuplicates(from: string, keys: readonly string[], ctx: TaskContext): Promise<void> {
  const list = keys.map(quoteIdentifier).join(', ');
  const found = await ctx.sql.rows(
    `SELECT ${list}, count(*) OVER () AS __total FROM (SELECT ${list} FROM ${from} GROUP BY ALL HAVING count(*) > 1) ORDER BY ALL LIMIT ${SHOWN}`,
  );
  if (found.length === 0) return;
  const examples = found.map((row) => keys.map((k) => `${k} = ${String(row[k])}`).join(' and ')).join('; ');
  throw new DataError({
    code: 'DUPLICATE_KEYS',
    message: `in.diff: ${Number(found[0]?.['__total'])} keys stand in several rows of the result, such as ${examples}`.slice(0, 1000),
    hint: 'rows are compared by their keys: group the query by them, or name more columns',
  });
}

/** The rows of last time; answers the columns they have, or undefined when there are none. */
async function writeBefore(
  warehouse: Warehouse,
  diff: DiffConfig,
  columns: readonly ResultColumn[],
  path: string,
  options: QueryOptions,
): Promise<ReadonlySet<string> | undefined> {
  if ((await warehouse.tableUuid(diff.against)) === undefined) return undefined;
  const table = quoteName(diff.against.split('.'));
  const result = await warehouse.query(`SELECT * FROM ${table} LIMIT 0`, options);
  await result.close();
  const has = new Set(result.columns.map((c) => c.name));
  const list = columns.map(
    (c) => `CAST(${has.has(c.name) ? quoteIdentifier(c.name) : 'NULL'} AS ${duckdbType(c.type)}) AS ${quoteIdentifier(c.name)}`,
  );
  await warehouse.writeFile(`SELECT ${list.join(', ')} FROM ${table}`, { path, format: 'parquet' }, options);
  return has;
}

function diffSql(
  now: string,
  before: string | undefined,
  keys: readonly string[],
  columns: readonly ResultColumn[],
  known: ReadonlySet<string> | undefined,
): string {
  const all = columns.map((c) => quoteIdentifier(c.name));
  if (before === undefined) return `SELECT ${all.join(', ')}, false AS ${DELETED} FROM ${now}`;
  const old = `read_parquet(${quotePath(before)}, hive_partitioning = false)`;
  const on = keys.map((k) => `o.${quoteIdentifier(k)} = n.${quoteIdentifier(k)}`).join(' AND ');
  // JSON is compared as text; a column that last time did not have makes every row another one.
  const text = (side: string, c: ResultColumn): string =>
    c.type === 'json' ? `CAST(${side}.${quoteIdentifier(c.name)} AS VARCHAR)` : `${side}.${quoteIdentifier(c.name)}`;
  const differs = columns
    .filter((c) => !keys.includes(c.name))
    .map((c) => (known?.has(c.name) ? `${text('o', c)} IS DISTINCT FROM ${text('n', c)}` : 'true'));
  const isNew = keys.map((k) => `o.${quoteIdentifier(k)} IS NULL`).join(' OR ');
  const changed = `SELECT ${all.map((c) => `n.${c}`).join(', ')}, false AS ${DELETED} FROM ${now} n LEFT JOIN ${old} o ON ${on} WHERE ${[isNew, ...differs].join(' OR ')}`;
  const gone = `SELECT ${all.map((c) => `o.${c}`).join(', ')}, true AS ${DELETED} FROM ${old} o ANTI JOIN ${now} n ON ${on}`;
  return `${changed} UNION ALL ${gone}`;
}
