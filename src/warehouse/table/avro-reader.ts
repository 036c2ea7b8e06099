import { inflateRawSync } from 'node:zlib';
import { AVRO_MAGIC, type AvroSchema } from './avro-schema.js';
import { damaged } from './damaged.js';

export interface AvroFile {
  readonly schema: AvroSchema;
  readonly metadata: ReadonlyMap<string, string>;
  /** Values by field name of the writer's schema. Longs beyond 2^53 are bigint; arrays with `logicalType: map` are Maps. */
  readonly records: readonly { readonly [field: string]: unknown }[];
}

type Decoder = (from: ByteSource) => unknown;

/** Reads an Avro object container by its writer's schema (codecs null and deflate). `uri` names it in errors. */
export function readAvro(bytes: Uint8Array, uri: string): AvroFile {
  try {
    return readContainer(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), uri);
  } catch (error) {
    // Reading past the end or an impossible length is how a cut or overwritten file shows.
    if (error instanceof RangeError || error instanceof SyntaxError || (error as NodeJS.ErrnoException).code?.startsWith('Z_')) {
      throw damaged(uri, 'an Avro file', (error as Error).message, error);
    }
    throw error;
  }
}

function readContainer(buffer: Buffer, uri: string): AvroFile {
  const from = new ByteSource(buffer);
  if (!AVRO_MAGIC.every((b) => from.byte() === b)) throw damaged(uri, 'an Avro file', `it starts with ${buffer.toString('hex', 0, 4)}`);
  const metadata = new Map<string, string>();
  for (let count = from.count(); count !== 0; count = from.count()) {
    for (let i = 0; i < count; i++) metadata.set(from.text(), Buffer.from(from.bytes()).toString('utf8'));
  }
  const sync = Buffer.from(from.take(16));
  const schemaText = metadata.get('avro.schema');
  if (schemaText === undefined) throw damaged(uri, 'an Avro file', 'its header has no schema');
  const schema = JSON.parse(schemaText) as AvroSchema;
  const codec = metadata.get('avro.codec') ?? 'null';
  if (codec !== 'null' && codec !== 'deflate') throw damaged(uri, 'an Avro file of codec null or deflate', `codec ${codec}`);
  const decode = compileDecoder(schema, new Map());
  const records: { readonly [field: string]: unknown }[] = [];
  while (!from.atEnd) {
    const count = from.size();
    const block = Buffer.from(from.take(from.size()));
    const body = new ByteSource(codec === 'deflate' ? inflateRawSync(block) : block);
    for (let i = 0; i < count; i++) records.push(decode(body) as { readonly [field: string]: unknown });
    if (!body.atEnd) throw damaged(uri, 'an Avro file', 'a block is longer than its records');
    if (!sync.equals(Buffer.from(from.take(16)))) throw damaged(uri, 'an Avro file', 'a block does not end with the sync marker');
  }
  return { schema, metadata, records };
}

class ByteSource {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  get atEnd(): boolean {
    return this.#at >= this.#buffer.length;
  }

  byte(): number {
    const value = this.#buffer[this.#at++];
    if (value === undefined) throw new RangeError('it ends too early');
    return value;
  }

  /** Zigzag varint: a number where it is exact, else a bigint. */
  long(): number | bigint {
    let low = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.byte();
      low |= (byte & 127) << shift;
      if (byte < 128) return (low >>> 1) ^ -(low & 1);
    }
    let wide = BigInt(low);
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      wide |= BigInt(byte & 127) << shift;
      if (byte < 128) {
        const value = BigInt.asIntN(64, (wide >> 1n) ^ -(wide & 1n));
        return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
      }
    }
    throw new RangeError('a number has more than 64 bits');
  }

  size(): number {
    const value = Number(this.long());
    if (value < 0) throw new RangeError(`a length is ${value}`);
    return value;
  }

  /** Items of the next block of an array or map; negative counts are followed by a byte size. */
  count(): number {
    const value = Number(this.long());
    if (value >= 0) return value;
    this.long();
    return -value;
  }

  take(length: number): Uint8Array {
    const end = this.#at + length;
    if (end > this.#buffer.length) throw new RangeError('it ends too early');
    const bytes = this.#buffer.subarray(this.#at, end);
    this.#at = end;
    return bytes;
  }

  bytes(): Uint8Array {
    return this.take(this.size());
  }

  text(): string {
    const length = this.size();
    const start = this.#at;
    this.take(length);
    return this.#buffer.toString('utf8', start, start + length);
  }

  float(): number {
    const value = this.#buffer.readFloatLE(this.#at);
    this.#at += 4;
    return value;
  }

  double(): number {
    const value = this.#buffer.readDoubleLE(this.#at);
    this.#at += 8;
    return value;
  }
}

function compileDecoder(schema: AvroSchema, named: Map<string, { decode?: Decoder }>): Decoder {
  if (Array.isArray(schema)) {
    const branches = (schema as readonly AvroSchema[]).map((branch) => compileDecoder(branch, named));
    return (from) => {
      const branch = branches[Number(from.long())];
      if (!branch) throw new RangeError('a union has no such branch');
      return branch(from);
    };
  }
  if (typeof schema === 'string') {
    const known = named.get(schema);
    if (!known) return primitiveDecoder(schema);
    return (from) => known.decode?.(from);
  }
  const complex = schema as Exclude<AvroSchema, string | readonly AvroSchema[]>;
  switch (complex.type) {
    case 'record':
      return recordDecoder(complex, named);
    case 'enum': {
      const symbols = complex.symbols ?? [];
      remember(complex, named, (from) => symbols[Number(from.long())]);
      return (from) => symbols[Number(from.long())];
    }
    case 'fixed': {
      const size = complex.size ?? 0;
      remember(complex, named, (from) => from.take(size));
      return (from) => from.take(size);
    }
    case 'array':
      return arrayDecoder(complex, named);
    case 'map': {
      const decode = compileDecoder(complex.values ?? 'null', named);
      return (from) => {
        const found: Record<string, unknown> = {};
        for (let count = from.count(); count !== 0; count = from.count()) for (let i = 0; i < count; i++) found[from.text()] = decode(from);
        return found;
      };
    }
    default:
      return compileDecoder(complex.type, named);
  }
}

type Complex = Exclude<AvroSchema, string | readonly AvroSchema[]>;

function remember(schema: Complex, named: Map<string, { decode?: Decoder }>, decode: Decoder): void {
  if (schema.name === undefined) return;
  named.set(schema.name, { decode });
  if (schema.namespace !== undefined) named.set(`${schema.namespace}.${schema.name}`, { decode });
}

function recordDecoder(schema: Complex, named: Map<string, { decode?: Decoder }>): Decoder {
  const slot: { decode?: Decoder } = {};
  if (schema.name !== undefined) named.set(schema.name, slot);
  if (schema.name !== undefined && schema.namespace !== undefined) named.set(`${schema.namespace}.${schema.name}`, slot);
  const fields = (schema.fields ?? []).map((f) => ({ name: f.name, decode: compileDecoder(f.type, named) }));
  slot.decode = (from) => {
    const record: Record<string, unknown> = {};
    for (const field of fields) record[field.name] = field.decode(from);
    return record;
  };
  return slot.decode;
}

function arrayDecoder(schema: Complex, named: Map<string, { decode?: Decoder }>): Decoder {
  const decode = compileDecoder(schema.items ?? 'null', named);
  if (schema.logicalType === 'map') {
    return (from) => {
      const found = new Map<unknown, unknown>();
      for (let count = from.count(); count !== 0; count = from.count()) {
        for (let i = 0; i < count; i++) {
          const pair = decode(from) as { key: unknown; value: unknown };
          found.set(pair.key, pair.value);
        }
      }
      return found;
    };
  }
  return (from) => {
    const found: unknown[] = [];
    for (let count = from.count(); count !== 0; count = from.count()) for (let i = 0; i < count; i++) found.push(decode(from));
    return found;
  };
}

function primitiveDecoder(type: string): Decoder {
  switch (type) {
    case 'null':
      return () => null;
    case 'boolean':
      return (from) => from.byte() === 1;
    case 'int':
    case 'long':
      return (from) => from.long();
    case 'float':
      return (from) => from.float();
    case 'double':
      return (from) => from.double();
    case 'string':
      return (from) => from.text();
    case 'bytes':
      return (from) => from.bytes();
    default:
      throw new RangeError(`unknown Avro type ${type}`);
  }
}
