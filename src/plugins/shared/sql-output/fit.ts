import { decimalOf, quoteIdentifier, quoteLiteral, type Column, type ColumnType, type RowRefusal } from '../../../core/spi/index.js';
import { fitArray } from './fit-array.js';
import type { TargetColumn, TargetFamily } from './target-column.js';
import type { WrittenValue } from './written-value.js';

/** Whether values of a column arrive unchanged: always, except where the predicate is true, or never. */
export type Fit = { readonly changes?: string; readonly reason?: string } | { readonly impossible: string };

/**
 * "Would the server change it?" for one column, as a predicate of DuckDB. Both products round, cut and clamp some values without
 * an error; those rows are rejected before anything is sent.
 */
export function fitOf(column: Column, target: TargetColumn, written: WrittenValue = { sql: quoteIdentifier(column.name), type: column.type }): Fit {
  const value = written.sql;
  const fit = fitFamily(value, written.type, target.family);
  if ('impossible' in fit) return { impossible: `${column.name} is ${column.type}, but the table's column is ${target.sqlType}` };
  const nulls = target.nullable ? undefined : `${value} IS NULL`;
  const parts = [nulls, fit.changes === undefined ? undefined : `(${value} IS NOT NULL AND coalesce(${fit.changes}, false))`].filter(
    (part) => part !== undefined,
  );
  if (parts.length === 0) return {};
  const reason =
    fit.changes === undefined
      ? 'NULL in a column that is NOT NULL'
      : `does not fit ${target.sqlType}${nulls === undefined ? '' : ' NOT NULL'} unchanged`;
  return { changes: parts.join(' OR '), reason };
}

/** The refusals of all columns. */
export function refusalsOf(columns: readonly { readonly column: Column; readonly fit: Fit }[]): readonly RowRefusal[] {
  return columns.flatMap(({ column, fit }) =>
    'impossible' in fit || fit.changes === undefined
      ? []
      : [{ sql: fit.changes, column: column.name, reason: fit.reason ?? 'does not fit the target' }],
  );
}

const IMPOSSIBLE: Fit = { impossible: '' };
const ALWAYS: Fit = {};

function fitFamily(v: string, type: ColumnType, family: TargetFamily): Fit {
  switch (family.kind) {
    case 'boolean':
      return type === 'boolean' ? ALWAYS : IMPOSSIBLE;
    case 'integer':
      return fitInteger(v, type, family);
    case 'decimal':
      return fitDecimal(v, type, family);
    case 'float':
      return fitFloat(v, type, family);
    case 'text':
      return fitText(v, type, family);
    case 'bytes':
      if (type !== 'binary') return IMPOSSIBLE;
      if (family.length === undefined) return ALWAYS;
      return { changes: `octet_length(${v}) ${family.fixed ? '<>' : '>'} ${family.length}` };
    case 'date':
      return fitDate(v, type, family);
    case 'timestamp':
      return fitTimestamp(v, type, family);
    case 'json':
      return fitJson(v, type, family);
    case 'choice':
      return fitChoice(v, type, family);
    case 'year':
      return type === 'long' ? { changes: `${v} NOT BETWEEN 1901 AND 2155` } : IMPOSSIBLE;
    case 'bits':
      if (type === 'boolean') return ALWAYS;
      return type === 'long' || (decimalOf(type)?.scale ?? 1) === 0
        ? { changes: `${v} < 0 OR ${v}::HUGEINT >= ${2n ** BigInt(family.length)}` }
        : IMPOSSIBLE;
    case 'time':
      return fitTime(v, type, family);
    case 'array': {
      const changes = type === 'json' ? fitArray(v, family) : undefined;
      return type === 'string' ? ALWAYS : changes === undefined ? IMPOSSIBLE : { changes };
    }
    case 'checked':
      return type === 'binary' ? IMPOSSIBLE : ALWAYS;
  }
}

function fitInteger(v: string, type: ColumnType, { min, max }: { readonly min: string; readonly max: string }): Fit {
  if (type === 'boolean') return ALWAYS;
  if (type === 'long') return min === '-9223372036854775808' && max.length >= 19 ? ALWAYS : { changes: `${v} NOT BETWEEN ${min} AND ${max}` };
  const decimal = decimalOf(type);
  if (decimal) return { changes: `${decimal.scale === 0 ? '' : `${v} <> trunc(${v}) OR `}trunc(${v})::HUGEINT NOT BETWEEN ${min} AND ${max}` };
  if (type === 'double')
    return { changes: `NOT isfinite(${v}) OR ${v} <> trunc(${v}) OR coalesce(try_cast(${v} AS HUGEINT) NOT BETWEEN ${min} AND ${max}, true)` };
  return IMPOSSIBLE;
}

function fitDecimal(v: string, type: ColumnType, { precision, scale = 0 }: { readonly precision?: number; readonly scale?: number }): Fit {
  const decimal = type === 'long' ? { precision: 19, scale: 0 } : decimalOf(type);
  if (type === 'double') {
    if (precision === undefined) return { changes: `NOT isfinite(${v})` };
    const shown = Math.min(38, precision);
    return { changes: `coalesce(try_cast(${v} AS DECIMAL(${shown}, ${Math.max(0, Math.min(scale, shown))}))::DOUBLE <> ${v}, true)` };
  }
  if (!decimal) return IMPOSSIBLE;
  if (precision === undefined) return ALWAYS;
  const parts: string[] = [];
  const whole = precision - scale;
  if (decimal.precision - decimal.scale > whole) parts.push(`abs(${wide(v, type)}) >= ${powerOfTen(whole)}`);
  if (scale < 0) parts.push(`${wide(v, type)} % ${powerOfTen(-scale)} <> 0`);
  // A cast would round, which is what must not go unseen. Of two types the rest would be computed in doubles.
  else if (decimal.scale > scale)
    parts.push(
      scale === 0 && decimal.precision === decimal.scale
        ? `${v} <> 0`
        : `${v} % ${powerOfTen(-scale)}::DECIMAL(${decimal.precision}, ${decimal.scale}) <> 0`,
    );
  return parts.length === 0 ? ALWAYS : { changes: parts.join(' OR ') };
}

function powerOfTen(exponent: number): string {
  return exponent >= 0 ? `1${'0'.repeat(exponent)}` : `0.${'0'.repeat(-exponent - 1)}1`;
}

/** abs() of the smallest BIGINT has no BIGINT. */
function wide(v: string, type: ColumnType): string {
  return type === 'long' ? `${v}::HUGEINT` : v;
}

function fitFloat(v: string, type: ColumnType, { bits, finite, shortest }: Extract<TargetFamily, { kind: 'float' }>): Fit {
  const whole = bits === 32 ? 'FLOAT' : 'DOUBLE';
  if (type === 'long' || decimalOf(type))
    return {
      changes: `coalesce(try_cast(${v}::${whole} AS ${type === 'long' ? 'HUGEINT' : `DECIMAL(38, ${decimalOf(type)?.scale ?? 0})`}) <> ${v}, true)`,
    };
  if (type !== 'double') return IMPOSSIBLE;
  const single = `try_cast(${v} AS FLOAT)`;
  const changed = `${single}::DOUBLE <> ${v}${shortest === true ? ` AND ${single}::VARCHAR::DOUBLE <> ${v}` : ''}`;
  const parts = [...(finite ? [`NOT isfinite(${v})`] : []), ...(bits === 32 ? [`(isfinite(${v}) AND coalesce(${changed}, true))`] : [])];
  return parts.length === 0 ? ALWAYS : { changes: parts.join(' OR ') };
}

function fitText(v: string, type: ColumnType, family: Extract<TargetFamily, { kind: 'text' }>): Fit {
  if (type === 'binary') return IMPOSSIBLE;
  const text = type === 'string' || type === 'json' ? v : `${v}::VARCHAR`;
  const parts: string[] = [];
  if (family.characters !== undefined) parts.push(`length(${text}) > ${family.characters}`);
  if (family.bytes !== undefined)
    parts.push(`${family.charset === 'utf8' || family.charset === 'utf8mb3' ? 'strlen' : 'length'}(${text}) > ${family.bytes}`);
  if (type === 'string' || type === 'json') {
    if (family.padded) parts.push(`ends_with(${text}, ' ')`);
    if (family.noNul) parts.push(`contains(${text}, chr(0))`);
    if (family.charset === 'utf8mb3') parts.push(String.raw`regexp_matches(${text}, '[\x{10000}-\x{10FFFF}]')`);
    if (family.charset === 'latin1') parts.push(String.raw`regexp_matches(${text}, '[^\x{0}-\x{7f}\x{a0}-\x{ff}]')`);
    if (family.charset === 'ascii') parts.push(String.raw`regexp_matches(${text}, '[^\x{0}-\x{7f}]')`);
  }
  return parts.length === 0 ? ALWAYS : { changes: parts.join(' OR ') };
}

function fitDate(v: string, type: ColumnType, { min, max, finite }: { readonly min: string; readonly max: string; readonly finite: boolean }): Fit {
  const bounds = outside(v, 'DATE', min, max, finite);
  if (type === 'date') return { changes: bounds };
  if (type === 'datetime') return { changes: `date_trunc('day', ${v}) <> ${v} OR ${outside(`${v}::DATE`, 'DATE', min, max, finite)}` };
  return IMPOSSIBLE;
}

function fitTimestamp(v: string, type: ColumnType, family: Extract<TargetFamily, { kind: 'timestamp' }>): Fit {
  if (type !== 'timestamp' && type !== 'datetime' && type !== 'date') return IMPOSSIBLE;
  // Instants are compared as they are: to turn them into times of UTC would cost more than the rest of the check.
  const zone = type === 'timestamp' ? '+00' : '';
  const plain = type === 'timestamp' ? v : `${v}::TIMESTAMP`;
  const parts = [outside(plain, type === 'timestamp' ? 'TIMESTAMPTZ' : 'TIMESTAMP', family.min + zone, family.max + zone, family.finite)];
  if (type !== 'date' && family.fraction < 6) parts.push(`(isfinite(${plain}) AND epoch_us(${plain}) % ${10 ** (6 - family.fraction)} <> 0)`);
  return { changes: parts.join(' OR ') };
}

function outside(v: string, type: 'DATE' | 'TIMESTAMP' | 'TIMESTAMPTZ', min: string, max: string, finite: boolean): string {
  const bounds = `${v} NOT BETWEEN ${type} ${quoteLiteral(min)} AND ${type} ${quoteLiteral(max)}`;
  return finite ? `NOT isfinite(${v}) OR ${bounds}` : `(isfinite(${v}) AND ${bounds})`;
}

function fitJson(v: string, type: ColumnType, family: Extract<TargetFamily, { kind: 'json' }>): Fit {
  if (type !== 'json' && type !== 'string') return IMPOSSIBLE;
  const parts = type === 'string' ? [`NOT json_valid(${v})`] : [];
  if (family.noNul) parts.push(`contains(${v}, '\\u0000')`);
  // What is no JSON is refused above, or by the server; the functions below would fail on it.
  if (family.strictKeys) parts.push(`CASE WHEN json_valid(${v}) THEN ${hasDoubleKeys(v)} ELSE false END`);
  if (family.doubles) parts.push(losesDigits(v));
  return parts.length === 0 ? ALWAYS : { changes: parts.join(' OR ') };
}

/** Two equal keys in one object, at any depth. Only texts with more than one colon and an object can have them. */
function hasDoubleKeys(v: string): string {
  const objects = `list_concat([${v}::JSON], json_extract(${v}, '$..*'))`;
  return `regexp_matches(${v}, '(?s)\\{[^:]*:.*:') AND len(list_filter(${objects}, lambda o: json_type(o) = 'OBJECT' AND len(list_distinct(json_keys(o))) <> len(json_keys(o)))) > 0`;
}

/** A number that is not the shortest text of its double, or an integer beyond 64 bits. Strings are left out of sight. */
function losesDigits(v: string): string {
  const bare = `regexp_replace(${v}, '"(\\\\.|[^"\\\\])*"', '', 'g')`;
  const numbers = `regexp_extract_all(${bare}, '-?\\d+(\\.\\d+)?([eE][+-]?\\d+)?')`;
  const digits = (text: string): string => `trim(regexp_replace(replace(replace(${text}, '-', ''), '.', ''), '[eE].*$', ''), '0')`;
  const integer = `try_cast(n AS HUGEINT) BETWEEN -9223372036854775808 AND 18446744073709551615`;
  const double = `(isfinite(try_cast(n AS DOUBLE)) AND ${digits('n')} = ${digits('try_cast(n AS DOUBLE)::VARCHAR')})`;
  const changed = `lambda n: NOT coalesce(CASE WHEN regexp_matches(n, '[.eE]') THEN ${double} ELSE ${integer} END, false)`;
  return `(regexp_matches(${v}, '\\d[\\d.]{15}|\\d[eE]') AND len(list_filter(${numbers}, ${changed})) > 0)`;
}

function fitChoice(v: string, type: ColumnType, { values, many }: { readonly values: readonly string[]; readonly many: boolean }): Fit {
  if (type !== 'string') return IMPOSSIBLE;
  const list = `[${values.map(quoteLiteral).join(', ')}]`;
  if (!many) return { changes: `NOT list_contains(${list}, ${v})` };
  // Members come back once each, in the order of the type.
  return {
    changes: `${v} <> array_to_string(list_filter(${list}, lambda sluice_member: list_contains(string_split(${v}, ','), sluice_member)), ',')`,
  };
}

function fitTime(v: string, type: ColumnType, { fraction, hours, negative }: Extract<TargetFamily, { kind: 'time' }>): Fit {
  if (type !== 'string') return IMPOSSIBLE;
  const pattern = `${negative ? '-?' : ''}\\d{1,3}:[0-5]\\d:[0-5]\\d${fraction === 0 ? '' : `(\\.\\d{1,${fraction}})?`}`;
  // The end of a day is a time of day.
  const end = hours === 24 ? `${v} <> '24:00:00' AND ` : '';
  return {
    changes: `${end}(NOT regexp_full_match(${v}, '${pattern}') OR abs(coalesce(try_cast(string_split(${v}, ':')[1] AS INTEGER), ${hours})) >= ${hours})`,
  };
}
