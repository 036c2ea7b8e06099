import { randomBytes } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';
import { BugError } from '../../core/spi/index.js';
import { AVRO_MAGIC, type AvroSchema } from './avro-schema.js';

/** A record to write: values by field name. Maps stand for arrays with `logicalType: map`. */
export type AvroRecord = { readonly [field: string]: unknown };

export interface AvroWriteOptions {
  readonly codec?: 'null' | 'deflate';
  /** Records per block. */
  readonly blockRecords?: number;
}

type Encoder = (out: ByteSink, value: never) => void;

/** An Avro object container file. The schema is written into the header untouched, so Iceberg's field ids survive. */
export function writeAvro(
  schema: AvroSchema,
  metadata: { readonly [key: string]: string },
  records: readonly AvroRecord[],
  options: AvroWriteOptions = {},
): Uint8Array {
  const { codec = 'deflate', blockRecords = 4000 } = options;
  const encode = compileEncoder(schema, new Map()) as (out: ByteSink, value: AvroRecord) => void;
  const sync = randomBytes(16);
  const out = new ByteSink();
  out.raw(AVRO_MAGIC);
  const header = Object.entries({ ...metadata, 'avro.schema': JSON.stringify(schema), 'avro.codec': codec });
  out.long(header.length);
  for (const [key, value] of header) {
    out.text(key);
    out.text(value);
  }
  out.long(0);
  out.raw(sync);
  for (let start = 0; start < records.length; start += blockRecords) {
    const block = records.slice(start, start + blockRecords);
    const body = new ByteSink();
    for (const record of block) encode(body, record);
    const bytes = codec === 'deflate' ? deflateRawSync(body.bytes(), { level: 6 }) : body.bytes();
    out.long(block.length);
    out.long(bytes.length);
    out.raw(bytes);
    out.raw(sync);
  }
  return out.bytes();
}

class ByteSink {
  #buffer = Buffer.allocUnsafe(1 << 12);
  #used = 0;

  #reserve(count: number): void {
    if (this.#used + count <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#used + count));
    this.#buffer.copy(larger, 0, 0, this.#used);
    this.#buffer = larger;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#used++] = value;
  }

  /** Zigzag varint. */
  long(value: number | bigint): void {
    this.#reserve(10);
    if (typeof value === 'number' && value >= -0x40000000 && value < 0x40000000) {
      let zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
      while (zigzag > 127) {
        this.#buffer[this.#used++] = (zigzag & 127) | 128;
        zigzag >>>= 7;
      }
      this.#buffer[this.#used++] = zigzag;
      return;
    }
    const big = BigInt(value);
    let zigzag = BigInt.asUintN(64, (big << 1n) ^ (big >> 63n));
    while (zigzag > 127n) {
      this.#buffer[this.#used++] = Number(zigzag & 127n) | 128;
      zigzag >>= 7n;
    }
    this.#buffer[this.#used++] = Number(zigzag);
  }

  float(value: number): void {
    this.#reserve(4);
    this.#used = this.#buffer.writeFloatLE(value, this.#used);
  }

  double(value: number): void {
    this.#reserve(8);
    this.#used = this.#buffer.writeDoubleLE(value, this.#used);
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  text(value: string): void {
    const length = Buffer.byteLength(value);
    this.long(length);
    this.#reserve(length);
    this.#used += this.#buffer.write(value, this.#used, 'utf8');
  }

  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#used);
  }
}

function compileEncoder(schema: AvroSchema, named: Map<string, { encode?: Encoder }>): Encoder {
  if (Array.isArray(schema)) return unionEncoder(schema as readonly AvroSchema[], named);
  if (typeof schema === 'string') {
    const known = named.get(schema);
    if (known) return (out, value) => known.encode?.(out, value);
    return primitiveEncoder(schema);
  }
  const complex = schema as Exclude<AvroSchema, string | readonly AvroSchema[]>;
  switch (complex.type) {
    case 'record': {
      const slot: { encode?: Encoder } = {};
      if (complex.name !== undefined) named.set(complex.name, slot);
      const fields = (complex.fields ?? []).map((f) => ({
        name: f.name,
        encode: compileEncoder(f.type, named) as (out: ByteSink, value: unknown) => void,
      }));
      slot.encode = ((out: ByteSink, value: AvroRecord) => {
        for (const field of fields) field.encode(out, value[field.name]);
      }) as Encoder;
      return slot.encode;
    }
    case 'array': {
      const encode = compileEncoder(complex.items ?? 'null', named) as (out: ByteSink, value: unknown) => void;
      return ((out: ByteSink, value: readonly unknown[] | ReadonlyMap<unknown, unknown>) => {
        const items =
          value instanceof Map ? [...value].map(([key, item]) => ({ key: key as unknown, value: item as unknown })) : (value as readonly unknown[]);
        if (items.length > 0) out.long(items.length);
        for (const item of items) encode(out, item);
        out.long(0);
      }) as Encoder;
    }
    case 'map': {
      const encode = compileEncoder(complex.values ?? 'null', named) as (out: ByteSink, value: unknown) => void;
      return ((out: ByteSink, value: { readonly [key: string]: unknown }) => {
        const entries = Object.entries(value);
        if (entries.length > 0) out.long(entries.length);
        for (const [key, item] of entries) {
          out.text(key);
          encode(out, item);
        }
        out.long(0);
      }) as Encoder;
    }
    case 'fixed': {
      const encode = ((out: ByteSink, value: Uint8Array) => {
        if (value.length !== complex.size)
          throw new BugError({ code: 'AVRO_VALUE', message: `expected ${complex.size} bytes for a fixed value, found ${value.length}` });
        out.raw(value);
      }) as Encoder;
      if (complex.name !== undefined) named.set(complex.name, { encode });
      return encode;
    }
    case 'enum':
      return ((out: ByteSink, value: string) => out.long((complex.symbols ?? []).indexOf(value))) as Encoder;
    default:
      return compileEncoder(complex.type, named);
  }
}

/** Only unions of null and one other type are written. */
function unionEncoder(branches: readonly AvroSchema[], named: Map<string, { encode?: Encoder }>): Encoder {
  const nullIndex = branches.indexOf('null');
  const valueIndex = branches.findIndex((b) => b !== 'null');
  const encode = compileEncoder(branches[valueIndex] ?? 'null', named) as (out: ByteSink, value: unknown) => void;
  return ((out: ByteSink, value: unknown) => {
    if (value === null || value === undefined) out.long(nullIndex);
    else {
      out.long(valueIndex);
      encode(out, value);
    }
  }) as Encoder;
}

function primitiveEncoder(type: string): Encoder {
  switch (type) {
    case 'null':
      return () => undefined;
    case 'boolean':
      return ((out: ByteSink, value: boolean) => out.byte(value ? 1 : 0)) as Encoder;
    case 'int':
    case 'long':
      return ((out: ByteSink, value: number | bigint) => out.long(value)) as Encoder;
    case 'float':
      return ((out: ByteSink, value: number) => out.float(value)) as Encoder;
    case 'double':
      return ((out: ByteSink, value: number) => out.double(value)) as Encoder;
    case 'string':
      return ((out: ByteSink, value: string) => out.text(value)) as Encoder;
    case 'bytes':
      return ((out: ByteSink, value: Uint8Array) => {
        out.long(value.length);
        out.raw(value);
      }) as Encoder;
    default:
      throw new BugError({ code: 'AVRO_SCHEMA', message: `cannot write the Avro type ${type}` });
  }
}
