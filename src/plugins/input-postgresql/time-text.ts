import { quoteIdentifier, type ConfigPlace } from '../../core/spi/index.js';
import { configProblem } from '../shared/config-problem.js';
import { postgresqlDialect } from '../shared/postgresql/dialect.js';
import type { PgColumn } from './types.js';

/** What `to_char` calls the directives of strftime. */
const TO_CHAR: Readonly<Record<string, string>> = {
  Y: 'YYYY',
  C: 'CC',
  y: 'YY',
  m: 'MM',
  B: 'FMMonth',
  b: 'Mon',
  d: 'DD',
  e: 'FMDD',
  j: 'DDD',
  H: 'HH24',
  I: 'HH12',
  p: 'AM',
  M: 'MI',
  S: 'SS',
  L: 'MS',
  N: 'US"000"',
  '3N': 'MS',
  '6N': 'US',
  '9N': 'US"000"',
  A: 'FMDay',
  a: 'Dy',
  F: 'YYYY-MM-DD',
  T: 'HH24:MI:SS',
  D: 'MM/DD/YY',
  R: 'HH24:MI',
};

export interface TimeTextOption {
  readonly timestamp_format?: string;
  readonly timezone?: string;
}

/** The expression that gives a time as text in a format of strftime and in a zone, as Embulk's `timestamp_format` means it. */
export function timeTextSql(column: PgColumn, option: TimeTextOption, defaultZone: string, place: ConfigPlace, path: string): string {
  const ref = quoteIdentifier(column.name);
  const zone = zoneSql(option.timezone ?? defaultZone);
  if (!['date', 'timestamp', 'timestamptz'].includes(column.typeName)) {
    throw configProblem(place, `${path}.timestamp_format`, {
      code: 'SQL_TIME_FORMAT',
      message: `${column.name} (${column.spelling}) is no date and no timestamp`,
      hint: 'remove timestamp_format',
    });
  }
  const instant = column.typeName === 'timestamp' ? `(${ref} AT TIME ZONE ${zoneSql(defaultZone)})` : ref;
  const local = column.typeName === 'date' ? ref : `${instant} AT TIME ZONE ${zone}`;
  return `to_char(${local}, ${postgresqlDialect.quoteLiteral(toCharFormat(option.timestamp_format ?? '', place, path))})`;
}

/** An offset needs an interval: PostgreSQL reads the sign of `+09:00` the POSIX way, west of Greenwich. */
function zoneSql(zone: string): string {
  const [, sign, hours, minutes] = /^([+-])(\d{2}):?(\d{2})$/.exec(zone) ?? [];
  return sign === undefined ? postgresqlDialect.quoteLiteral(zone) : `INTERVAL '${sign}${hours}:${minutes}'`;
}

function toCharFormat(format: string, place: ConfigPlace, path: string): string {
  return format.replaceAll(/%(-?\d?[A-Za-z%])|([^%]+)|%/g, (text, directive: string | undefined, literal: string | undefined) => {
    if (directive === '%') return '"%"';
    if (literal !== undefined) return `"${literal.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
    const known = directive === undefined ? undefined : TO_CHAR[directive];
    if (known !== undefined) return known;
    throw configProblem(place, `${path}.timestamp_format`, {
      code: 'SQL_TIME_FORMAT',
      message: `expected a directive that PostgreSQL can write, found ${text}`,
      hint: `known are ${Object.keys(TO_CHAR)
        .map((name) => `%${name}`)
        .join(' ')}; or write to_char(…) in select`,
    });
  });
}
