import type { PrimitiveType, Value } from '../table/model.js';
import { decimalParts } from '../table/types.js';

/** How a partition value is shown to people: days as dates, hours and months as times. */
export function partitionColumnType(transform: string, type: PrimitiveType): { print(value: Value): string } {
  const iso = (millis: number, length: number): string => new Date(millis).toISOString().slice(0, length);
  return {
    print(value) {
      if (transform === 'hour') return `${iso(Number(value) * 3_600_000, 13).replace('T', '-')}`;
      if (transform === 'month') return iso(Date.UTC(1970, Number(value), 1), 7);
      if (transform === 'year') return String(1970 + Number(value));
      if (type === 'date') return iso(Number(value) * 86_400_000, 10);
      if (type === 'timestamp' || type === 'timestamptz') return new Date(Number((value as bigint) / 1000n)).toISOString();
      const decimal = decimalParts(type);
      if (decimal) return printDecimal(value as bigint, decimal.scale);
      return value instanceof Uint8Array ? Buffer.from(value).toString('hex') : String(value);
    },
  };
}

function printDecimal(unscaled: bigint, scale: number): string {
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, '0');
  const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  return unscaled < 0n ? `-${text}` : text;
}
