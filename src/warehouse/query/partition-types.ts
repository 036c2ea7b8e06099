import type { PrimitiveType, Value } from '../table/model.js';
import { decimalParts } from '../table/types.js';

/** How a partition value is shown to people: days as dates, hours and months as times. */
export function partitionColumnType(transform: string, type: PrimitiveType): { print(value: Value): string } {
  const iso = (millis: number, length: number): string => {
    const date = new Date(millis);
    // Infinity, and years that JavaScript's dates do not reach.
    if (Number.isNaN(date.getTime())) return millis < 0 ? 'before -271821-04-20' : 'after 275760-09-13';
    const text = date.toISOString();
    return text.slice(0, length + text.indexOf('T') - 10);
  };
  return {
    print(value) {
      if (transform === 'hour') return `${iso(Number(value) * 3_600_000, 13).replace('T', '-')}`;
      if (transform === 'month') return iso(monthStart(Number(value)), 7);
      if (transform === 'year') return String(1970 + Number(value));
      if (type === 'date') return iso(Number(value) * 86_400_000, 10);
      if (type === 'timestamp' || type === 'timestamptz') return iso(Number((value as bigint) / 1000n), 24);
      const decimal = decimalParts(type);
      if (decimal) return printDecimal(value as bigint, decimal.scale);
      return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : String(value);
    },
  };
}

/** `Date.UTC` has no sign of what is out of its range. */
function monthStart(months: number): number {
  const start = Date.UTC(1970, months, 1);
  return Number.isNaN(start) ? Math.sign(months) * Infinity : start;
}

function printDecimal(unscaled: bigint, scale: number): string {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  return unscaled < 0n ? `-${text}` : text;
}
