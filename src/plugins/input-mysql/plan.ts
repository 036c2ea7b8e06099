import { ConfigError, didYouMean, type ConfigPlace, type InputPlan, type InputPlanContext, type JsonObject } from '../../core/spi/index.js';
import { canBeCursor, cursorKind, mysqlDialect } from '../shared/mysql/dialect.js';
import { readResultColumn, type ResultColumn } from '../shared/mysql/result-columns.js';
import type { MysqlSession } from '../shared/mysql/session.js';
import { findTable, listTables, readTableFacts, type MysqlTable } from '../shared/mysql/tables.js';
import { cursorStateJson } from '../shared/sql/cursor-state.js';
import type { CursorColumn } from '../shared/sql/dialect.js';
import { placeSqlError } from '../shared/sql/errors.js';
import type { TableFacts } from '../shared/sql/guess.js';
import type { CursorPlan } from '../shared/sql/plan-cursor.js';
import { fillQuery, planIncremental } from '../shared/sql/plan-incremental.js';
import { buildSelect, resolveSource, type SqlSource } from '../shared/sql/select.js';
import { plannedColumns } from '../shared/sql/spooled-reading.js';
import { joinTableName } from '../shared/sql/table-names.js';
import { planColumns, spooledColumn, type PlannedColumn } from './columns.js';
import { beginSnapshot, configNotes, connectionOf, openSession, type MysqlInputConfig } from './config.js';
import { chooseRanges, type RangePlan } from './ranges.js';

/** One read, as the plan stores it. */
export interface ReadTask {
  /** For people: the table, or `query`. */
  readonly source: string;
  /** The SELECT, in parts: conditions of ranges may be added. */
  readonly from: SqlSource;
  readonly where: readonly string[];
  readonly columns: readonly PlannedColumn[];
  readonly ranges?: RangePlan;
  /** The cursor after this read. */
  readonly next?: JsonObject;
}

/** Looks at columns and cursor in one snapshot, and says what to read. */
export async function planMysql(config: MysqlInputConfig, ctx: InputPlanContext): Promise<InputPlan> {
  const { place } = ctx;
  const settings = connectionOf(config, place);
  const source = resolveSource(fillQuery(config, mysqlDialect, ctx), mysqlDialect, config.database, place);
  const session = await openSession(settings, config, ctx);
  try {
    if (config.before_setup !== undefined) await placed(place, 'before_setup', session.texts(config.before_setup, 'running before_setup'));
    await beginSnapshot(session);
    const table = source.table === undefined ? undefined : await lookUpTable(session, source.table, place);
    const facts = table === undefined ? undefined : await readTableFacts(session, table);
    const found = await describeSource(session, source, config, place);
    const columns = planColumns(found, config, place);
    const cursor = await planReading(session, source, found, facts, config, ctx);
    const { ranges, notes: rangeNotes } = chooseRanges(config, table, facts);
    const task: ReadTask = {
      source: source.name,
      from: source,
      where: cursor?.where ?? [],
      columns,
      ...(ranges === undefined ? {} : { ranges }),
      ...(cursor?.next === undefined ? {} : { next: cursorStateJson(cursor.next) }),
    };
    const nothingNew = cursor !== undefined && cursor.where === undefined;
    return {
      columns: plannedColumns(columns.map(spooledColumn)),
      tasks: nothingNew ? [] : [JSON.parse(JSON.stringify(task)) as JsonObject],
      notes: [
        ...configNotes(config, settings),
        ...(cursor?.notes ?? ['reads everything: no incremental_columns']),
        ...rangeNotes,
        ...found.flatMap((column) => (column.note === undefined ? [] : [column.note])),
      ],
      ...(cursor?.rereads === true ? { rereads: true } : {}),
    };
  } finally {
    await session.end();
  }
}

/** The SELECT of a task; `extra` are further conditions. */
export function selectOf(task: ReadTask, extra: readonly string[] = []): string {
  return buildSelect(task.from, task.columns, mysqlDialect, [...task.where.map((condition) => `(${condition})`), ...extra]);
}

async function placed<T>(place: ConfigPlace, key: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw placeSqlError(error, place, key);
  }
}

async function lookUpTable(session: MysqlSession, parts: readonly string[], place: ConfigPlace): Promise<MysqlTable> {
  const table = await findTable(session, parts);
  if (table !== undefined) return table;
  const name = joinTableName(parts);
  const known = (await listTables(session)).map((other) => joinTableName(parts.length > 1 ? [other.schema, other.name] : [other.name]));
  throw new ConfigError({
    code: 'SQL_NO_TABLE',
    message: `in.table: ${session.product} ${session.place} has no table ${name}${didYouMean(name, known)}`,
    hint: 'check the name, its database and the user’s rights',
    where: place.at('table'),
  });
}

/** The columns of what is read, by the SELECT that will read it, without its rows. */
async function describeSource(
  session: MysqlSession,
  source: SqlSource,
  config: MysqlInputConfig,
  place: ConfigPlace,
): Promise<readonly ResultColumn[]> {
  const { query, select, where } = config;
  const key = query !== undefined ? 'query' : select !== undefined ? 'select' : where !== undefined ? 'where' : 'table';
  const conditions = source.where.length === 0 ? '' : ` WHERE ${source.where.join(' AND ')}`;
  const order = source.orderBy === undefined ? '' : ` ORDER BY ${source.orderBy}\n`;
  const doing = `looking at the columns of ${source.name}`;
  const found = await placed(place, key, session.describe(`SELECT * FROM ${source.from}${conditions}${order}`, doing));
  return found.map(readResultColumn);
}

function planReading(
  session: MysqlSession,
  source: SqlSource,
  found: readonly ResultColumn[],
  facts: TableFacts | undefined,
  config: MysqlInputConfig,
  ctx: InputPlanContext,
): Promise<CursorPlan | undefined> {
  // A select list may compute, so what the table says of a column does not hold for it.
  const plain = config.select === undefined ? facts?.columns : undefined;
  const columns = found.map(({ name, sourceType }): CursorColumn => {
    const ofTable = plain?.find((column) => column.name === name);
    return ofTable ?? { name, sqlType: sourceType, kind: cursorKind(sourceType), nullable: true };
  });
  const named = [...(config.incremental_columns ?? (config.incremental === true ? (facts?.primaryKey ?? []) : []))];
  const unfit = columns.find((column) => named.includes(column.name) && !canBeCursor(column));
  if (unfit !== undefined) {
    throw new ConfigError({
      code: 'SQL_CURSOR_TYPE',
      message: `in.incremental_columns: ${unfit.name} is ${unfit.sqlType}, whose values have no order that tells new ones from old ones`,
      hint: 'use a number, a time or a text that only grows',
      where: ctx.place.at('incremental_columns'),
    });
  }
  const texts = (sql: string): ReturnType<MysqlSession['texts']> => session.texts(sql, `looking for new rows of ${source.name}`);
  return planIncremental({ config, dialect: mysqlDialect, source, columns, primaryKey: facts?.primaryKey ?? [], texts }, ctx);
}
