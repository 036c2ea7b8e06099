import { ConfigError, type ConfigPlace } from '../../../core/spi/index.js';
import type { CursorState } from './cursor-state.js';
import { afterRow, notAfterRow } from './cursor-predicates.js';
import type { CursorColumn, Lag, SqlDialect } from './dialect.js';
import type { SqlSource } from './select.js';

export interface CursorRequest {
  readonly dialect: SqlDialect;
  readonly source: SqlSource;
  readonly columns: readonly CursorColumn[];
  /** Columns of `primary_key`; empty: none. */
  readonly key: readonly CursorColumn[];
  readonly lag: Lag | undefined;
  readonly maxOverlapRows: number;
  /** Where the last run came to; undefined: read from the beginning. */
  readonly last: CursorState | undefined;
  readonly place: ConfigPlace;
  /** Runs a query; values as the server's text. All calls of one plan must see one snapshot. */
  texts(sql: string): Promise<readonly (readonly (string | null)[])[]>;
}

export interface CursorPlan {
  /** Conditions of this read, all to be met; undefined: there is nothing new. */
  readonly where: readonly string[] | undefined;
  /** What to store when the read has committed. */
  readonly next: CursorState | undefined;
  readonly notes: readonly string[];
  /** Rows of the last run come again and are not skipped: only an output that merges may take them. */
  readonly rereads: boolean;
}

/**
 * Plans one incremental read: rows after the last cursor up to the greatest cursor there is now. The upper bound makes the
 * result independent of rows that arrive while reading. With `lag` and a key, rows of the window that the state lists are
 * skipped, and rows of the new window that this plan did not see are left to the next run, so that each comes once.
 */
export async function planCursor(request: CursorRequest): Promise<CursorPlan> {
  const { dialect, columns, key, last, lag, source } = request;
  await refuseNulls(request);
  const upper = await greatestRow(request);
  const names = columns.map(({ name }) => name);
  if (upper === undefined) return { where: undefined, next: undefined, notes: [`${source.name} is empty`], rereads: false };

  const first = columns[0];
  if (first === undefined) throw new RangeError('an incremental read has at least one column');
  const where = [notAfterRow(dialect, columns, upper)];
  const below = lag === undefined ? undefined : (value: string): string => dialect.minus(dialect.valueOf(value, first), first, lag);
  const name = dialect.quoteIdentifier(first.name);
  const skips = below !== undefined && key.length > 0;
  const loaded = skips && sameKey(last?.loaded?.key, key) ? last?.loaded : undefined;
  if (last !== undefined) {
    if (below === undefined || (skips && loaded === undefined)) where.unshift(afterRow(dialect, columns, last.last));
    else where.unshift(`${name} >= ${below(last.last[0] ?? '')}`);
    if (loaded !== undefined) {
      where.push(`${name} >= ${dialect.valueOf(loaded.from, first)}`);
      if (loaded.rows.length > 0) where.push(`NOT ${dialect.isOneOf([...columns, ...key], loaded.rows)}`);
    }
  }
  const notes = [
    `incremental by ${names.join(', ')}: ${last === undefined ? 'from the beginning' : `after ${last.last.join(', ')}`} up to ${upper.join(', ')}`,
  ];
  let next: CursorState = { columns: names, last: upper };
  if (skips) {
    const window = await listWindow(request, upper, below(upper[0] ?? ''));
    const inWindow = window.rows.length === 0 ? [] : [dialect.isOneOf([...columns, ...key], window.rows)];
    where.push(`(${[`${name} < ${dialect.valueOf(window.from, first)}`, ...inWindow].join(' OR ')})`);
    next = { ...next, loaded: { key: key.map((column) => column.name), from: window.from, rows: window.rows } };
  }
  const rereads = below !== undefined && !skips && last !== undefined;
  const [found] = rereads ? [[]] : await request.texts(`SELECT 1 FROM ${source.from} WHERE ${[...source.where, ...where].join(' AND ')} LIMIT 1`);
  return { where: found === undefined ? undefined : where, next, notes, rereads };
}

/** A row without a cursor would never be read, or always. */
async function refuseNulls({ columns, key, dialect, source, texts, place }: CursorRequest): Promise<void> {
  const nullable = [...columns, ...key].filter((column) => column.nullable);
  if (nullable.length === 0) return;
  const anyNull = nullable.map(({ name }) => `${dialect.quoteIdentifier(name)} IS NULL`).join(' OR ');
  const flags = nullable.map(({ name }) => `CASE WHEN ${dialect.quoteIdentifier(name)} IS NULL THEN '1' ELSE '0' END`);
  const [row] = await texts(`SELECT ${flags.join(', ')} FROM ${source.from} WHERE ${[...source.where, `(${anyNull})`].join(' AND ')} LIMIT 1`);
  if (row === undefined) return;
  const column = nullable[row.indexOf('1')] ?? nullable[0];
  const isKey = !columns.some((c) => c.name === column?.name);
  throw new ConfigError({
    code: 'SQL_CURSOR_NULL',
    message: `${source.name}: the ${isKey ? 'key' : 'incremental'} column ${column?.name} is NULL in some rows, which an incremental read cannot place`,
    hint: `leave those rows out with where: ${dialect.quoteIdentifier(column?.name ?? '')} IS NOT NULL, or use other columns`,
    where: place.at(isKey ? 'primary_key' : 'incremental_columns'),
  });
}

async function greatestRow({ columns, dialect, source, texts }: CursorRequest): Promise<readonly string[] | undefined> {
  const values = columns.map((column) => dialect.textOf(dialect.quoteIdentifier(column.name), column));
  const order = columns.map(({ name }) => `${dialect.quoteIdentifier(name)} DESC`);
  const where = source.where.length === 0 ? '' : ` WHERE ${source.where.join(' AND ')}`;
  const aliased = values.map((value, i) => `${value} AS sluice_${i}`);
  const [row] = await texts(`SELECT ${aliased.join(', ')} FROM ${source.from}${where} ORDER BY ${order.join(', ')} LIMIT 1`);
  return row?.map((value) => value ?? '');
}

/** Cursor and key of every row within the lag of the greatest one. */
async function listWindow(
  { columns, key, dialect, source, texts, maxOverlapRows, place }: CursorRequest,
  upper: readonly string[],
  bound: string,
): Promise<{ readonly from: string; readonly rows: readonly (readonly string[])[] }> {
  const first = columns[0] as CursorColumn;
  const [start] = await texts(`SELECT ${dialect.textOf(bound, first)}`);
  const from = start?.[0] ?? '';
  const shown = [...columns, ...key].map((column, i) => `${dialect.textOf(dialect.quoteIdentifier(column.name), column)} AS sluice_${i}`);
  const where = [...source.where, `${dialect.quoteIdentifier(first.name)} >= ${dialect.valueOf(from, first)}`, notAfterRow(dialect, columns, upper)];
  const rows = await texts(`SELECT ${shown.join(', ')} FROM ${source.from} WHERE ${where.join(' AND ')} LIMIT ${maxOverlapRows + 1}`);
  if (rows.length > maxOverlapRows) {
    throw new ConfigError({
      code: 'SQL_OVERLAP',
      message: `${source.name}: more than ${maxOverlapRows} rows lie within the lag, too many to remember which of them were loaded`,
      hint: 'make lag smaller, raise max_overlap_rows, or drop primary_key and let the output merge',
      where: place.at('lag'),
    });
  }
  return { from, rows: rows.map((row) => row.map((value) => value ?? '')) };
}

function sameKey(stored: readonly string[] | undefined, key: readonly CursorColumn[]): boolean {
  return stored !== undefined && stored.length === key.length && stored.every((name, i) => name === key[i]?.name);
}
