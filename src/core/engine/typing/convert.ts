import { decimalOf, type ColumnType, type TextFormat } from '../../spi/index.js';
import { earlyTimeCast, timeSql, type TimeType } from './instants.js';
import { binarySql, booleanSql, decimalSql, doubleSql, jsonSql, longSql } from './scalars.js';
import { readTimePattern, TIME_PARTS } from './time-pattern.js';
import { readZone } from './zones.js';

/** A column whose text is to be converted. */
export interface TextColumn {
  readonly type: ColumnType;
  readonly text?: TextFormat;
}

export function isTimeType(type: ColumnType): type is TimeType {
  return type === 'timestamp' || type === 'datetime' || type === 'date';
}

/**
 * SQL of the DuckDB type of `column.type` for the VARCHAR expression `ref` (evaluated several times: pass a column, not a
 * computation). NULL where the text does not convert; see docs/reference/types.md for what does. `early` names the value of {@link earlyCast}.
 */
export function conversionSql(ref: string, column: TextColumn, early?: string): string {
  const { type, text } = column;
  if (isTimeType(type)) return timeSql(ref, type, text, early);
  switch (type) {
    case 'string':
      return ref;
    case 'boolean':
      return booleanSql(ref);
    case 'long':
      return longSql(ref);
    case 'double':
      return doubleSql(ref);
    case 'json':
      return jsonSql(ref);
    case 'binary':
      return binarySql(ref, text?.format === 'hex' ? 'hex' : 'base64');
    default: {
      const decimal = decimalOf(type);
      return decimal === undefined ? ref : decimalSql(ref, decimal.precision, decimal.scale);
    }
  }
}

/** What a conversion computes twice, and cheaper once where its rows are read; undefined where there is nothing. */
export function earlyCast(ref: string, { type, text }: TextColumn): string | undefined {
  return isTimeType(type) ? earlyTimeCast(ref, type, text) : undefined;
}

/** Says at config time what is wrong with `format`, `timezone` or `date` of a column; undefined when nothing is. */
export function formatProblem(type: ColumnType, text: TextFormat): string | undefined {
  const { format, timezone, date } = text;
  if (type === 'binary') {
    if (timezone !== undefined || date !== undefined) return 'a binary column takes neither timezone nor date';
    return format === undefined || format === 'base64' || format === 'hex'
      ? undefined
      : `the format of a binary column is base64 or hex, not ${JSON.stringify(format)}`;
  }
  if (!isTimeType(type))
    return format === undefined && timezone === undefined && date === undefined ? undefined : `a ${type} column takes no format, timezone or date`;
  if (timezone !== undefined && type !== 'timestamp') return `timezone is only for timestamp columns; a ${type} has no zone`;
  if (timezone !== undefined && readZone(timezone) === undefined)
    return `${JSON.stringify(timezone)} is no known time zone; write UTC, an IANA name such as Asia/Tokyo, or an offset such as +09:00`;
  if (date !== undefined && !isIsoDate(date)) return `date must be a day such as 1970-01-31, not ${JSON.stringify(date)}`;
  return format === undefined ? undefined : patternProblem(type, format);
}

function patternProblem(type: TimeType, format: string): string | undefined {
  const pattern = readTimePattern(format);
  const name = `the format ${JSON.stringify(format)}`;
  if (typeof pattern === 'string') return `${name} ${pattern}`;
  if (pattern.parts.has('zone') && type !== 'timestamp') return `${name} has a zone, but a ${type} has none; use type timestamp`;
  if (type === 'date' && (pattern.epoch !== undefined || TIME_PARTS.some((p) => pattern.parts.has(p))))
    return `${name} has a time of day, but a date has none; use type datetime or timestamp`;
  return undefined;
}

function isIsoDate(text: string): boolean {
  const time = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  return !Number.isNaN(time) && text >= '0001-01-01' && new Date(time).toISOString().startsWith(text);
}

/** The reason that a reject of this column gets: what the text is not. */
export function describeFailure(column: TextColumn): string {
  const { type, text } = column;
  if (isTimeType(type)) {
    const form = text?.format === undefined ? 'in ISO 8601 form' : `of format ${text.format}`;
    const zone = text?.timezone === undefined ? undefined : readZone(text.timezone);
    const skipped = zone?.kind === 'named' && type === 'timestamp' ? `, or a local time that ${zone.name} skips` : '';
    return `not a ${type} ${form}${skipped}`;
  }
  switch (type) {
    case 'long':
      return 'not a long (a whole number of at most 64 bits)';
    case 'double':
      return 'not a double (a finite decimal number, NaN or Infinity)';
    case 'boolean':
      return 'not a boolean (true, false, yes, no, on, off, 1, 0)';
    case 'json':
      return 'not valid JSON';
    case 'binary':
      return `not ${text?.format ?? 'base64'}`;
    default: {
      const decimal = decimalOf(type);
      return decimal === undefined
        ? `not a ${type}`
        : `not a ${type} (at most ${decimal.precision - decimal.scale} digits before the point and ${decimal.scale} after it)`;
    }
  }
}
