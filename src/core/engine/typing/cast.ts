import { decimalOf, duckdbType, type ColumnType, type TextFormat } from '../../spi/index.js';
import { conversionSql, formatProblem, isTimeType } from './convert.js';
import { zoneOf, type TimeType } from './instants.js';
import { outputFormatProblem, renderTimeSql } from './render.js';
import { localInstantSql, localTimeSql } from './zones.js';

const isNumber = (type: ColumnType): boolean => type === 'long' || type === 'double' || decimalOf(type) !== undefined;

/** Says why there is no cast between two types, or what is wrong with its format; undefined when it can be made. */
export function castProblem(from: ColumnType, to: ColumnType, text: TextFormat = {}): string | undefined {
  if (from === 'string') return formatProblem(to, text);
  if (to === 'string') {
    if (isTimeType(from))
      return (
        (text.timezone === undefined ? undefined : formatProblem('timestamp', { timezone: text.timezone })) ??
        (text.format === undefined ? undefined : outputFormatProblem(text.format))
      );
    return from === 'binary' ? formatProblem('binary', text) : undefined;
  }
  if (from === 'json' && to !== 'binary') return to === 'json' ? undefined : formatProblem(to, text);
  if (from === to || to === 'json') return from === 'binary' && to === 'json' ? noCast(from, to) : undefined;
  if (isNumber(from) && (isNumber(to) || to === 'boolean')) return undefined;
  if (from === 'boolean' && isNumber(to)) return undefined;
  if (isTimeType(from) && isTimeType(to)) return text.timezone === undefined ? undefined : formatProblem('timestamp', { timezone: text.timezone });
  if (from === 'long' && (to === 'timestamp' || to === 'datetime'))
    return epochUnit(text) === undefined ? `a long becomes a ${to} by format "%s" (seconds, the default) or "%Q" (milliseconds)` : undefined;
  if ((from === 'timestamp' || from === 'datetime') && to === 'long')
    return epochUnit(text) === undefined ? `a ${from} becomes a long by format "%s" (seconds, the default) or "%Q" (milliseconds)` : undefined;
  return noCast(from, to);
}

function noCast(from: ColumnType, to: ColumnType): string {
  return `a ${from} cannot become a ${to}`;
}

function epochUnit(text: TextFormat): number | undefined {
  if (text.format === undefined || text.format === '%s') return 1_000_000;
  return text.format === '%Q' ? 1000 : undefined;
}

/**
 * SQL that turns a typed expression into another type; NULL where the value does not fit exactly (a fraction into a long,
 * an overflow). `ref` is evaluated several times. Check {@link castProblem} first.
 */
export function castSql(ref: string, from: ColumnType, to: ColumnType, text: TextFormat = {}): string {
  if (from === 'string') return conversionSql(ref, { type: to, text });
  if (to === 'string') return toText(ref, from, text);
  if (from === to) return ref;
  if (from === 'json') return conversionSql(`(${ref} ->> '$')`, { type: to, text });
  if (to === 'json') return toJson(ref, from);
  if (isTimeType(from) && isTimeType(to)) return betweenTimes(ref, from, to, text);
  const target = duckdbType(to);
  if (from === 'boolean') return `cast(${ref}::integer as ${target})`;
  if (to === 'boolean') return `case when ${ref} = 1 then true when ${ref} = 0 then false end`;
  const unit = epochUnit(text) ?? 1_000_000;
  if (to === 'timestamp' || to === 'datetime') return fromEpoch(ref, to, unit);
  if (isTimeType(from)) return `cast(floor(epoch_us(${ref}) / ${unit}) as bigint)`;
  return betweenNumbers(ref, from, to, target);
}

function betweenNumbers(ref: string, from: ColumnType, to: ColumnType, target: string): string {
  const cast = `try_cast(${ref} as ${target})`;
  // A decimal's nearest double is what its text would give; 2^53 bounds the longs that a double holds exactly.
  if (to === 'double') return from === 'long' ? `case when abs(${ref}::hugeint) <= 9007199254740992 then ${cast} end` : cast;
  // Compared as decimals or longs, never through a double: DuckDB would round both sides.
  return from === 'double' ? `case when try_cast(${cast} as double) = ${ref} then ${cast} end` : `case when ${cast} = ${ref} then ${cast} end`;
}

function fromEpoch(ref: string, to: 'timestamp' | 'datetime', unit: number): string {
  const make = to === 'timestamp' ? 'make_timestamptz' : 'make_timestamp';
  const first = -62_135_596_800_000_000n / BigInt(unit);
  const end = 253_402_300_800_000_000n / BigInt(unit);
  return `case when ${ref} >= ${first} and ${ref} < ${end} then ${make}(${ref} * ${unit}) end`;
}

function betweenTimes(ref: string, from: TimeType, to: TimeType, text: TextFormat): string {
  const zone = zoneOf(text);
  if (to === 'timestamp') return localInstantSql(from === 'date' ? `cast(${ref} as timestamp)` : ref, zone);
  const local = from === 'timestamp' ? localTimeSql(ref, zone) : ref;
  return to === 'date' ? `cast(${local} as date)` : `cast(${local} as timestamp)`;
}

/** Texts that the strict conversion of the same type reads back to the same value. */
function toText(ref: string, from: ColumnType, text: TextFormat): string {
  if (isTimeType(from) && text.format !== undefined) return renderTimeSql(ref, from, text.format, text);
  if (from === 'timestamp') {
    if (text.timezone !== undefined) return renderTimeSql(ref, from, '%Y-%m-%dT%H:%M:%S.%6N%:z', text);
    return `(replace(make_timestamp(epoch_us(${ref}))::varchar, ' ', 'T') || 'Z')`;
  }
  if (from === 'double')
    return `case when isfinite(${ref}) then ${ref}::varchar when isnan(${ref}) then 'NaN' when ${ref} > 0 then 'Infinity' when ${ref} < 0 then '-Infinity' end`;
  if (from === 'binary') return text.format === 'hex' ? `lower(hex(${ref}))` : `to_base64(${ref})`;
  return from === 'string' ? ref : `cast(${ref} as varchar)`;
}

function toJson(ref: string, from: ColumnType): string {
  if (isNumber(from) || from === 'boolean')
    return from === 'double' ? `case when isfinite(${ref}) then to_json(${ref}) end` : `cast(${ref}::varchar as json)`;
  return `to_json(${toText(ref, from, {})})`;
}
