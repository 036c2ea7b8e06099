import { BugError } from '../../core/spi/index.js';
import type { PrimitiveType, Value } from './model.js';
import { decimalParts, fixedLength } from './types.js';

/** Single-value serialisation of bounds (spec, appendix D). */
export function encodeValue(type: PrimitiveType, value: Value): Uint8Array {
  switch (type) {
    case 'boolean':
      return Uint8Array.of(value === true ? 1 : 0);
    case 'int':
    case 'date': {
      const bytes = Buffer.alloc(4);
      bytes.writeInt32LE(Number(value));
      return bytes;
    }
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz': {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64LE(BigInt(value as bigint));
      return bytes;
    }
    case 'float': {
      const bytes = Buffer.alloc(4);
      bytes.writeFloatLE(Number(value));
      return bytes;
    }
    case 'double': {
      const bytes = Buffer.alloc(8);
      bytes.writeDoubleLE(Number(value));
      return bytes;
    }
    case 'string':
      return Buffer.from(value as string, 'utf8');
    case 'uuid':
      return Buffer.from((value as string).replaceAll('-', ''), 'hex');
    case 'binary':
      return value as Uint8Array;
    default:
      if (decimalParts(type)) return bytesOfInteger(value as bigint);
      if (fixedLength(type) !== undefined) return value as Uint8Array;
      throw new BugError({ code: 'UNKNOWN_TYPE', message: `a value of type ${type} cannot be serialised` });
  }
}

/**
 * The inverse of {@link encodeValue}. Bounds keep the width they were written with: a column widened from int to long or
 * float to double still has 4-byte bounds in its older files. Undefined for bytes that cannot be of this type.
 */
export function decodeValue(type: PrimitiveType, bytes: Uint8Array): Value | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (type) {
    case 'boolean':
      return buffer.length === 1 ? buffer[0] !== 0 : undefined;
    case 'int':
    case 'date':
      return buffer.length === 4 ? buffer.readInt32LE() : undefined;
    case 'long':
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      if (buffer.length === 4 && type === 'long') return BigInt(buffer.readInt32LE());
      return buffer.length === 8 ? buffer.readBigInt64LE() : undefined;
    case 'float':
      return buffer.length === 4 ? buffer.readFloatLE() : undefined;
    case 'double':
      if (buffer.length === 4) return buffer.readFloatLE();
      return buffer.length === 8 ? buffer.readDoubleLE() : undefined;
    case 'string':
      return buffer.toString('utf8');
    case 'uuid':
      return buffer.length === 16 ? spellUuid(buffer.toString('hex')) : undefined;
    case 'binary':
      return bytes;
    default:
      if (decimalParts(type)) return buffer.length > 0 ? integerOfBytes(bytes) : undefined;
      return fixedLength(type) === undefined ? undefined : bytes;
  }
}

export function spellUuid(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Two's complement, big-endian, in `width` bytes or the fewest possible. */
export function bytesOfInteger(value: bigint, width?: number): Uint8Array {
  let length = width ?? 1;
  if (width === undefined) while (BigInt.asIntN(8 * length, value) !== value) length++;
  const bytes = new Uint8Array(length);
  for (let i = length - 1, rest = value; i >= 0; i--, rest >>= 8n) bytes[i] = Number(rest & 255n);
  return bytes;
}

export function integerOfBytes(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return BigInt.asIntN(8 * bytes.length, value);
}

/** Orders two values of one type: strings by UTF-8, −0.0 below 0.0, NaN above all. */
export function compareValues(a: Value, b: Value): number {
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b));
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b);
  if (typeof a === 'number' && typeof b === 'number') {
    if (a === b) return a === 0 ? Number(Object.is(b, -0)) - Number(Object.is(a, -0)) : 0;
    if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  }
  return a < b ? -1 : a > b ? 1 : 0;
}
