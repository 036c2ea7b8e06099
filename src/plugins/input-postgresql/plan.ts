import { ConfigError, type ConfigPlace, type InputPlan, type InputPlanContext, type JsonObject } from '../../core/spi/index.js';
import { resolveConnection, type SqlConnectionSettings } from '../shared/sql/connection.js';
import { cursorStateJson, type CursorState } from '../shared/sql/cursor-state.js';
import type { CursorColumn } from '../shared/sql/dialect.js';
import { placeSqlError } from '../shared/sql/errors.js';
import type { CursorPlan, CursorRequest } from '../shared/sql/plan-cursor.js';
import { fillQuery, planIncremental } from '../shared/sql/plan-incremental.js';
import { resolveSource, type SelectColumn, type SqlSource } from '../shared/sql/select.js';
import { postgresqlDialect } from '../shared/postgresql/dialect.js';
import type { PostgresSession } from '../shared/postgresql/session.js';
import { describeSelect, findTable, readTypeFacts, readVersion, toCursorColumn, type PgTable } from './catalog.js';
import { readColumns } from './column-options.js';
import type { PostgresqlInputConfig } from './config.js';
import { beginReading, openSession } from './transaction.js';
import type { PgColumn } from './types.js';

export const POSTGRESQL_PORT = 5432;
/** Earlier versions read the whole table for each range. */
const RANGE_VERSION = 140_000;

/** One read, as the plan stores it. */
export interface ReadTask {
  readonly source: SqlSource;
  readonly select: readonly SelectColumn[];
  /** For each column, whether the server gives it as its usual text of the type, without an option of the config. */
  readonly exact?: readonly boolean[];
  /** Conditions of an incremental read. */
  readonly where: readonly string[];
  /** Ranges of blocks to read at a time. */
  readonly ranges: number;
  /** The cursor after this read. */
  readonly next?: JsonObject;
}

export function connectionOf(config: PostgresqlInputConfig, place: ConfigPlace): SqlConnectionSettings {
  return resolveConnection(config, { port: POSTGRESQL_PORT }, place);
}

/** Looks at columns and cursor in one snapshot, and says what to read. */
export async function planPostgresql(config: PostgresqlInputConfig, ctx: InputPlanContext): Promise<InputPlan> {
  const { place } = ctx;
  const settings = connectionOf(config, place);
  const source = resolveSource(fillQuery(config, postgresqlDialect, ctx), postgresqlDialect, config.schema, place);
  const session = await openSession(settings, config, ctx);
  try {
    if (config.before_setup !== undefined) await placed(place, 'before_setup', session.texts(config.before_setup, 'running before_setup'));
    await placed(place, 'options', beginReading(session, settings, config));
    const table = source.table === undefined ? undefined : await findTable(session, source.table, place, 'table');
    const found = await describeSource(session, source, config, place);
    const { columns, select, exact, notes } = readColumns(found, await readTypeFacts(session, found), config, place);
    const cursor = await planNewRows(session, source, found, table, config, ctx);
    const { ranges, note } = await chooseRanges(session, table, config);
    const task: ReadTask = {
      source,
      select,
      exact,
      where: cursor?.where ?? [],
      ranges,
      ...(cursor?.next === undefined ? {} : { next: cursorStateJson(cursor.next) }),
    };
    const nothingNew = cursor !== undefined && cursor.where === undefined;
    return {
      columns,
      tasks: nothingNew ? [] : [JSON.parse(JSON.stringify(task)) as JsonObject],
      notes: [...notesOf(config, settings), ...(cursor?.notes ?? ['reads everything: no incremental_columns']), ...note, ...notes],
      ...(cursor?.rereads === true ? { rereads: true } : {}),
    };
  } finally {
    await session.end();
  }
}

async function placed<T>(place: ConfigPlace, key: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw placeSqlError(error, place, key);
  }
}

async function describeSource(
  session: PostgresSession,
  source: SqlSource,
  config: PostgresqlInputConfig,
  place: ConfigPlace,
): Promise<readonly PgColumn[]> {
  const key = config.query !== undefined ? 'query' : config.select !== undefined ? 'select' : 'table';
  const doing = `looking at the columns of ${source.name}`;
  const base = `SELECT * FROM ${source.from}`;
  const where = source.where.length === 0 ? '' : ` WHERE ${source.where.join(' AND ')}`;
  const found = await placed(place, key, describeSelect(session, base, doing));
  if (where !== '') await placed(place, 'where', session.describe(`${base}${where}`, doing));
  if (source.orderBy !== undefined) await placed(place, 'order_by', session.describe(`${base}${where} ORDER BY ${source.orderBy}`, doing));
  const twice = found.find(({ name }, i) => found.findIndex((other) => other.name === name) !== i);
  if (found.length > 0 && twice === undefined) return found;
  throw new ConfigError({
    code: 'SQL_COLUMNS',
    message:
      twice === undefined
        ? `in.${key}: ${source.name} has no columns`
        : `in.${key}: two columns of ${source.name} are named ${JSON.stringify(twice.name)}`,
    hint: twice === undefined ? 'choose a table or query with columns' : 'give one of them another name with AS',
    where: place.at(key),
  });
}

async function planNewRows(
  session: PostgresSession,
  source: SqlSource,
  found: readonly PgColumn[],
  table: PgTable | undefined,
  config: PostgresqlInputConfig,
  ctx: InputPlanContext,
): Promise<CursorPlan | undefined> {
  // A select list may compute, so NOT NULL of the table says nothing about it.
  const notNull = table !== undefined && source.from.startsWith('"') ? table.notNull : new Set<string>();
  const columns = found.map((column) => toCursorColumn(column, notNull));
  const texts: CursorRequest['texts'] = (sql) => session.texts(sql, `looking for new rows of ${source.name}`);
  const plan = await planIncremental({ config, dialect: postgresqlDialect, source, columns, primaryKey: table?.primaryKey ?? [], texts }, ctx);
  if (plan !== undefined) refuseInfinite(plan.next, columns, source, ctx.place);
  return plan;
}

/** Nothing comes after infinity: the rows of all later runs would be missed. */
function refuseInfinite(next: CursorState | undefined, columns: readonly CursorColumn[], source: SqlSource, place: ConfigPlace): void {
  const kinds = next?.columns?.map((name) => columns.find((column) => column.name === name)?.kind);
  const at = next?.last.findIndex((value, i) =>
    kinds?.[i] === 'time' ? value === 'infinity' : kinds?.[i] === 'number' && /^(NaN|Infinity)$/.test(value),
  );
  if (at === undefined || at < 0) return;
  const name = next?.columns?.[at] ?? '';
  throw new ConfigError({
    code: 'SQL_CURSOR_INFINITE',
    message: `${source.name}: the greatest ${name} is ${next?.last[at]}, after which nothing can come`,
    hint: `leave such rows out with where, or use other incremental_columns`,
    where: place.at('incremental_columns'),
  });
}

async function chooseRanges(
  session: PostgresSession,
  table: PgTable | undefined,
  config: PostgresqlInputConfig,
): Promise<{ readonly ranges: number; readonly note: readonly string[] }> {
  const wanted = Math.min(config.parallel_ranges ?? 1, config.max_connections ?? 4);
  if (wanted === 1) return { ranges: 1, note: [] };
  const one = (why: string): { ranges: number; note: string[] } => ({ ranges: 1, note: [`parallel_ranges has no effect: ${why}`] });
  if (table?.kind !== 'r' && table?.kind !== 'm') return one('only a plain table has blocks to divide');
  if (config.select !== undefined) return one('with select the table is read as a query');
  if (config.order_by !== undefined) return one('order_by needs one reader');
  if ((await readVersion(session)).number < RANGE_VERSION) return one('it needs PostgreSQL 14 or later');
  return { ranges: wanted, note: [`${wanted} ranges of blocks are read at a time, over one snapshot`] };
}

function notesOf(config: PostgresqlInputConfig, settings: SqlConnectionSettings): readonly string[] {
  return [
    ...(settings.tls.note === undefined ? [] : [settings.tls.note]),
    ...(config.fetch_rows === undefined ? [] : ['fetch_rows has no effect: rows are streamed']),
    ...(config.driver_path === undefined ? [] : ['driver_path has no effect: the driver is built in']),
  ];
}
