import type { PlanLiteral } from '../../core/duckdb/plan-filters.js';
import { parseDuckText } from '../table/duck-text.js';
import type { Value } from '../table/model.js';
import { decimalParts } from '../table/types.js';

/**
 * A plan's literal as a value of an Iceberg type, or undefined when it is not certain which value is meant (then no file
 * may be dropped). The optimiser prints constants in the column's own type; a cast around the column never gets here.
 */
export function literalValue(type: string, literal: PlanLiteral): Value | undefined {
  switch (type) {
    case 'boolean':
      return literal.kind === 'boolean' ? literal.text === 'true' : undefined;
    case 'int':
    case 'long': {
      const plain = literal.kind === 'number' && literal.type === undefined && /^-?\d+$/.test(literal.text);
      return !plain ? undefined : type === 'int' ? Number(literal.text) : BigInt(literal.text);
    }
    case 'float':
    case 'double':
      return floatValue(type, literal);
    case 'string':
      return literal.kind === 'string' && (literal.type === undefined || literal.type === 'VARCHAR') ? literal.text : undefined;
    case 'date':
      return literal.type === 'DATE' ? parseDuckText(type, literal.text) : undefined;
    case 'timestamp':
      return literal.type === 'TIMESTAMP' ? parseDuckText(type, literal.text) : undefined;
    case 'timestamptz':
      return literal.type === 'TIMESTAMP WITH TIME ZONE' && literal.text.endsWith('+00') ? parseDuckText(type, literal.text) : undefined;
  }
  const decimal = decimalParts(type);
  return decimal && literal.kind === 'number' && literal.type === undefined ? toUnscaled(literal.text, decimal.scale) : undefined;
}

function floatValue(type: string, literal: PlanLiteral): number | undefined {
  if (literal.kind !== 'number' || literal.type !== undefined) return undefined;
  const value = Number(literal.text);
  if (Number.isNaN(value)) return undefined;
  return type === 'float' ? Math.fround(value) : value;
}

function toUnscaled(text: string, scale: number): bigint | undefined {
  const m = /^(-?)(\d*)(?:\.(\d*))?$/.exec(text);
  if (!m) return undefined;
  const fraction = (m[3] ?? '').replace(/0+$/, '');
  if (fraction.length > scale) return undefined;
  const value = BigInt(`${m[2] ?? ''}${fraction.padEnd(scale, '0')}` || '0');
  return m[1] === '-' ? -value : value;
}

/** DuckDB's order of two values of one type: strings by UTF-8 bytes; unlike Iceberg's, -0.0 equals 0.0. Never give it NaN. */
export function orderValues(a: Value, b: Value): number {
  if (typeof a === 'string' && typeof b === 'string') return compareUtf8(a, b);
  return a < b ? -1 : a > b ? 1 : 0;
}

/** UTF-16 units sort like UTF-8 bytes except that surrogates come before U+E000..U+FFFF. */
function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    const high = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit);
    return high(x) - high(y);
  }
  return a.length - b.length;
}
