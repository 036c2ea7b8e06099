import { decimalOf, type ColumnType } from './schema.js';

/** The DuckDB type that holds a column type inside the engine; warehouse and files map it further. */
export function duckdbType(type: ColumnType): string {
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
      return 'TIMESTAMP WITH TIME ZONE';
    case 'datetime':
      return 'TIMESTAMP';
    case 'json':
      return 'JSON';
    case 'binary':
      return 'BLOB';
    default: {
      const decimal = decimalOf(type);
      return decimal === undefined ? 'VARCHAR' : `DECIMAL(${decimal.precision},${decimal.scale})`;
    }
  }
}

const BY_DUCKDB_NAME: Readonly<Record<string, ColumnType>> = {
  BOOLEAN: 'boolean',
  TINYINT: 'long',
  SMALLINT: 'long',
  INTEGER: 'long',
  BIGINT: 'long',
  UTINYINT: 'long',
  USMALLINT: 'long',
  UINTEGER: 'long',
  FLOAT: 'double',
  DOUBLE: 'double',
  VARCHAR: 'string',
  UUID: 'string',
  DATE: 'date',
  'TIMESTAMP WITH TIME ZONE': 'timestamp',
  TIMESTAMP: 'datetime',
  TIMESTAMP_S: 'datetime',
  TIMESTAMP_MS: 'datetime',
  JSON: 'json',
  BLOB: 'binary',
};

/**
 * The column type that holds every value of a DuckDB type (as DESCRIBE spells it), or undefined when there is none:
 * TIME, INTERVAL, nested types, HUGEINT beyond 38 digits.
 */
export function columnTypeOf(duckdb: string): ColumnType | undefined {
  const decimal = decimalOf(duckdb.toLowerCase());
  if (decimal !== undefined) return `decimal(${decimal.precision},${decimal.scale})`;
  if (duckdb === 'UBIGINT') return 'decimal(20,0)';
  if (duckdb === 'HUGEINT') return 'decimal(38,0)';
  return BY_DUCKDB_NAME[duckdb];
}
