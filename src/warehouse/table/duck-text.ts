import type { PrimitiveType, Value } from './model.js';
import { decimalParts } from './types.js';

const MICROS_PER_DAY = 86_400_000_000n;

/**
 * A value from DuckDB's text for it, in a session whose time zone is UTC. Undefined where the text has no counterpart in
 * Iceberg (infinity, years BC) or the type has no such text (binary, fixed).
 */
export function parseDuckText(type: PrimitiveType, text: string): Value | undefined {
  switch (type) {
    case 'boolean':
      return text === 'true' || text === '1';
    case 'int':
      return Number(text);
    case 'long':
      return BigInt(text);
    case 'float':
    case 'double':
      return parseFloatText(text);
    case 'string':
      return text;
    case 'uuid':
      return text.toLowerCase();
    case 'date': {
      const micros = parseInstant(text);
      return micros === undefined ? undefined : Number(micros / MICROS_PER_DAY);
    }
    case 'timestamp':
    case 'timestamptz':
      return parseInstant(text);
    case 'time':
      return parseInstant(`1970-01-01 ${text}`);
    default: {
      const decimal = decimalParts(type);
      return decimal && parseUnscaled(text, decimal.scale);
    }
  }
}

function parseFloatText(text: string): number | undefined {
  switch (text) {
    case 'inf':
      return Infinity;
    case '-inf':
      return -Infinity;
    default: {
      const value = Number(text);
      return Number.isNaN(value) ? undefined : value;
    }
  }
}

/** `2024-01-01 00:00:37.5+00` or `2024-01-01` in microseconds since 1970. */
function parseInstant(text: string): bigint | undefined {
  const match = /^(\d+)-(\d\d)-(\d\d)(?: (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?(?:\+00)?)?$/.exec(text);
  if (!match) return undefined;
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = ''] = match;
  // Date.UTC takes years 0-99 for 1900-1999, so the year is set apart.
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  const midnight = date.getTime();
  if (Number.isNaN(midnight)) return undefined;
  const seconds = BigInt(midnight / 1000) + BigInt(Number(hour) * 3600 + Number(minute) * 60 + Number(second));
  return seconds * 1_000_000n + BigInt(fraction.padEnd(6, '0'));
}

function parseUnscaled(text: string, scale: number): bigint | undefined {
  const match = /^(-?)(\d*)(?:\.(\d*))?$/.exec(text);
  if (!match) return undefined;
  const magnitude = BigInt(`${match[2] ?? ''}${(match[3] ?? '').padEnd(scale, '0')}` || '0');
  return match[1] === '-' ? -magnitude : magnitude;
}
