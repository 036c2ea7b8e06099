import type { ExtensionCodec } from '@msgpack/msgpack';
import type { ColumnType } from '../../core/spi/index.js';

/** An extension of an application: nothing is known of it but its type and its bytes. */
class Extension {
  readonly type: number;
  readonly bytes: Uint8Array;
  constructor(type: number, bytes: Uint8Array) {
    this.type = type;
    this.bytes = bytes;
  }
}

/** A MessagePack timestamp as ISO 8601 text, with all its digits. */
class Timestamp {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** Decodes one value so that nothing is lost: 64-bit integers as bigint, timestamps as text. */
export type DecodeValue = (bytes: Uint8Array) => unknown;

const TIMESTAMP = -1;

export async function loadDecoder(): Promise<DecodeValue> {
  const { decode, decodeTimestampToTimeSpec } = await import('@msgpack/msgpack');
  const codec = {
    tryToEncode: () => null,
    decode(bytes: Uint8Array, type: number) {
      if (type !== TIMESTAMP || ![4, 8, 12].includes(bytes.length)) return new Extension(type, bytes.slice());
      const { sec, nsec } = decodeTimestampToTimeSpec(bytes);
      return isoText(sec, nsec) ?? new Extension(type, bytes.slice());
    },
  } as unknown as ExtensionCodec;
  return (bytes) => decode(bytes, { useBigInt64: true, extensionCodec: codec });
}

function isoText(seconds: number, nanoseconds: number): Timestamp | undefined {
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime()) || nanoseconds >= 1e9) return undefined;
  const fraction = String(nanoseconds).padStart(9, '0').replace(/0+$/, '');
  return new Timestamp(`${date.toISOString().slice(0, -5)}${fraction === '' ? '' : `.${fraction}`}Z`);
}

/** The value at a pointer; undefined when there is none. */
export function followPath(value: unknown, path: readonly string[]): unknown {
  let current = value;
  for (const key of path) {
    if (Array.isArray(current)) current = /^(0|[1-9]\d*)$/.test(key) ? (current as unknown[])[Number(key)] : undefined;
    else if (kindOf(current) === 'map') current = Object.hasOwn(current as object, key) ? (current as Record<string, unknown>)[key] : undefined;
    else return undefined;
  }
  return current;
}

/** The text that the engine converts to `type`, or what was expected instead. Nil and missing values are NULL. */
export function textFor(value: unknown, type: ColumnType): { readonly text: string | null } | { readonly expected: string } {
  if (value === undefined || value === null) return { text: null };
  const kind = kindOf(value);
  switch (type) {
    case 'json':
      return { text: toJson(value) };
    case 'string':
      return kind === 'text' ? { text: value as string } : { expected: 'a text' };
    case 'binary':
      return value instanceof Uint8Array ? { text: Buffer.from(value).toString('base64') } : { expected: 'bytes' };
    case 'boolean':
      return kind === 'boolean' ? { text: String(value) } : { expected: 'a boolean' };
    case 'date':
    case 'timestamp':
    case 'datetime':
      if (value instanceof Timestamp) return { text: value.text };
      // A number is only a time where the column has a format such as %s; the conversion tells.
      return kind === 'text' || kind === 'integer' || kind === 'float' ? { text: numberText(value) } : { expected: 'a text or timestamp' };
    case 'long':
    case 'double':
      return kind === 'integer' || kind === 'float' ? { text: numberText(value) } : { expected: 'a number' };
    default:
      // MessagePack has no decimals: texts carry them.
      return kind === 'integer' || kind === 'float' || kind === 'text' ? { text: numberText(value) } : { expected: 'a number' };
  }
}

export function describeKind(value: unknown): string {
  const kind = kindOf(value);
  return kind === 'nil' || kind === 'bytes' ? kind : `${/^[aeiou]/.test(kind) ? 'an' : 'a'} ${kind}`;
}

function kindOf(value: unknown): 'nil' | 'text' | 'boolean' | 'integer' | 'float' | 'bytes' | 'timestamp' | 'extension' | 'array' | 'map' {
  if (value === null || value === undefined) return 'nil';
  if (typeof value === 'string') return 'text';
  if (typeof value === 'boolean') return 'boolean';
  if (typeof value === 'bigint') return 'integer';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'float';
  if (value instanceof Uint8Array) return 'bytes';
  if (value instanceof Timestamp) return 'timestamp';
  if (value instanceof Extension) return 'extension';
  return Array.isArray(value) ? 'array' : 'map';
}

/** Whole numbers without an exponent, so that a long column takes a float such as 1e21 or refuses it by its size. */
function numberText(value: unknown): string {
  if (typeof value !== 'number') return String(value);
  if (Object.is(value, -0)) return '-0';
  return Number.isInteger(value) && Math.abs(value) >= 1e21 ? BigInt(value).toString() : String(value);
}

/** JSON text that keeps every digit. Bytes are base64 text, timestamps ISO text, extensions `{"type":…,"data":base64}`. */
export function toJson(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'number') return Number.isFinite(value) ? numberText(value) : 'null';
  if (typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return JSON.stringify(value);
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString('base64'));
  if (value instanceof Timestamp) return JSON.stringify(value.text);
  if (value instanceof Extension) return `{"type":${value.type},"data":${JSON.stringify(Buffer.from(value.bytes).toString('base64'))}}`;
  if (Array.isArray(value)) return `[${value.map(toJson).join(',')}]`;
  return `{${Object.entries(value as object)
    .map(([key, inner]) => `${JSON.stringify(key)}:${toJson(inner)}`)
    .join(',')}}`;
}
