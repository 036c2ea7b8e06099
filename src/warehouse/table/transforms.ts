import { BugError } from '../../core/spi/index.js';
import type { PrimitiveType, Value } from './model.js';
import { murmur3 } from './murmur3.js';
import { bytesOfInteger, encodeValue } from './single-value.js';
import { decimalParts, fixedLength } from './types.js';

/** A parsed partition transform (spec, "Partition Transforms"). `unknown` is one of a later format: never used to prune. */
export type Transform =
  | { readonly kind: 'identity' | 'void' | 'year' | 'month' | 'day' | 'hour' }
  | { readonly kind: 'bucket' | 'truncate'; readonly width: number }
  | { readonly kind: 'unknown'; readonly text: string };

const PLAIN: ReadonlySet<string> = new Set(['identity', 'void', 'year', 'month', 'day', 'hour']);

export function parseTransform(text: string): Transform {
  if (PLAIN.has(text)) return { kind: text as 'identity' };
  const match = /^(bucket|truncate)\[(\d+)\]$/.exec(text);
  const width = Number(match?.[2]);
  return match && width > 0 ? { kind: match[1] as 'bucket', width } : { kind: 'unknown', text };
}

/** The type of the values a transform gives. */
export function transformedType(transform: Transform, source: PrimitiveType): PrimitiveType {
  switch (transform.kind) {
    case 'year':
    case 'month':
    case 'hour':
    case 'bucket':
      return 'int';
    case 'day':
      return 'date';
    case 'identity':
    case 'truncate':
    case 'void':
      return source;
    case 'unknown':
      return 'string';
  }
}

/** Why a transform cannot be applied to a column of this type; undefined when it can. */
export function transformProblem(transform: Transform, source: PrimitiveType): string | undefined {
  const instant = source === 'timestamp' || source === 'timestamptz';
  const decimal = decimalParts(source) !== undefined;
  switch (transform.kind) {
    case 'identity':
      // Two zeros and NaN make equal partitions unequal; bytes make no folder.
      return ['float', 'double', 'binary'].includes(source) || fixedLength(source) !== undefined
        ? `identity cannot partition by a ${source} column`
        : undefined;
    case 'year':
    case 'month':
    case 'day':
      return instant || source === 'date' ? undefined : `${transform.kind} needs a timestamp, datetime or date column, not ${source}`;
    case 'hour':
      return instant ? undefined : `hour needs a timestamp or datetime column, not ${source}`;
    case 'bucket':
      return ['int', 'long', 'date', 'time', 'string', 'uuid', 'binary'].includes(source) || instant || decimal
        ? undefined
        : `bucket cannot hash a ${source} column`;
    case 'truncate':
      return ['int', 'long', 'string'].includes(source) || decimal ? undefined : `truncate needs a long, decimal or string column, not ${source}`;
    case 'void':
      return undefined;
    case 'unknown':
      return `${transform.text} is not a transform`;
  }
}

const MICROS_PER_HOUR = 3_600_000_000n;
const MICROS_PER_DAY = 86_400_000_000n;

/** The partition value of a column value; null for null. The SQL counterpart is `transformSql`. */
export function transformValue(transform: Transform, type: PrimitiveType, value: Value | null): Value | null {
  if (value === null) return null;
  switch (transform.kind) {
    case 'identity':
      return value;
    case 'void':
      return null;
    case 'hour':
      return Number(floorDivide(value as bigint, MICROS_PER_HOUR));
    case 'day':
      return dayOf(type, value);
    case 'month':
    case 'year': {
      const date = new Date(dayOf(type, value) * 86_400_000);
      const years = date.getUTCFullYear() - 1970;
      return transform.kind === 'year' ? years : years * 12 + date.getUTCMonth();
    }
    case 'bucket':
      return (hashValue(type, value) & 0x7fffffff) % transform.width;
    case 'truncate':
      return truncateValue(type, value, transform.width);
    case 'unknown':
      throw new BugError({ code: 'UNKNOWN_TRANSFORM', message: `the partition transform ${transform.text} cannot be computed` });
  }
}

function dayOf(type: PrimitiveType, value: Value): number {
  return type === 'date' ? (value as number) : Number(floorDivide(value as bigint, MICROS_PER_DAY));
}

/** The 32-bit hash of a value (spec, appendix B): integers and dates hash like longs. */
export function hashValue(type: PrimitiveType, value: Value): number {
  switch (type) {
    case 'int':
    case 'date':
      return murmur3(encodeValue('long', BigInt(value as number)));
    default:
      return murmur3(decimalParts(type) ? bytesOfInteger(value as bigint) : encodeValue(type, value));
  }
}

function truncateValue(type: PrimitiveType, value: Value, width: number): Value {
  if (typeof value === 'string') return Array.from(value).slice(0, width).join('');
  if (value instanceof Uint8Array) return value.slice(0, width);
  if (typeof value === 'number') return value - (((value % width) + width) % width);
  const wide = BigInt(width);
  const cut = (value as bigint) - ((((value as bigint) % wide) + wide) % wide);
  // As Java's arithmetic does at the lowest end of long.
  return type === 'long' ? BigInt.asIntN(64, cut) : cut;
}

function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value < 0n && quotient * by !== value ? quotient - 1n : quotient;
}
