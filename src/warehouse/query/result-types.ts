import { ConfigError, quoteIdentifier, type ColumnType } from '../../core/spi/index.js';
import type { ResultColumn } from './query-options.js';

/** A result column as a table column: its type, and SQL over the quoted column that gives exactly that type. */
export interface TableColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly sql: string;
}

const DIRECT: Readonly<Record<string, ColumnType>> = {
  BOOLEAN: 'boolean',
  TINYINT: 'long',
  SMALLINT: 'long',
  INTEGER: 'long',
  BIGINT: 'long',
  UTINYINT: 'long',
  USMALLINT: 'long',
  UINTEGER: 'long',
  // 64 unsigned and 128 bits do not fit a long: exact as decimals; a value beyond 38 digits is an error, never a double.
  UBIGINT: 'decimal(38,0)',
  HUGEINT: 'decimal(38,0)',
  UHUGEINT: 'decimal(38,0)',
  FLOAT: 'double',
  DOUBLE: 'double',
  VARCHAR: 'string',
  UUID: 'string',
  TIME: 'string',
  DATE: 'date',
  TIMESTAMP: 'datetime',
  TIMESTAMP_S: 'datetime',
  TIMESTAMP_MS: 'datetime',
  'TIMESTAMP WITH TIME ZONE': 'timestamp',
  BLOB: 'binary',
  JSON: 'json',
  '"NULL"': 'string',
};

/** The column that CREATE TABLE AS makes of a result column. Throws ConfigError SQL_TYPE. */
export function tableColumn(column: ResultColumn): TableColumn {
  const quoted = quoteIdentifier(column.name);
  const decimal = /^DECIMAL\((\d+),(\d+)\)$/.exec(column.type);
  if (decimal) return { name: column.name, type: `decimal(${Number(decimal[1])},${Number(decimal[2])})`, sql: quoted };
  const direct = DIRECT[column.type];
  if (direct === 'string' && column.type !== 'VARCHAR') return { name: column.name, type: 'string', sql: `CAST(${quoted} AS VARCHAR)` };
  if (direct !== undefined) return { name: column.name, type: direct, sql: quoted };
  if (column.type.startsWith('ENUM(')) return { name: column.name, type: 'string', sql: `CAST(${quoted} AS VARCHAR)` };
  if (column.type.endsWith(']') || /^(STRUCT|MAP|UNION)\(/.test(column.type))
    return { name: column.name, type: 'json', sql: `CAST(to_json(${quoted}) AS VARCHAR)` };
  throw new ConfigError({
    code: 'SQL_TYPE',
    message: `column ${column.name}: a table cannot hold the type ${column.type}`,
    hint: `convert it in the SELECT, such as CAST(${quoted} AS VARCHAR)`,
  });
}

const INTEGERS: ReadonlySet<string> = new Set([
  'TINYINT',
  'SMALLINT',
  'INTEGER',
  'BIGINT',
  'UTINYINT',
  'USMALLINT',
  'UINTEGER',
  'UBIGINT',
  'HUGEINT',
  'UHUGEINT',
]);

/** Whether INSERT may put a result column of this type into a column of a table: never where a value could silently change. */
export function insertable(from: string, to: ColumnType): boolean {
  const scale = (type: string): number => Number(/,(\d+)\)$/.exec(type)?.[1] ?? 0);
  const decimal = from.startsWith('DECIMAL(');
  // As text in VALUES; numbers are not among them, since DuckDB's cast makes 2 of '1.5'.
  if (from === 'VARCHAR') return !(to === 'long' || to === 'double' || to === 'binary' || to.startsWith('decimal'));
  if (to.startsWith('decimal')) return INTEGERS.has(from) || (decimal && scale(from) <= scale(to));
  switch (to) {
    case 'boolean':
      return from === 'BOOLEAN';
    case 'long':
      return INTEGERS.has(from) || (decimal && scale(from) === 0);
    case 'double':
      return INTEGERS.has(from) || decimal || from === 'FLOAT' || from === 'DOUBLE';
    case 'string':
      return from !== 'BLOB' && !from.endsWith(']') && !/^(STRUCT|MAP|UNION)\(/.test(from);
    case 'date':
      return from === 'DATE';
    case 'timestamp':
    case 'datetime':
      return from === 'DATE' || (from.startsWith('TIMESTAMP') && from !== 'TIMESTAMP_NS');
    case 'json':
      return from === 'JSON';
    case 'binary':
      return from === 'BLOB';
    default:
      return false;
  }
}
