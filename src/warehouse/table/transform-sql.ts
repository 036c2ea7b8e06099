import { BugError } from '../../core/spi/index.js';
import type { PrimitiveType, Value } from './model.js';
import { parseDuckText } from './duck-text.js';
import { transformedType, transformValue, type Transform } from './transforms.js';
import { decimalParts } from './types.js';

const MICROS_PER_HOUR = '3600000000';
const MICROS_PER_DAY = '86400000000';

/**
 * SQL that gives the partition value of `column` (a quoted identifier of the DuckDB type of `type`). Days, months, years,
 * hours and buckets come as INTEGER; the text of the result is read back by {@link parsePartitionText}.
 */
export function transformSql(transform: Transform, type: PrimitiveType, column: string): string {
  switch (transform.kind) {
    case 'identity':
      return column;
    case 'void':
      return 'CAST(NULL AS VARCHAR)';
    case 'hour':
      return orFurthest(column, `CAST(${floorDivideSql(`epoch_us(${column})`, MICROS_PER_HOUR)} AS INTEGER)`);
    case 'day':
      return daySql(type, column);
    case 'year':
      return orFurthest(column, `CAST(year(${dateSql(type, column)}) - 1970 AS INTEGER)`);
    case 'month':
      return orFurthest(column, `CAST((year(${dateSql(type, column)}) - 1970) * 12 + month(${dateSql(type, column)}) - 1 AS INTEGER)`);
    case 'truncate':
      return truncateSql(type, column, transform.width);
    case 'bucket': {
      const bucket = `CAST((${hashSql(type, column)} & 2147483647) % ${transform.width} AS INTEGER)`;
      const of = (micros: bigint): number => Number(transformValue(transform, type, micros));
      return isInstant(type) ? orInfinite(column, bucket, of(FURTHEST_MICROS), of(-FURTHEST_MICROS)) : bucket;
    }
    case 'unknown':
      throw new BugError({ code: 'UNKNOWN_TRANSFORM', message: `the partition transform ${transform.text} cannot be computed` });
  }
}

/** The value behind the text that `RETURN_STATS` gives for a partition expression. */
export function parsePartitionText(transform: Transform, type: PrimitiveType, text: string | null): Value | null {
  if (text === null || transform.kind === 'void') return null;
  if (transform.kind === 'day') return Number(text);
  const given = transformedType(transform, type);
  const value = parseDuckText(given, text) ?? parseFarTime(given, text);
  if (value === undefined)
    throw new BugError({ code: 'PARTITION_VALUE', message: `cannot read the partition value ${JSON.stringify(text)} of type ${type}` });
  return value;
}

/** What DuckDB keeps for infinity: later than every other date and instant. */
const FURTHEST_DAY = 2_147_483_647;
const FURTHEST_MICROS = 9_223_372_036_854_775_807n;

function isInstant(type: PrimitiveType): boolean {
  return type === 'timestamp' || type === 'timestamptz';
}

/** DuckDB's functions of time give NULL for infinity: its rows would lie in the partition of NULLs, where no query looks for them. */
function orInfinite(column: string, finite: string, last: number, first: number): string {
  return `coalesce(${finite}, CAST(CASE WHEN ${column} = 'infinity' THEN ${last} WHEN ${column} = '-infinity' THEN ${first} END AS INTEGER))`;
}

/** Infinity comes after, and before, all that is finite. */
function orFurthest(column: string, finite: string): string {
  return orInfinite(column, finite, FURTHEST_DAY, -FURTHEST_DAY);
}

/** Times that `parseDuckText` leaves out, since no bound may hold them: infinity, years BC, and those beyond JavaScript's. */
function parseFarTime(type: PrimitiveType, text: string): Value | undefined {
  if (type !== 'date' && !isInstant(type)) return undefined;
  const infinite = /^(-?)infinity$/.exec(text);
  if (infinite) {
    const sign = infinite[1] === '-' ? -1 : 1;
    return type === 'date' ? sign * FURTHEST_DAY : BigInt(sign) * FURTHEST_MICROS;
  }
  const [, digits = '', month = '', day = '', bc, clock = '00:00:00'] =
    /^(\d+)-(\d\d)-(\d\d)( \(BC\))?(?: (\d\d:\d\d:\d\d(?:\.\d{1,6})?)(?:\+00)?)?$/.exec(text) ?? [];
  if (digits === '') return undefined;
  const year = bc === undefined ? Number(digits) : 1 - Number(digits);
  // The calendar repeats every 400 years.
  const cycles = Math.floor((year - 2000) / 400);
  const days = Date.UTC(year - cycles * 400, Number(month) - 1, Number(day)) / 86_400_000 + cycles * 146_097;
  if (type === 'date') return days;
  return BigInt(days) * BigInt(MICROS_PER_DAY) + (parseDuckText('time', clock) as bigint);
}

/** DuckDB's `//` cuts towards zero; exact for all 64 bits, unlike `floor(x / y)`. */
function floorDivideSql(value: string, by: string): string {
  return `(CASE WHEN ${value} < 0 THEN (${value} + 1) // ${by} - 1 ELSE ${value} // ${by} END)`;
}

function daySql(type: PrimitiveType, column: string): string {
  // Casting TIMESTAMPTZ to DATE goes through ICU and costs ten times as much.
  if (type === 'timestamptz') return orFurthest(column, `CAST(${floorDivideSql(`epoch_us(${column})`, MICROS_PER_DAY)} AS INTEGER)`);
  return `CAST(CAST(${column} AS DATE) - DATE '1970-01-01' AS INTEGER)`;
}

function dateSql(type: PrimitiveType, column: string): string {
  return type === 'timestamptz' ? `CAST(make_timestamp(epoch_us(${column})) AS DATE)` : `CAST(${column} AS DATE)`;
}

function truncateSql(type: PrimitiveType, column: string, width: number): string {
  if (type === 'string') return `left(${column}, ${width})`;
  const decimal = decimalParts(type);
  if (decimal) {
    const unscaled = unscaledSql(column);
    const cut = `(${unscaled} - (((${unscaled} % ${width}) + ${width}) % ${width}))`;
    // Text keeps all digits; DECIMAL arithmetic would round or overflow at 38.
    return decimal.scale === 0 ? cut : scaledTextSql(cut, decimal.scale);
  }
  const rest = `(((${column} % ${width}) + ${width}) % ${width})`;
  if (type === 'int') return `CAST(${column} - ${rest} AS INTEGER)`;
  // Below the lowest multiple Java wraps around, and so do we.
  const low = `(${column} & 9223372036854775807)`;
  return `(CASE WHEN ${column} < -9223372036854775807 + ${width} AND ${low} < ${rest} THEN 9223372036854775807 - (${rest} - ${low} - 1) ELSE ${column} - ${rest} END)`;
}

function unscaledSql(column: string): string {
  return `CAST(replace(CAST(${column} AS VARCHAR), '.', '') AS HUGEINT)`;
}

function scaledTextSql(unscaled: string, scale: number): string {
  const digits = `lpad(CAST(abs(${unscaled}) AS VARCHAR), CAST(greatest(length(CAST(abs(${unscaled}) AS VARCHAR)), ${scale + 1}) AS INTEGER), '0')`;
  return `(CASE WHEN ${unscaled} < 0 THEN '-' ELSE '' END || left(${digits}, -${scale}) || '.' || right(${digits}, ${scale}))`;
}

const MASK = '4294967295::UBIGINT';

/** Murmur3 in 64-bit arithmetic; `rotate` doubles the 32 bits so that its argument is needed once. */
function multiply(value: string, by: number): string {
  return `((${value} * ${by}::UBIGINT) & ${MASK})`;
}
function rotate(value: string, bits: number): string {
  return `(((${value} * 4294967297::UBIGINT) >> ${32 - bits}) & ${MASK})`;
}
function mixBlock(block: string): string {
  return multiply(rotate(multiply(block, 0xcc9e2d51), 15), 0x1b873593);
}
function mixHash(hash: string, block: string): string {
  return `((${rotate(`xor(${hash}, ${mixBlock(block)})`, 13)} * 5 + 3864292196) & ${MASK})`;
}
/** `x -> xor(x, x >> bits)` through a one-element list, so that a long expression stands once. */
function finish(hash: string): string {
  const step = (value: string, name: string, bits: number, by: number): string =>
    `list_transform([${value}], lambda ${name}: ${multiply(`xor(${name}, ${name} >> ${bits})`, by)})[1]`;
  return `list_transform([${step(step(hash, 'h1', 16, 0x85ebca6b), 'h2', 13, 0xc2b2ae35)}], lambda h3: xor(h3, h3 >> 16))[1]`;
}

function hashSql(type: PrimitiveType, column: string): string {
  switch (type) {
    case 'int':
    case 'long':
      return hashLongSql(`CAST(${column} AS BIGINT)`);
    case 'date':
      return hashLongSql(`(${column} - DATE '1970-01-01')`);
    case 'timestamp':
    case 'timestamptz':
    case 'time':
      return hashLongSql(`epoch_us(${column})`);
    case 'string':
      return hashHexSql(`hex(encode(${column}))`);
    case 'uuid':
      return hashHexSql(`upper(replace(CAST(${column} AS VARCHAR), '-', ''))`);
    case 'binary':
      return hashHexSql(`hex(${column})`);
    default:
      return hashHexSql(decimalHexSql(column));
  }
}

function hashLongSql(value: string): string {
  const low = `CAST(${value} & 4294967295 AS UBIGINT)`;
  const high = `CAST((${value} >> 32) & 4294967295 AS UBIGINT)`;
  return finish(`xor(${mixHash(mixHash('0::UBIGINT', low), high)}, 8::UBIGINT)`);
}

/** Hash of bytes given as upper-case hex: whole 4-byte blocks, then the rest. */
function hashHexSql(hexText: string): string {
  const byte = (index: string): string => `substr(x, CAST((${index}) * 2 + 1 AS BIGINT), 2)`;
  const block = (first: string): string =>
    `CAST(CAST('0x' || ${[3, 2, 1, 0].map((k) => byte(`${first} + ${k}`)).join(' || ')} AS UINTEGER) AS UBIGINT)`;
  const blocks = `list_transform(range(0, length(x) // 8), lambda i: ${block('i * 4')})`;
  const whole = `list_reduce(${blocks}, lambda h, k: ${mixHash('h', 'k')}, 0::UBIGINT)`;
  const restAt = 'length(x) // 8 * 4';
  const rest = `CAST(CAST('0x0' || ${[2, 1, 0].map((k) => byte(`${restAt} + ${k}`)).join(' || ')} AS UINTEGER) AS UBIGINT)`;
  const tail = `(CASE WHEN length(x) % 8 = 0 THEN 0::UBIGINT ELSE ${mixBlock(rest)} END)`;
  return `list_transform([${hexText}], lambda x: CASE WHEN x IS NULL THEN NULL ELSE ${finish(`xor(xor(${whole}, ${tail}), CAST(length(x) // 2 AS UBIGINT))`)} END)[1]`;
}

/** The fewest two's complement bytes of a decimal's unscaled value, as hex. */
function decimalHexSql(column: string): string {
  const even = `CASE WHEN length(h) % 2 = 1 THEN '0' || h WHEN h[1] > '7' THEN '00' || h ELSE h END`;
  const hexOf = (value: string): string => `list_transform([to_hex(${value})], lambda h: ${even})[1]`;
  return `list_transform([${unscaledSql(column)}], lambda u: CASE WHEN u < 0 THEN translate(${hexOf('-u - 1')}, '0123456789ABCDEF', 'FEDCBA9876543210') ELSE ${hexOf('u')} END)[1]`;
}
