import { duckdbType, quoteIdentifier, type Column } from '../../core/spi/index.js';
import { tableColumn } from '../../warehouse/index.js';

/** A column of a result, and SQL over the quoted column that gives exactly its type. */
export interface ResultColumn extends Column {
  readonly sql: string;
}

/** Types whose text keeps every digit where no column type does. */
const AS_TEXT: ReadonlySet<string> = new Set(['INTERVAL', 'TIME WITH TIME ZONE', 'TIME_NS', 'TIMESTAMP_NS', 'BIT', 'BIGNUM']);

/** Maps a column as DuckDB describes it. Errors: ConfigError SQL_TYPE. */
export function resultColumn(column: { readonly name: string; readonly type: string }): ResultColumn {
  const quoted = quoteIdentifier(column.name);
  if (AS_TEXT.has(column.type)) return { name: column.name, type: 'string', sql: `CAST(${quoted} AS VARCHAR)` };
  const { name, type, sql } = tableColumn(column);
  return { name, type, sql: `CAST(${sql} AS ${duckdbType(type)})` };
}
