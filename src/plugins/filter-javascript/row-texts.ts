import { quoteIdentifier, type Column, type SqlValue } from '../../core/spi/index.js';

/*
 * What crosses the border between SQL and JavaScript: scalars in; out, one text with the returned values as
 * JSON, values parted by U+001F and rows by U+001E, which JSON never holds raw.
 */
export const VALUE_SEPARATOR = '\u001f';
export const ROW_SEPARATOR = '\u001e';
/** Starts the text of a row for which the function threw. */
export const FAILURE_MARK = '\u0015';

export interface Argument {
  readonly name: string;
  /** DuckDB type of the SQL function's parameter. */
  readonly parameter: string;
  readonly sql: string;
  fromSql(value: SqlValue): unknown;
}

/** How a column's values reach the function; schema.ts tells the user. */
export function argumentOf({ name, type }: Column): Argument {
  const ref = quoteIdentifier(name);
  const same = (value: SqlValue): unknown => value;
  switch (type) {
    case 'long':
      return {
        name,
        parameter: 'BIGINT',
        sql: ref,
        fromSql: (v) => (typeof v === 'bigint' && v >= BigInt(Number.MIN_SAFE_INTEGER) && v <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(v) : v),
      };
    case 'double':
      return { name, parameter: 'DOUBLE', sql: ref, fromSql: same };
    case 'boolean':
      return { name, parameter: 'BOOLEAN', sql: ref, fromSql: same };
    case 'binary':
      return { name, parameter: 'BLOB', sql: ref, fromSql: same };
    case 'json':
      return { name, parameter: 'VARCHAR', sql: `${ref}::varchar`, fromSql: (v) => (typeof v === 'string' ? (JSON.parse(v) as unknown) : null) };
    case 'timestamp':
      return { name, parameter: 'VARCHAR', sql: `(replace(make_timestamp(epoch_us(${ref}))::varchar, ' ', 'T') || 'Z')`, fromSql: same };
    case 'datetime':
      return { name, parameter: 'VARCHAR', sql: `replace(${ref}::varchar, ' ', 'T')`, fromSql: same };
    default:
      return { name, parameter: 'VARCHAR', sql: `${ref}::varchar`, fromSql: same };
  }
}

/** What the function returned, as text; null drops the row. */
export function textOfResult(result: unknown, names: readonly string[]): string | null {
  if (result === null || result === undefined || result === false) return null;
  if (Array.isArray(result)) return result.length === 0 ? null : result.map((row) => rowText(row, names)).join(ROW_SEPARATOR);
  return rowText(result, names);
}

function rowText(row: unknown, names: readonly string[]): string {
  if (row === true && names.length === 0) return VALUE_SEPARATOR;
  if (row instanceof Promise) throw new TypeError('the function must not be async');
  if (typeof row !== 'object' || row === null)
    throw new TypeError(`the function returned ${row === true ? 'true, but `returns` names columns' : typeof row}`);
  const stray = Object.keys(row).find((key) => !names.includes(key));
  if (stray !== undefined) throw new TypeError(`the function returned "${stray}", which \`returns\` does not name`);
  // Never empty: an empty text could not be told from no row.
  return names.length === 0 ? VALUE_SEPARATOR : names.map((name) => valueText((row as Record<string, unknown>)[name])).join(VALUE_SEPARATOR);
}

function valueText(value: unknown): string {
  if (value === undefined || value === null) return 'null';
  if (typeof value === 'bigint' || typeof value === 'number') return String(value);
  if (value instanceof Uint8Array) return `"${Buffer.from(value).toString('base64')}"`;
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) throw new TypeError(`the function returned a ${typeof value}`);
  return text;
}
