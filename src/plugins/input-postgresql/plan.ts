import { ConfigError, type ConfigPlace, type InputPlan, type InputPlanContext, type JsonObject } from '../../core/spi/index.js';
import { configProblem } from '../shared/config-problem.js';
import { resolveConnection, type SqlConnectionSettings } from '../shared/sql/connection.js';
import { cursorStateJson, readCursorState, type CursorState } from '../shared/sql/cursor-state.js';
import type { CursorColumn } from '../shared/sql/dialect.js';
import { placeSqlError } from '../shared/sql/errors.js';
import { cursorColumns } from '../shared/sql/incremental-config.js';
import { readLag } from '../shared/sql/lag.js';
import { planCursor, type CursorPlan } from '../shared/sql/plan-cursor.js';
import { fillPlaceholders } from '../shared/sql/query-placeholders.js';
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
  const source = resolveSource(fillQuery(config, ctx), postgresqlDialect, config.schema, place);
  const session = await openSession(settings, config, ctx);
  try {
    if (config.before_setup !== undefined) await placed(place, 'before_setup', session.texts(config.before_setup, 'running before_setup'));
    await placed(place, 'options', beginReading(session, settings, config));
    const table = source.table === undefined ? undefined : await findTable(session, source.table, place, 'table');
    const found = await describeSource(session, source, config, place);
    const { columns, select, notes } = readColumns(found, await readTypeFacts(session, found), config, place);
    const cursor = await planIncremental(session, source, found, table, config, ctx);
    const { ranges, note } = await chooseRanges(session, table, config);
    const task: ReadTask = {
      source,
      select,
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

/** Embulk's queries with placeholders: the last values stand in them as untyped literals, which take the type of their place. */
function fillQuery(config: PostgresqlInputConfig, ctx: InputPlanContext): PostgresqlInputConfig {
  if (config.use_raw_query_with_incremental !== true || config.query === undefined) return config;
  const { place } = ctx;
  const columns = cursorColumns(config, [], 'query', place) ?? [];
  const last = readCursorState(ctx.useState ? ctx.state : undefined, columns, config.last_record, place)?.last;
  if (last === undefined) {
    throw configProblem(place, 'last_record', {
      code: 'SQL_LAST_RECORD',
      message: 'a query with placeholders needs values to begin with, found none',
      hint: 'give last_record: one value for each of incremental_columns',
    });
  }
  const values = new Map(columns.map((name, i) => [name, postgresqlDialect.quoteLiteral(last[i] ?? '')]));
  return { ...config, query: fillPlaceholders(config.query, (name) => values.get(name)).sql };
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

async function planIncremental(
  session: PostgresSession,
  source: SqlSource,
  found: readonly PgColumn[],
  table: PgTable | undefined,
  config: PostgresqlInputConfig,
  ctx: InputPlanContext,
): Promise<CursorPlan | undefined> {
  const { place } = ctx;
  const names = cursorColumns(config, table?.primaryKey ?? [], source.name, place);
  if (names === undefined) return undefined;
  // A select list may compute, so NOT NULL of the table says nothing about it.
  const notNull = table !== undefined && source.from.startsWith('"') ? table.notNull : new Set<string>();
  const columnOf =
    (key: string) =>
    (name: string): CursorColumn => {
      const column = found.find((other) => other.name === name);
      if (column !== undefined) return toCursorColumn(column, notNull);
      throw new ConfigError({
        code: 'COLUMN_UNKNOWN',
        message: `in.${key}: ${source.name} has no column ${JSON.stringify(name)}`,
        hint: `columns: ${found.map((other) => other.name).join(', ')}`,
        where: place.at(key),
      });
    };
  const columns = names.map(columnOf('incremental_columns'));
  const last = ctx.useState ? readCursorState(ctx.state, names, config.last_record, place) : undefined;
  const plan = await planCursor({
    dialect: postgresqlDialect,
    source,
    columns,
    key: config.lag === undefined ? [] : (config.primary_key ?? []).map(columnOf('primary_key')),
    lag: readLag(config.lag, columns[0] as CursorColumn, place),
    maxOverlapRows: config.max_overlap_rows ?? 10_000,
    last,
    place,
    texts: (sql) => session.texts(sql, `looking for new rows of ${source.name}`),
  });
  refuseInfinite(plan.next, columns, source, place);
  return plan;
}

/** Nothing comes after infinity: the rows of all later runs would be missed. */
function refuseInfinite(next: CursorState | undefined, columns: readonly CursorColumn[], source: SqlSource, place: ConfigPlace): void {
  const at = next?.last.findIndex(
    (value, i) => (columns[i]?.kind === 'time' && value === 'infinity') || (columns[i]?.kind === 'number' && /^(NaN|Infinity)$/.test(value)),
  );
  if (at === undefined || at < 0) return;
  const name = columns[at]?.name ?? '';
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
