import { ConfigError, quoteIdentifier } from '../../core/spi/index.js';
import { formatTableName } from '../catalog/table-name.js';
import type { LoadedTable } from '../catalog/catalog.js';
import { currentSchema } from '../table/model.js';
import { timeColumnOf } from './rewrite-group.js';
import type { TableUpkeep } from './report.js';
import type { MaintainSqlTools } from './settings.js';

const DAY = 86_400_000;
const EXPIRE_DAYS = 'sluice.expire-days';

/**
 * Deletes rows older than the table's `sluice.expire-days`, by whole UTC days, so that day partitions leave without being read.
 * Nothing is committed when no row is that old. Errors: ConfigError EXPIRE_DAYS.
 */
export async function retainRows(
  tools: MaintainSqlTools,
  loaded: LoadedTable,
  options: { readonly dryRun: boolean; readonly signal?: AbortSignal },
): Promise<TableUpkeep['retention']> {
  const text = loaded.metadata.properties[EXPIRE_DAYS];
  if (text === undefined) return undefined;
  const name = formatTableName(loaded.name);
  const days = Number(text);
  const column = timeColumnOf(loaded.metadata);
  if (!Number.isInteger(days) || days < 1) throw wrong(name, `expected a whole number of days from 1 on, found ${JSON.stringify(text)}`);
  if (column === undefined) throw wrong(name, 'expected a time column, found none');
  const before = Math.floor(tools.clock.now() / DAY) * DAY - days * DAY;
  const limit = limitSql(loaded, column, before);
  if (limit === undefined) throw wrong(name, `expected the time column ${column} to be a timestamp, datetime, date or long`);
  const target = `${quoteIdentifier(loaded.name.namespace)}.${quoteIdentifier(loaded.name.name)}`;
  const where = `${quoteIdentifier(column)} < ${limit}`;
  const query = options.signal ? { signal: options.signal } : {};
  const found = { column, before: new Date(before).toISOString() };
  const plan = await tools.sql.explain(`SELECT 1 FROM ${target} WHERE ${where}`, query);
  if (plan.filesKept === 0) return { ...found, rows: 0 };
  const rows = await countRows(tools, `SELECT count(*) AS n FROM ${target} WHERE ${where}`, query);
  if (options.dryRun || rows === 0) return { ...found, rows };
  const deleted = await tools.sql.execute(`DELETE FROM ${target} WHERE ${where}`, query);
  return { ...found, rows: deleted.kind === 'done' ? deleted.rows : rows };
}

async function countRows(tools: MaintainSqlTools, sql: string, options: { readonly signal?: AbortSignal }): Promise<number> {
  const outcome = await tools.sql.execute(sql, options);
  if (outcome.kind !== 'rows') return 0;
  try {
    for await (const [counts] of outcome.result.chunks()) return Number(counts?.[0] ?? 0);
    return 0;
  } finally {
    await outcome.result.close();
  }
}

function limitSql(loaded: LoadedTable, column: string, before: number): string | undefined {
  const day = new Date(before).toISOString().slice(0, 10);
  switch (currentSchema(loaded.metadata).fields.find((f) => f.name === column)?.type) {
    case 'timestamptz':
      return `TIMESTAMPTZ '${day} 00:00:00+00'`;
    case 'timestamp':
      return `TIMESTAMP '${day} 00:00:00'`;
    case 'date':
      return `DATE '${day}'`;
    case 'long':
    case 'int':
      return String(before / 1000);
    default:
      return undefined;
  }
}

function wrong(table: string, what: string): ConfigError {
  return new ConfigError({
    code: 'EXPIRE_DAYS',
    message: `${table}: ${EXPIRE_DAYS}: ${what}`,
    hint: 'set expire_days and time_column in the pipeline that loads the table, and run it',
  });
}
