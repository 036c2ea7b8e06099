/** Avro schemas as JSON (https://avro.apache.org/docs/1.11.1/specification/), with Iceberg's attributes. */
export type AvroSchema = string | readonly AvroSchema[] | AvroComplex;

export interface AvroComplex {
  readonly type: AvroSchema;
  readonly name?: string;
  readonly namespace?: string;
  readonly fields?: readonly AvroField[];
  readonly items?: AvroSchema;
  readonly values?: AvroSchema;
  readonly symbols?: readonly string[];
  readonly size?: number;
  readonly logicalType?: string;
  readonly precision?: number;
  readonly scale?: number;
  readonly 'adjust-to-utc'?: boolean;
  readonly 'element-id'?: number;
}

export interface AvroField {
  readonly name: string;
  readonly type: AvroSchema;
  readonly default?: unknown;
  readonly 'field-id'?: number;
}

/** Bytes `Obj` and version 1: what every Avro container starts with. */
export const AVRO_MAGIC = Uint8Array.of(0x4f, 0x62, 0x6a, 1);

/** The branch of a union that is not `null`; other schemas as they are. */
export function nonNull(schema: AvroSchema): AvroSchema {
  if (!Array.isArray(schema)) return schema;
  const branches = schema as readonly AvroSchema[];
  return branches.find((s) => s !== 'null') ?? 'null';
}
