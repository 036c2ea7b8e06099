import { decimalOf, quoteIdentifier, type Column, type ColumnType } from '../../core/spi/index.js';
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
  return { name, type, sql: `CAST(${sql} AS ${engineType(type)})` };
}

/** The DuckDB type that holds a column type. */
export function engineType(type: ColumnType): string {
  switch (type) {
    case 'boolean':
      return 'BOOLEAN';
    case 'long':
      return 'BIGINT';
    case 'double':
      return 'DOUBLE';
    case 'string':
      return 'VARCHAR';
    case 'date':
      return 'DATE';
    case 'timestamp':
      return 'TIMESTAMPTZ';
    case 'datetime':
      return 'TIMESTAMP';
    case 'json':
      return 'JSON';
    case 'binary':
      return 'BLOB';
    default: {
      const decimal = decimalOf(type);
      return decimal ? `DECIMAL(${decimal.precision},${decimal.scale})` : 'VARCHAR';
    }
  }
}
