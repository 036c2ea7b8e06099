import { engineError } from '../../core/duckdb/index.js';
import { CancelledError, ConfigError, DataError, SluiceError } from '../../core/spi/index.js';
import type { SqlText } from './dialect.js';

/** DuckDB's error with `errors_as_json`. Positions count UTF-8 bytes from 0. */
export interface NativeSqlError {
  readonly exception_type?: string;
  readonly exception_message?: string;
  readonly position?: string | undefined;
  readonly candidates?: string;
  readonly error_subtype?: string;
}

/** The statement's text is wrong; `at` is an offset in the user's text. */
export function invalidSql(sql: SqlText, at: number | undefined, message: string, hint?: string): ConfigError {
  const where = at === undefined ? undefined : sql.place(at);
  return new ConfigError({
    code: 'SQL_INVALID',
    message: where ? `line ${where.line}:${where.column}: ${message}` : message,
    ...(hint === undefined ? {} : { hint }),
    ...(where ? { where } : {}),
  });
}

/** Splits what the binding throws into type, message and position. */
export function readNativeError(error: unknown): NativeSqlError {
  const text = error instanceof Error ? error.message : String(error);
  const json = text.indexOf('{"exception_type"');
  if (json >= 0) {
    try {
      return JSON.parse(text.slice(json)) as NativeSqlError;
    } catch (parse) {
      if (!(parse instanceof SyntaxError)) throw parse;
    }
  }
  const m = /^([A-Za-z ]+?) Error: ([^]*)$/.exec(text);
  return m ? { exception_type: m[1] ?? '', exception_message: m[2] ?? '' } : { exception_message: text };
}

export const WRONG_TEXT: ReadonlySet<string> = new Set([
  'Parser',
  'Syntax',
  'Binder',
  'Catalog',
  'Not implemented',
  'Parameter Not Resolved',
  'Parameter Not Allowed',
  'Dependency',
  'Sequence',
  'Expression',
  'Mismatch Type',
  'Type',
  'Unrecognized Type',
]);
const WRONG_VALUES: ReadonlySet<string> = new Set([
  'Conversion',
  'Out of Range',
  'Invalid Input',
  'Invalid',
  'Invalid type',
  'Divide by Zero',
  'Decimal',
  'Constraint',
]);

/** An error that DuckDB reported for SQL of the user. `prefix` is how many bytes of ours preceded the text. */
export function nativeSqlError(sql: SqlText, native: NativeSqlError, prefix = 0): SluiceError {
  const type = native.exception_type ?? '';
  const message = (native.exception_message ?? 'the statement failed').replace(/\n*Candidate bindings: /, '; candidates: ');
  const position = native.position === undefined ? undefined : Number(native.position) - prefix;
  const at = position === undefined || Number.isNaN(position) || position < 0 ? undefined : sql.originOfByte(position);
  if (type === 'Permission')
    return new ConfigError({
      code: 'SQL_REFUSED',
      message: `a query may not do this: ${message.split('\n')[0]}`,
      hint: 'a query reads tables of the warehouse and nothing else',
    });
  if (WRONG_TEXT.has(type)) return invalidSql(sql, at, message);
  if (WRONG_VALUES.has(type)) {
    const where = at === undefined ? undefined : sql.place(at);
    return new DataError({
      code: 'SQL_VALUE',
      message: where ? `line ${where.line}:${where.column}: ${message}` : message,
      hint: 'TRY_CAST gives NULL for values that do not convert',
      ...(where ? { where } : {}),
    });
  }
  if (type.toUpperCase() === 'INTERRUPT') return new CancelledError({ code: 'QUERY_CANCELLED', message: 'the query was stopped' });
  return engineError(new Error(type === '' ? message : `${type} Error: ${message}`), 'running the query') as SluiceError;
}

/** Anything thrown while a statement of the user was prepared or run. */
export function userSqlError(sql: SqlText, error: unknown, prefix = 0): unknown {
  return error instanceof SluiceError ? error : nativeSqlError(sql, readNativeError(error), prefix);
}
