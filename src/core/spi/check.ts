import { quoteIdentifier, quoteLiteral } from './quoting.js';
import type { SqlValue } from './context.js';
import type { ColumnType } from './schema.js';

/** The words of one SQL dialect that checks need. */
export interface CheckDialect {
  quoteIdentifier(name: string): string;
  quoteLiteral(text: string): string;
  /** An instant (milliseconds since 1970) as a literal that compares with a column of this type. */
  timeLiteral(instant: number, type: ColumnType): string;
}

/**
 * The literal of an instant (milliseconds since 1970) for a column of this type: seconds for numbers, ISO text in UTC
 * for times. `offset` is what the dialect wants after the time of a `timestamp`, e.g. `+00`.
 */
export function instantLiteral(instant: number, type: ColumnType, quote: (text: string) => string, offset = ''): string {
  if (type === 'long' || type === 'double') return String(Math.floor(instant / 1000));
  const text = new Date(instant).toISOString().replace('T', ' ').slice(0, 23);
  return quote(type === 'timestamp' ? `${text}${offset}` : type === 'date' ? text.slice(0, 10) : text);
}

/** DuckDB's words. */
export const DUCKDB_CHECKS: CheckDialect = {
  quoteIdentifier,
  quoteLiteral,
  timeLiteral: (instant, type) => instantLiteral(instant, type, quoteLiteral, '+00'),
};

/** A question about rows; every row of its answer is one at fault. */
export interface Check {
  readonly name: string;
  /** Asked of the rows of this load, or of the table as it would be after the commit. */
  readonly on: 'load' | 'table';
  /** `error`: nothing is committed. `warn`: the report says so. */
  readonly severity: 'error' | 'warn';
  /** SELECT for the rows at fault, at most a few; `rows` is the relation in the words of the dialect. */
  sql(rows: string, dialect: CheckDialect): string;
}

/** Checks that an output asks within its commit, on the table as it would be. */
export interface TableChecks {
  readonly checks: readonly Check[];
  /** Throws DataError CHECK_FAILED where rows are at fault and the check is no mere warning. `table` names one of several. */
  judge(check: Check, faults: readonly { readonly [column: string]: SqlValue }[], table?: string): void;
}
