import { BugError, decimalOf, type Column, type ColumnType } from '../../core/spi/index.js';
import type { AvroSchema } from './avro-schema.js';
import type { IcebergType, NestedField, PrimitiveType } from './model.js';

/** Column types and their Iceberg spelling (docs/reference/types.md). */
const ICEBERG_OF_COLUMN: Readonly<Record<string, PrimitiveType>> = {
  boolean: 'boolean',
  long: 'long',
  double: 'double',
  string: 'string',
  date: 'date',
  timestamp: 'timestamptz',
  datetime: 'timestamp',
  json: 'string',
  binary: 'binary',
};

const DUCK_OF_ICEBERG: Readonly<Record<string, string>> = {
  boolean: 'BOOLEAN',
  int: 'INTEGER',
  long: 'BIGINT',
  float: 'FLOAT',
  double: 'DOUBLE',
  string: 'VARCHAR',
  date: 'DATE',
  time: 'TIME',
  timestamp: 'TIMESTAMP',
  timestamptz: 'TIMESTAMPTZ',
  binary: 'BLOB',
  uuid: 'UUID',
};

/** A field's `doc` that marks JSON text. */
export const JSON_DOC = 'json';

/** Precision and scale of `decimal(p, s)`, else undefined. */
export function decimalParts(type: IcebergType): { readonly precision: number; readonly scale: number } | undefined {
  return typeof type === 'string' ? decimalOf(type) : undefined;
}

/** Byte length of `fixed[n]`, else undefined. */
export function fixedLength(type: IcebergType): number | undefined {
  const match = typeof type === 'string' ? /^fixed\[(\d+)\]$/.exec(type) : null;
  return match ? Number(match[1]) : undefined;
}

/** One spelling for every type: other engines write `decimal(9,2)` and `decimal(9, 2)`. */
export function spellType(type: PrimitiveType): PrimitiveType {
  const decimal = decimalOf(type);
  return decimal ? `decimal(${decimal.precision}, ${decimal.scale})` : type;
}

export function icebergTypeOf(type: ColumnType): PrimitiveType {
  return ICEBERG_OF_COLUMN[type] ?? spellType(type);
}

/** A new optional field for a column. */
export function fieldOfColumn(column: Column, id: number): NestedField {
  const field = { id, name: column.name, required: false, type: icebergTypeOf(column.type) };
  return column.type === 'json' ? { ...field, doc: JSON_DOC } : field;
}

/** True for string columns that hold JSON text. */
export function holdsJson(field: NestedField): boolean {
  return field.type === 'string' && /^json\b/.test(field.doc ?? '');
}

/** The column type a field reads as; int is a long, float a double; undefined for types that have none (nested, time, …). */
export function columnTypeOf(field: NestedField): ColumnType | undefined {
  if (holdsJson(field)) return 'json';
  switch (field.type) {
    case 'int':
      return 'long';
    case 'float':
      return 'double';
    case 'timestamptz':
      return 'timestamp';
    case 'timestamp':
      return 'datetime';
    case 'boolean':
    case 'long':
    case 'double':
    case 'string':
    case 'date':
    case 'binary':
      return field.type;
    default: {
      const decimal = decimalParts(field.type);
      return decimal && `decimal(${decimal.precision},${decimal.scale})`;
    }
  }
}

/** The DuckDB type that stores this Iceberg type without loss in Parquet. */
export function duckTypeOf(type: IcebergType): string {
  if (typeof type === 'string') {
    const decimal = decimalOf(type);
    if (decimal) return `DECIMAL(${decimal.precision},${decimal.scale})`;
    if (fixedLength(type) !== undefined) return 'BLOB';
    const found = DUCK_OF_ICEBERG[type];
    if (found === undefined) throw new BugError({ code: 'UNKNOWN_TYPE', message: `the Iceberg type ${type} has no DuckDB type here` });
    return found;
  }
  switch (type.type) {
    case 'list':
      return `${duckTypeOf(type.element)}[]`;
    case 'map':
      return `MAP(${duckTypeOf(type.key)}, ${duckTypeOf(type.value)})`;
    case 'struct':
      return `STRUCT(${type.fields.map((f) => `"${f.name.replaceAll('"', '""')}" ${duckTypeOf(f.type)}`).join(', ')})`;
  }
}

/** The largest field id in use, nested ones included. */
export function largestFieldId(fields: readonly NestedField[]): number {
  const largestIn = (type: IcebergType): number => {
    if (typeof type === 'string') return 0;
    switch (type.type) {
      case 'struct':
        return largestFieldId(type.fields);
      case 'list':
        return Math.max(type['element-id'], largestIn(type.element));
      case 'map':
        return Math.max(type['key-id'], type['value-id'], largestIn(type.key), largestIn(type.value));
    }
  };
  return fields.reduce((largest, f) => Math.max(largest, f.id, largestIn(f.type)), 0);
}

/** The Avro schema of a partition value (spec, appendix A). */
export function avroTypeOf(type: PrimitiveType, fieldId: number): AvroSchema {
  const decimal = decimalOf(type);
  if (decimal) return { type: 'fixed', name: `decimal_${fieldId}`, size: decimalBytes(decimal.precision), logicalType: 'decimal', ...decimal };
  const fixed = fixedLength(type);
  if (fixed !== undefined) return { type: 'fixed', name: `fixed_${fieldId}`, size: fixed };
  switch (type) {
    case 'date':
      return { type: 'int', logicalType: 'date' };
    case 'time':
      return { type: 'long', logicalType: 'time-micros' };
    case 'timestamp':
      return { type: 'long', logicalType: 'timestamp-micros', 'adjust-to-utc': false };
    case 'timestamptz':
      return { type: 'long', logicalType: 'timestamp-micros', 'adjust-to-utc': true };
    case 'uuid':
      return { type: 'fixed', name: `uuid_${fieldId}`, size: 16, logicalType: 'uuid' };
    case 'binary':
      return 'bytes';
    default:
      return type;
  }
}

/** Bytes of a fixed-length decimal: the fewest that hold the precision (spec, appendix A). */
export function decimalBytes(precision: number): number {
  let bytes = 1;
  while (2n ** BigInt(8 * bytes - 1) <= 10n ** BigInt(precision) - 1n) bytes++;
  return bytes;
}
