import type { ConfigPlace } from '../../../core/spi/index.js';
import { configProblem } from '../config-problem.js';
import { quoteTable, type SqlDialect } from './dialect.js';
import { joinTableName, readTableName } from './table-names.js';

export interface SelectionConfig {
  readonly schema?: string;
  readonly table?: string;
  readonly tables?: readonly string[];
  readonly exclude_tables?: readonly string[];
  readonly query?: string;
  readonly select?: string;
  readonly where?: string;
  readonly order_by?: string;
}

/** What a SELECT reads from. User texts stand on lines of their own, so that a trailing `--` comment ends with them. */
export interface SqlSource {
  /** What stands behind FROM. */
  readonly from: string;
  /** Conditions that still have to be applied. */
  readonly where: readonly string[];
  readonly orderBy: string | undefined;
  /** Parts of the table that is read; undefined for a query. */
  readonly table: readonly string[] | undefined;
  /** For people: the table, or `query`. */
  readonly name: string;
}

/** Checks `table`, `query` and what goes with them. `schema` is put before a table's name without one. */
export function resolveSource(config: SelectionConfig, dialect: SqlDialect, schema: string | undefined, place: ConfigPlace): SqlSource {
  checkSelection(config, place);
  if (config.query !== undefined) {
    return { from: `(${trimStatement(config.query)}\n) AS source_query`, where: [], orderBy: undefined, table: undefined, name: 'query' };
  }
  const table = readTableName(config.table ?? '', schema, place);
  const quoted = quoteTable(dialect, table);
  const where = config.where === undefined ? [] : [`(${config.where}\n)`];
  const name = joinTableName(table);
  if (config.select === undefined || config.select.trim() === '*') return { from: quoted, where, orderBy: config.order_by, table, name };
  const inner = `SELECT ${config.select}\nFROM ${quoted}${where.length === 0 ? '' : ` WHERE ${where.join(' AND ')}`}`;
  return { from: `(${inner}) AS source_query`, where: [], orderBy: config.order_by, table, name };
}

function checkSelection(config: SelectionConfig, place: ConfigPlace): void {
  const given = (['table', 'tables', 'query'] as const).filter((key) => config[key] !== undefined);
  if (given.length !== 1) {
    throw configProblem(place, given[1] ?? '', {
      code: 'SQL_SELECTION',
      message: `expected one of table, tables and query, found ${given.length === 0 ? 'none' : given.join(' and ')}`,
      hint: 'name a table, several tables, or write a query',
    });
  }
  const extra = (['select', 'where', 'order_by', 'exclude_tables'] as const).find(
    (key) => config[key] !== undefined && (key === 'exclude_tables' ? config.tables === undefined : config.query !== undefined),
  );
  if (extra !== undefined) {
    throw configProblem(place, extra, {
      code: 'SQL_SELECTION',
      message: extra === 'exclude_tables' ? 'only tables can leave some out' : `${extra} belongs to table, found query`,
      hint: extra === 'exclude_tables' ? 'remove it, or name tables' : 'write it into the query',
    });
  }
}

/** A statement without the semicolon that may end it. */
function trimStatement(text: string): string {
  return text.trim().replace(/[;\s]+$/, '');
}

export interface SelectColumn {
  readonly name: string;
  /** Expression of the value; usually the quoted name. */
  readonly sql: string;
}

/** One SELECT over a source. */
export function buildSelect(
  source: SqlSource,
  columns: readonly SelectColumn[],
  dialect: SqlDialect,
  extra: readonly string[] = [],
  orderBy?: string,
): string {
  const list = columns.map(({ name, sql }) => {
    const quoted = dialect.quoteIdentifier(name);
    return sql === quoted ? sql : `${sql} AS ${quoted}`;
  });
  const where = [...source.where, ...extra];
  const order = orderBy ?? source.orderBy;
  return (
    `SELECT ${list.join(', ')} FROM ${source.from}` +
    (where.length === 0 ? '' : ` WHERE ${where.join(' AND ')}`) +
    (order === undefined ? '' : ` ORDER BY ${order}\n`)
  );
}
