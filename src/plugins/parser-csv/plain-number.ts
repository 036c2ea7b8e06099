import { decimalOf, type ColumnType } from '../../core/spi/index.js';

/** Numbers of at most so many digits convert, whatever they are: `[+-]?digits(.digits)?`. */
export interface PlainNumber {
  readonly whole: number;
  /** After the point; 0: no point. */
  readonly fraction: number;
}

/** Numbers of a column type that are sure to convert and can be told without converting; undefined for other types. */
export function plainNumberOf(type: ColumnType): PlainNumber | undefined {
  if (type === 'long') return { whole: 18, fraction: 0 };
  if (type === 'double') return { whole: 100, fraction: 100 };
  const decimal = decimalOf(type);
  return decimal && { whole: decimal.precision - decimal.scale, fraction: decimal.scale };
}

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 48 && byte <= 57;

/** Where such a number that begins at `from` ends, or -1 when none does. `bytes` must end with something else. */
export function endOfPlainNumber(bytes: Uint8Array, from: number, { whole, fraction }: PlainNumber): number {
  let at = from;
  if (bytes[at] === 45 || bytes[at] === 43) at++;
  const first = at;
  while (isDigit(bytes[at])) at++;
  if (at === first || at - first > whole) return -1;
  if (fraction === 0 || bytes[at] !== 46) return at;
  const point = at++;
  while (isDigit(bytes[at])) at++;
  return at - point - 1 > fraction || at === point + 1 ? -1 : at;
}
