import { quoteLiteral } from '../../spi/index.js';

/*
 * Each conversion is a cheap form that proves itself (mostly: the value's canonical text is the text) followed by the
 * strict definition for the rest. test/engine/typing/scalars.prop.test.ts holds both against the definition alone.
 */

const TRUE_WORDS = ['true', 'True', 'TRUE', 'yes', 'Yes', 'YES', 't', 'T', 'y', 'Y', 'on', 'On', 'ON', '1'];
const FALSE_WORDS = ['false', 'False', 'FALSE', 'no', 'No', 'NO', 'f', 'F', 'n', 'N', 'off', 'Off', 'OFF', '0'];

export const LONG_PATTERN = '[+-]?[0-9]+';
export const DOUBLE_PATTERN = '[+-]?(?:[0-9]+(?:\\.[0-9]*)?|\\.[0-9]+)(?:[eE][+-]?[0-9]+)?';

/** Not IN: DuckDB makes a join of a long IN list, and a join may change the order of rows. */
function isOneOf(ref: string, words: readonly string[]): string {
  return `list_contains([${words.map(quoteLiteral).join(', ')}], ${ref})`;
}

export function booleanSql(ref: string): string {
  return `case when ${ref} = 'true' then true when ${ref} = 'false' then false when ${isOneOf(ref, TRUE_WORDS)} then true when ${isOneOf(ref, FALSE_WORDS)} then false end`;
}

export function longSql(ref: string): string {
  const cast = `try_cast(${ref} as bigint)`;
  return `case when ${cast}::varchar = ${ref} then ${cast} when regexp_full_match(${ref}, '${LONG_PATTERN}') then ${cast} end`;
}

/**
 * The suffix `e0` leaves a plain number's value alone and makes DuckDB's cast refuse trailing spaces, words and exponents;
 * the comparison refuses leading spaces and `+`. 300 digits cannot reach infinity.
 */
export function doubleSql(ref: string): string {
  const cast = `try_cast(${ref} as double)`;
  const plain = `case when ${ref} >= '-' and ${ref} < ':' and strlen(${ref}) < 300 and not contains(${ref}, '_') then try_cast(${ref} || 'e0' as double) end`;
  const strict = `case when regexp_full_match(${ref}, '${DOUBLE_PATTERN}') then case when isfinite(${cast}) then ${cast} end when ${ref} in ('NaN', 'Infinity', '+Infinity', '-Infinity') then ${cast} end`;
  return `coalesce(${plain}, ${strict})`;
}

/** At most `scale` fraction digits; zeros may follow. No exponent. */
export function decimalPattern(scale: number): string {
  return scale === 0 ? '[+-]?(?:[0-9]+(?:\\.0*)?|\\.0+)' : `[+-]?(?:[0-9]+(?:\\.[0-9]{0,${scale}}0*)?|\\.[0-9]{1,${scale}}0*)`;
}

export function decimalSql(ref: string, precision: number, scale: number): string {
  const cast = `try_cast(${ref} as decimal(${precision},${scale}))`;
  return `case when ${cast}::varchar = ${ref} then ${cast} when regexp_full_match(${ref}, '${decimalPattern(scale)}') then ${cast} end`;
}

/**
 * DuckDB's JSON reader takes NaN, infinities and trailing commas for valid. Where one of them may be meant, the strings are
 * blanked out and the rest is searched again. The text itself is kept.
 */
export function jsonSql(ref: string): string {
  const trap = '(?i:(?:^|[\\[,: \\t\\r\\n])-?(?:nan|inf))|,[ \\t\\r\\n]*[\\]}]';
  const outsideStrings = `regexp_replace(${ref}, '"(?:[^"\\\\]|\\\\.)*"', '""', 'g')`;
  return `case when regexp_matches(${ref}, '${trap}') and regexp_matches(${outsideStrings}, '${trap}') then null else try_cast(${ref} as json) end`;
}

export type BinaryFormat = 'base64' | 'hex';

export function binarySql(ref: string, format: BinaryFormat): string {
  return format === 'hex'
    ? `case when regexp_full_match(${ref}, '(?:[0-9A-Fa-f]{2})*') then unhex(${ref}) end`
    : `case when regexp_full_match(${ref}, '(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?') then from_base64(${ref}) end`;
}
