import { ConfigError, DataError, duckdbType, type JsonValue, type SqlValue } from '../../core/spi/index.js';
import type { QueryOptions, Warehouse } from '../../warehouse/index.js';
import type { ResultColumn } from './result-column.js';

/** How far a run reads: above `after` (null: from the start) up to and with `upTo`, as text. */
export interface CursorBounds {
  readonly column: string;
  readonly after: string | null;
  readonly upTo: string;
}

/** A query with the values that it needs. */
export interface BoundQuery {
  readonly sql: string;
  readonly params: { readonly [name: string]: string | null };
}

const LAST = 'last_value';
const UP_TO = '__up_to';
/** Types whose text is the value, to the last digit, and that have one order. */
const COMPARABLE = /^(long|string|date|timestamp|datetime|decimal\(\d+,\d+\))$/;

/** Whether the text compares with the last value itself. */
function comparesItself(text: string): boolean {
  return /\$last_value\b/.test(text);
}

/** Values that the text itself asks for. */
export function ownParams(text: string, after: string | null): BoundQuery['params'] {
  return comparesItself(text) ? { [LAST]: after } : {};
}

/** What the last run stored for this column. Errors: ConfigError STATE_CURSOR. */
export function readCursor(state: JsonValue | undefined, column: string): string | null {
  if (state === undefined || state === null) return null;
  const stored = state as { readonly cursor?: unknown; readonly last_value?: unknown };
  if (stored.cursor === column && typeof stored.last_value === 'string') return stored.last_value;
  throw new ConfigError({
    code: 'STATE_CURSOR',
    message: `in.incremental_column: the stored state is not one of the column ${column}: ${JSON.stringify(state).slice(0, 200)}`,
    hint: '`sluice state reset` starts anew, `sluice state set` gives another state',
  });
}

export function cursorState(bounds: CursorBounds): JsonValue {
  return { cursor: bounds.column, last_value: bounds.upTo };
}

/** The rows that a plan found: later ones belong to the next run. */
export function readBetween(text: string, bounds: CursorBounds, column: ResultColumn): BoundQuery {
  const { sql, params } = readAbove(text, bounds.after, column, '');
  return {
    sql: `SELECT * FROM (${sql}\n) WHERE ${column.sql} <= CAST($${UP_TO} AS ${duckdbType(column.type)})`,
    params: { ...params, [UP_TO]: bounds.upTo },
  };
}

function readAbove(text: string, after: string | null, column: ResultColumn, or: string): BoundQuery {
  if (comparesItself(text)) return { sql: text, params: { [LAST]: after } };
  if (after === null) return { sql: text, params: {} };
  return {
    sql: `SELECT * FROM (${text}\n) WHERE ${column.sql} > CAST($${LAST} AS ${duckdbType(column.type)})${or}`,
    params: { [LAST]: after },
  };
}

/**
 * Where this run ends; undefined: there is nothing new. Errors: ConfigError INCREMENTAL_COLUMN, DataError CURSOR_NULL.
 */
export async function findBounds(
  warehouse: Pick<Warehouse, 'query'>,
  cursor: { readonly column: string; readonly after: string | null },
  text: string,
  columns: readonly ResultColumn[],
  options: QueryOptions,
): Promise<CursorBounds | undefined> {
  const column = cursorColumn(cursor.column, columns);
  const above = readAbove(text, cursor.after, column, ` OR ${column.sql} IS NULL`);
  const [highest, nulls] = await firstRow(
    warehouse,
    `SELECT CAST(max(${column.sql}) AS VARCHAR), count(*) FILTER (${column.sql} IS NULL) FROM (${above.sql}\n)`,
    { ...options, params: { ...options.params, ...above.params } },
  );
  if (Number(nulls) > 0)
    throw new DataError({
      code: 'CURSOR_NULL',
      message: `in.incremental_column: ${String(nulls)} rows have NULL in ${cursor.column}, so no run would ever give them`,
      hint: `leave them out (where ${cursor.column} is not null) or choose another column`,
    });
  return typeof highest === 'string' ? { ...cursor, upTo: highest } : undefined;
}

export function cursorColumn(name: string, columns: readonly ResultColumn[]): ResultColumn {
  const column = columns.find((c) => c.name === name);
  if (column && COMPARABLE.test(column.type)) return column;
  throw new ConfigError({
    code: 'INCREMENTAL_COLUMN',
    message: column
      ? `in.incremental_column: ${name} is ${column.type}, which cannot be a cursor`
      : `in.incremental_column: the result has no column ${name}`,
    hint: `choose a whole number, a decimal, a date, a time or a text that only grows; columns: ${columns.map((c) => c.name).join(', ')}`,
  });
}

async function firstRow(warehouse: Pick<Warehouse, 'query'>, sql: string, options: QueryOptions): Promise<readonly (SqlValue | undefined)[]> {
  const result = await warehouse.query(sql, options);
  try {
    for await (const columns of result.chunks()) return columns.map((values) => values[0]);
    return [];
  } finally {
    await result.close();
  }
}
