import type { AvroField, AvroSchema } from './avro-schema.js';
import { nonNull } from './avro-schema.js';
import { optional } from './manifest-schema.js';
import type { PartitionField, PartitionSpec, PartitionValues, PrimitiveType, TableMetadata, Value } from './model.js';
import { bytesOfInteger, integerOfBytes, spellUuid } from './single-value.js';
import { parseTransform, transformedType } from './transforms.js';
import { avroTypeOf, decimalBytes, decimalParts } from './types.js';

/** A partition field with the type of its values. */
export interface BoundPartitionField extends PartitionField {
  readonly type: PrimitiveType;
  /** Type of the source column. */
  readonly sourceType: PrimitiveType;
}

/**
 * A spec's fields with their types. The source column is looked for in the newest schema that has it, since a dropped column
 * may still partition old files; one that is nowhere to be found counts as a string of a void transform.
 */
export function bindSpec(table: TableMetadata, spec: PartitionSpec): readonly BoundPartitionField[] {
  const current = table.schemas.filter((s) => s['schema-id'] === table['current-schema-id']);
  const schemas = [...current, ...[...table.schemas].reverse()];
  return spec.fields.map((field) => {
    const source = schemas.flatMap((s) => s.fields).find((f) => f.id === field['source-id']);
    const sourceType = typeof source?.type === 'string' ? source.type : 'string';
    return { ...field, sourceType, type: transformedType(parseTransform(field.transform), sourceType) };
  });
}

/** Avro names allow only letters, digits and `_` (Iceberg's AvroSchemaUtil.makeCompatibleName does the same). */
function avroName(name: string): string {
  const clean = name.replace(/[^A-Za-z0-9_]/gu, (c) => (/[0-9]/.test(c) ? c : `_x${(c.codePointAt(0) ?? 0).toString(16).toUpperCase()}`));
  return /^[0-9]/.test(clean) ? `_${clean}` : clean;
}

export function partitionAvroFields(fields: readonly BoundPartitionField[]): readonly AvroField[] {
  return fields.map((f) => optional(avroName(f.name), avroTypeOf(f.type, f['field-id']), f['field-id']));
}

export function encodePartition(fields: readonly BoundPartitionField[], values: PartitionValues): { readonly [name: string]: unknown } {
  return Object.fromEntries(fields.map((f) => [avroName(f.name), encodeAvroValue(f.type, values.get(f['field-id']) ?? null)]));
}

function encodeAvroValue(type: PrimitiveType, value: Value | null): unknown {
  if (value === null) return null;
  const decimal = decimalParts(type);
  if (decimal) return bytesOfInteger(value as bigint, decimalBytes(decimal.precision));
  return type === 'uuid' ? Buffer.from((value as string).replaceAll('-', ''), 'hex') : value;
}

/** Reads a partition record by the writer's own schema: its field ids and logical types say all. */
export function partitionDecoder(schema: AvroSchema): (record: { readonly [name: string]: unknown }) => PartitionValues {
  const record = nonNull(schema) as { readonly fields?: readonly AvroField[] };
  const fields = (record.fields ?? []).map((f, i) => ({ name: f.name, id: f['field-id'] ?? 1000 + i, decode: avroValueDecoder(nonNull(f.type)) }));
  return (found) => new Map(fields.map((f) => [f.id, found[f.name] === null || found[f.name] === undefined ? null : f.decode(found[f.name])]));
}

function avroValueDecoder(schema: AvroSchema): (value: unknown) => Value {
  const { type, logicalType } =
    typeof schema === 'string' ? { type: schema, logicalType: undefined } : (schema as { type: AvroSchema; logicalType?: string });
  if (logicalType === 'decimal') return (value) => integerOfBytes(value as Uint8Array);
  if (logicalType === 'uuid') return (value) => spellUuid(Buffer.from(value as Uint8Array).toString('hex'));
  if (type === 'long') return (value) => BigInt(value as number | bigint);
  return (value) => value as Value;
}
