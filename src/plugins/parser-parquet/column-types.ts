import { decimalOf, parseColumnType, type ColumnType, type SourceColumn } from '../../core/spi/index.js';

/** A column of a Parquet file as DuckDB describes it. */
export interface ParquetColumn {
  readonly name: string;
  readonly duckdb: string;
}

/** How a DuckDB type is handed over. With `text` the engine converts the text strictly. */
interface Mapping {
  readonly type: ColumnType;
  readonly text: boolean;
  readonly json: boolean;
}

const PLAIN: Readonly<Record<string, ColumnType>> = {
  BOOLEAN: 'boolean',
  TINYINT: 'long',
  SMALLINT: 'long',
  INTEGER: 'long',
  BIGINT: 'long',
  UTINYINT: 'long',
  USMALLINT: 'long',
  UINTEGER: 'long',
  UBIGINT: 'decimal(20,0)',
  FLOAT: 'double',
  DOUBLE: 'double',
  VARCHAR: 'string',
  DATE: 'date',
  TIMESTAMP: 'datetime',
  TIMESTAMP_S: 'datetime',
  TIMESTAMP_MS: 'datetime',
  'TIMESTAMP WITH TIME ZONE': 'timestamp',
  BLOB: 'binary',
};

/**
 * Integers are long (unsigned 64 bit: decimal(20,0)), FLOAT is double, TIME, INTERVAL, UUID and the like are their text,
 * nested values are json. Timestamps of nanoseconds travel as text, so that digits beyond microseconds are rejected
 * instead of dropped.
 */
function mappingOf(duckdb: string): Mapping {
  const plain = PLAIN[duckdb];
  if (plain) return { type: plain, text: false, json: false };
  const decimal = decimalOf(duckdb.toLowerCase());
  if (decimal) return { type: parseColumnType(duckdb) as ColumnType, text: false, json: false };
  if (duckdb === 'HUGEINT' || duckdb === 'UHUGEINT') return { type: 'decimal(38,0)', text: true, json: false };
  if (duckdb === 'TIMESTAMP_NS') return { type: 'datetime', text: true, json: false };
  if (duckdb === 'JSON') return { type: 'json', text: true, json: false };
  if (/^(STRUCT|MAP|UNION)\(|\]$/.test(duckdb)) return { type: 'json', text: true, json: true };
  return { type: 'string', text: false, json: false };
}

export function sourceColumnOf(column: ParquetColumn): SourceColumn {
  const { type, text } = mappingOf(column.duckdb);
  return { name: column.name, type, ...(text ? { text: {} } : {}) };
}

/** The column that holds the values of both without loss (Iceberg's widenings), or undefined. */
export function widen(a: SourceColumn, b: SourceColumn): SourceColumn | undefined {
  if (a.type === b.type) return a.text ? a : b;
  const left = decimalOf(a.type);
  const right = decimalOf(b.type);
  if (!left || !right || left.scale !== right.scale || a.text || b.text) return undefined;
  return left.precision >= right.precision ? a : b;
}

/** The value of a file's column as the plan's column. */
export function valueSql(ref: string, column: ParquetColumn, planned: SourceColumn, duckdbType: string): string {
  const { json } = mappingOf(column.duckdb);
  if (json) return `cast(to_json(${ref}) as varchar)`;
  if (column.duckdb === 'TIMESTAMP_NS') {
    return `case when epoch_ns(${ref}) % 1000 = 0 then cast(cast(${ref} as timestamp) as varchar) else cast(${ref} as varchar) || ' (finer than microseconds)' end`;
  }
  return planned.text ? `cast(${ref} as varchar)` : `cast(${ref} as ${duckdbType})`;
}

/** The DuckDB type of a planned column without text. */
export function relationType(column: SourceColumn): string {
  if (column.text) return 'VARCHAR';
  const types: Readonly<Partial<Record<string, string>>> = {
    boolean: 'BOOLEAN',
    long: 'BIGINT',
    double: 'DOUBLE',
    string: 'VARCHAR',
    date: 'DATE',
    timestamp: 'TIMESTAMP WITH TIME ZONE',
    datetime: 'TIMESTAMP',
    binary: 'BLOB',
  };
  return types[column.type] ?? column.type.toUpperCase();
}
