/**
 * Column types. A type is its config spelling, so that plans, states and configs hold the same text.
 *
 * `timestamp` is an instant (stored in UTC, microseconds); `datetime` has no zone. The lossless matrix
 * type -> DuckDB -> Parquet -> Iceberg is in docs/reference/types.md.
 */
export type ColumnType =
  'boolean' | 'long' | 'double' | `decimal(${number},${number})` | 'string' | 'date' | 'timestamp' | 'datetime' | 'json' | 'binary';

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
}

/** Columns in order. Names are unique without regard to case. */
export type Schema = readonly Column[];

/** How text becomes a value; every conversion is strict (see docs/reference/types.md). */
export interface TextFormat {
  /** strptime-like pattern for date, timestamp and datetime, e.g. `%Y-%m-%d %H:%M:%S`. */
  readonly format?: string;
  /** IANA zone of a timestamp whose text has no offset. Default UTC. */
  readonly timezone?: string;
  /** Date (`YYYY-MM-DD`) for formats that hold only a time. Default 1970-01-01. */
  readonly date?: string;
}

/**
 * A column as a source hands it over. With `text`, the relation holds VARCHAR and the engine converts it
 * strictly to `type`; without, the relation already holds `type`.
 */
export interface SourceColumn extends Column {
  readonly text?: TextFormat;
}

const SIMPLE: ReadonlySet<string> = new Set(['boolean', 'long', 'double', 'string', 'date', 'timestamp', 'datetime', 'json', 'binary']);

export const COLUMN_TYPE_NAMES: readonly string[] = [...SIMPLE, 'decimal(p,s)'];

/** Precision and scale of a decimal type, or undefined for every other type. */
export function decimalOf(type: string): { precision: number; scale: number } | undefined {
  const m = /^decimal\(\s*(\d{1,2})\s*(?:,\s*(\d{1,2})\s*)?\)$/.exec(type);
  if (!m) return undefined;
  const precision = Number(m[1]);
  const scale = Number(m[2] ?? 0);
  return precision >= 1 && precision <= 38 && scale <= precision ? { precision, scale } : undefined;
}

/** The canonical spelling of a column type, or undefined when `text` is none. */
export function parseColumnType(text: string): ColumnType | undefined {
  const t = text.trim().toLowerCase();
  if (SIMPLE.has(t)) return t as ColumnType;
  const d = decimalOf(t);
  return d ? `decimal(${d.precision},${d.scale})` : undefined;
}
