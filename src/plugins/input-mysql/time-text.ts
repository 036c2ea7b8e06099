import type { ConfigPlace } from '../../core/spi/index.js';
import { configProblem } from '../shared/config-problem.js';
import { mysqlDialect } from '../shared/mysql/dialect.js';
import type { ResultColumn } from '../shared/mysql/result-columns.js';
import type { ColumnOption } from '../shared/sql/column-options.js';

/** What DATE_FORMAT calls the directives of strftime. */
const DATE_FORMAT: Readonly<Record<string, string>> = {
  Y: '%Y',
  y: '%y',
  m: '%m',
  B: '%M',
  b: '%b',
  d: '%d',
  e: '%e',
  j: '%j',
  H: '%H',
  I: '%h',
  p: '%p',
  M: '%i',
  S: '%S',
  N: '%f000',
  '6N': '%f',
  '9N': '%f000',
  A: '%W',
  a: '%a',
  F: '%Y-%m-%d',
  T: '%H:%i:%S',
  D: '%m/%d/%y',
  R: '%H:%i',
};

/**
 * The expression that gives a time as text in a format of strftime and in a zone, as Embulk's `timestamp_format` means it.
 * Hours are added rather than converted: CONVERT_TZ leaves dates before 1970 as they are, and needs tables for names of zones.
 */
export function timeTextSql(column: ResultColumn, option: ColumnOption, defaultZone: string, place: ConfigPlace, path: string): string {
  const ref = mysqlDialect.quoteIdentifier(column.name);
  if (column.encoding !== 'date') {
    throw configProblem(place, `${path}.timestamp_format`, {
      code: 'SQL_TIME_FORMAT',
      message: `${column.name} (${column.sourceType}) is no date and no time`,
      hint: 'remove timestamp_format',
    });
  }
  const from = column.sourceType === 'timestamp' ? 0 : minutesOf(defaultZone, place, 'default_timezone');
  const minutes = column.sourceType === 'date' ? 0 : minutesOf(option.timezone ?? defaultZone, place, `${path}.timezone`) - from;
  // Zero dates are beyond arithmetic: they keep their text.
  const local = minutes === 0 ? ref : `IF(MONTH(${ref}) = 0 OR DAY(${ref}) = 0, ${ref}, ${ref} + INTERVAL ${minutes} MINUTE)`;
  const format = mysqlDialect.quoteLiteral(dateFormat(option.timestamp_format ?? '', place, path));
  return `COALESCE(DATE_FORMAT(${local}, ${format}), CAST(${ref} AS CHAR))`;
}

function minutesOf(zone: string, place: ConfigPlace, path: string): number {
  if (/^(utc|gmt|z)$/i.test(zone)) return 0;
  const [, sign, hours, minutes] = /^([+-])(\d{2}):?(\d{2})$/.exec(zone) ?? [];
  if (sign !== undefined) return (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
  throw configProblem(place, path, {
    code: 'SQL_TIME_ZONE',
    message: `expected UTC or an offset such as +09:00 beside timestamp_format, found ${JSON.stringify(zone)}`,
    hint: 'leave timestamp_format away to read the time as a timestamp, and format it where it is written',
  });
}

function dateFormat(format: string, place: ConfigPlace, path: string): string {
  return format.replaceAll(/%(-?\d?[A-Za-z%])|%/g, (text, directive: string | undefined) => {
    if (directive === '%') return '%%';
    const known = directive === undefined ? undefined : DATE_FORMAT[directive];
    if (known !== undefined) return known;
    throw configProblem(place, `${path}.timestamp_format`, {
      code: 'SQL_TIME_FORMAT',
      message: `expected a directive that MySQL can write, found ${text}`,
      hint: `known are ${Object.keys(DATE_FORMAT)
        .map((name) => `%${name}`)
        .join(' ')}; or write DATE_FORMAT(…) in select`,
    });
  });
}
