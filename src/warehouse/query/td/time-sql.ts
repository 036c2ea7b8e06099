import { quoteLiteral } from '../../../core/spi/index.js';
import { fragment, type Fragment } from './fragment.js';
import { MONDAY_SHIFT, TIME_RE2, UNIT_SECONDS, unitName, type Unit } from './times.js';
import { ABBREVIATIONS, repeatedSeconds, STEADY_FROM, steadyZone, type Zone } from './zones.js';

/*
 * SQL for what is not known before planning. A column's type is not known to us, but to DuckDB: `typeof` is folded when it
 * binds, so that of each CASE only the branch of that type is left. All branches must bind for all types: constants are
 * therefore string literals, which take the type they are compared with, and casts that no type has fail only when run.
 */

const WHOLE_TYPES = "('TINYINT', 'SMALLINT', 'INTEGER', 'BIGINT', 'HUGEINT', 'UTINYINT', 'USMALLINT', 'UINTEGER', 'UBIGINT', 'UHUGEINT', '\"NULL\"')";
const FRACTION_TYPES = "('DOUBLE', 'FLOAT')";

/** An expression whose type may be any, or is known to be BIGINT. */
export interface TimeValue {
  readonly sql: Fragment;
  readonly isLong: boolean;
}

function wrongType(name: string, value: Fragment, expected: string): Fragment {
  return fragment`error(${quoteLiteral(`${name}: expected ${expected}, found `)} || typeof(${value}))`;
}

/** Unix seconds (BIGINT) of seconds, timestamps and dates. */
export function secondsSql(value: TimeValue, name: string): Fragment {
  const { sql } = value;
  if (value.isLong) return fragment`(${sql})`;
  return fragment`(CASE WHEN typeof(${sql}) LIKE 'TIMESTAMP%' OR typeof(${sql}) = 'DATE' THEN CAST(floor(epoch(CAST(${sql} AS TIMESTAMPTZ))) AS BIGINT) WHEN typeof(${sql}) IN ${FRACTION_TYPES} OR typeof(${sql}) LIKE 'DECIMAL%' THEN CAST(floor(CAST(${sql} AS DOUBLE)) AS BIGINT) WHEN typeof(${sql}) IN ${WHOLE_TYPES} THEN CAST(${sql} AS BIGINT) ELSE ${wrongType(name, sql, 'unix seconds or a timestamp')} END)`;
}

/** Unix seconds of what {@link secondsSql} takes, and of text in the zone. */
export function secondsOrTextSql(value: TimeValue, zone: Zone, name: string): Fragment {
  if (value.isLong) return secondsSql(value, name);
  return fragment`(CASE WHEN typeof(${value.sql}) = 'VARCHAR' THEN ${parseSql(value.sql, zone)} ELSE ${secondsSql(value, name)} END)`;
}

/** `lower <= value < upper` in a form that reaches the scan whatever the column's type. */
export function withinSql(value: TimeValue, lower: number | undefined, upper: number | undefined, name: string): Fragment {
  const { sql } = value;
  if (lower === undefined && upper === undefined) return fragment`(${sql} IS NOT NULL)`;
  const between = (literal: (unix: number) => string): Fragment => {
    const from = lower === undefined ? undefined : fragment`(${sql}) >= ${literal(lower)}`;
    const to = upper === undefined ? undefined : fragment`(${sql}) < ${literal(upper)}`;
    return from && to ? fragment`${from} AND ${to}` : ((from ?? to) as Fragment);
  };
  if (value.isLong) return fragment`(${between(String)})`;
  const zoned = between((unix) => `'${timestampText(unix)}+00'`);
  const plain = between((unix) => `'${timestampText(unix)}'`);
  // A date is its midnight: it lies on or after a bound from the first midnight that does.
  const dates = between((unix) => `'${timestampText(Math.ceil(unix / 86_400) * 86_400).replace(/ .*/, '')}'`);
  const numbers = between((unix) => `'${unix}'`);
  return fragment`(CASE WHEN typeof(${sql}) = 'TIMESTAMP WITH TIME ZONE' THEN ${zoned} WHEN typeof(${sql}) LIKE 'TIMESTAMP%' THEN ${plain} WHEN typeof(${sql}) = 'DATE' THEN ${dates} WHEN typeof(${sql}) IN ${WHOLE_TYPES} OR typeof(${sql}) IN ${FRACTION_TYPES} OR typeof(${sql}) LIKE 'DECIMAL%' THEN ${numbers} ELSE ${wrongType(name, sql, 'unix seconds or a timestamp')} END)`;
}

/** The same with bounds that only DuckDB knows; NULL leaves an end open. */
export function withinValuesSql(value: TimeValue, lower: Fragment | undefined, upper: Fragment | undefined, name: string): Fragment {
  const seconds = secondsSql(value, name);
  const conditions = [
    lower && fragment`(${lower} IS NULL OR ${seconds} >= ${lower})`,
    upper && fragment`(${upper} IS NULL OR ${seconds} < ${upper})`,
  ];
  const present = conditions.filter((c) => c !== undefined);
  return fragment`(${present.reduce((all, c) => fragment`${all} AND ${c}`, fragment`${seconds} IS NOT NULL`)})`;
}

/** DuckDB's text of an instant; what no timestamp can hold is beyond all of them. */
function timestampText(unix: number): string {
  const at = new Date(unix * 1000);
  if (Number.isNaN(at.getTime()) || at.getUTCFullYear() < 1) return `${unix < 0 ? '-' : ''}infinity`;
  const year = String(at.getUTCFullYear()).padStart(4, '0');
  return `${year}-${at
    .toISOString()
    .replace(/^[+-]?\d+-/, '')
    .replace('T', ' ')
    .slice(0, 14)}`;
}

/** Expressions up to this length are repeated rather than given a name, which costs a tenth more when run. */
const SHORT = 40;

/**
 * An expression that others use several times, worked out once: without it calls within calls would grow as their
 * product. The name is the same for the same text, so that GROUP BY finds what SELECT says.
 */
export function bindOnce(name: string, value: Fragment, use: (value: Fragment) => Fragment): Fragment {
  if (value.length <= SHORT) return use(value);
  return fragment`(list_transform([${value}], lambda ${name}: ${use(fragment`${name}`)})[1])`;
}

/** Beyond this a lambda costs less than the same expression several times over. */
const LONG = 2000;

/**
 * SQL over instants in a zone: plain arithmetic for fixed zones and, from 1972 on, for those whose offset never changed;
 * else, with the zone's rules, over an expression that is worked out once.
 */
export function zonedSql(unix: Fragment, zone: Zone, use: (unix: Fragment, zone: Zone) => Fragment): Fragment {
  if (zone.fixed !== undefined) return use(unix, zone);
  const fast = steadyZone(zone);
  const exact = (value: Fragment): Fragment => bindOnce('td_unix', value, (bound) => use(bound, zone));
  if (!fast) return exact(unix);
  const either = (value: Fragment): Fragment => fragment`(CASE WHEN ${value} >= ${STEADY_FROM} THEN ${use(value, fast)} ELSE ${exact(value)} END)`;
  return unix.length > LONG ? bindOnce('td_once', unix, either) : either(unix);
}

/** Wall-clock TIMESTAMP of unix seconds. */
export function localSql(seconds: Fragment, zone: Zone): Fragment {
  if (zone.fixed !== undefined) return fragment`make_timestamp(${plus(seconds, zone.fixed)} * 1000000)`;
  return fragment`timezone(${quoteLiteral(zone.name)}, to_timestamp(${seconds}))`;
}

/** Seconds east of UTC at an instant. */
export function offsetSql(seconds: Fragment, zone: Zone): Fragment {
  return zone.fixed === undefined ? fragment`(${localSecondsSql(seconds, zone)} - ${seconds})` : fragment`${zone.fixed}`;
}

function localSecondsSql(seconds: Fragment, zone: Zone): Fragment {
  return zone.fixed === undefined ? epochSql(localSql(seconds, zone)) : plus(seconds, zone.fixed);
}

function epochSql(timestamp: Fragment): Fragment {
  return fragment`CAST(epoch(${timestamp}) AS BIGINT)`;
}

function plus(value: Fragment, amount: number): Fragment {
  return amount === 0 ? value : fragment`(${value} ${amount < 0 ? '-' : '+'} ${Math.abs(amount)})`;
}

/** Unix seconds of a wall-clock TIMESTAMP. Of the hour that autumn repeats DuckDB takes the second, we the first. */
function unixSql(timestamp: Fragment, zone: Zone): Fragment {
  if (zone.fixed !== undefined) return plus(epochSql(timestamp), -zone.fixed);
  const fast = steadyZone(zone);
  if (fast)
    return fragment`(CASE WHEN ${timestamp} >= TIMESTAMP '1972-01-01' THEN ${unixSql(timestamp, fast)} ELSE ${ruledUnixSql(timestamp, zone)} END)`;
  return ruledUnixSql(timestamp, zone);
}

function ruledUnixSql(timestamp: Fragment, zone: Zone): Fragment {
  const name = quoteLiteral(zone.name);
  return bindOnce('td_local', timestamp, (local) =>
    bindOnce('td_later', epochSql(fragment`timezone(${name}, ${local})`), (later) => {
      const earlier = plus(later, -repeatedSeconds(zone));
      return fragment`(CASE WHEN timezone(${name}, to_timestamp(${earlier})) = ${local} THEN ${earlier} ELSE ${later} END)`;
    }),
  );
}

function remainder(value: Fragment, by: number): Fragment {
  return fragment`((${value} % ${by} + ${by}) % ${by})`;
}

/** Unix seconds at which the unit starts. */
export function truncateSql(unix: Fragment, unit: Unit, zone: Zone): Fragment {
  return zonedSql(unix, zone, (seconds, used) => truncateBound(seconds, unit, used));
}

function truncateBound(seconds: Fragment, unit: Unit, zone: Zone): Fragment {
  const size = UNIT_SECONDS[unit];
  if (size === 1) return seconds;
  // By the offset in force up to an hour: by wall clock the repeated hour of autumn would fall into the first one.
  if (size !== undefined && (zone.fixed !== undefined || size <= 3600))
    return fragment`(${seconds} - ${remainder(plus(localSecondsSql(seconds, zone), unit === 'w' ? MONDAY_SHIFT : 0), size)})`;
  return unixSql(fragment`date_trunc('${unitName(unit)}', ${localSql(seconds, zone)})`, zone);
}

/** Unix seconds of time text. Text that is none fails as a conversion. */
export function parseSql(text: Fragment, zone: Zone): Fragment {
  const pattern = quoteLiteral(TIME_RE2);
  return bindOnce('td_text', fragment`CAST(${text} AS VARCHAR)`, (plain) => {
    const time = fragment`CAST(CASE WHEN regexp_matches(${plain}, ${pattern}) THEN regexp_extract(${plain}, ${pattern}, 1) ELSE ${plain} END AS TIMESTAMP)`;
    const own = fragment`regexp_replace(regexp_extract(${plain}, ${pattern}, 2), '^(UTC|GMT)([+-])', '\\2')`;
    return bindOnce('td_zone', own, (zoneText) => bindOnce('td_time', time, (timestamp) => withZoneSql(timestamp, zoneText, zone)));
  });
}

/** Unix seconds of a wall-clock time with the text of its own zone, which may be empty. */
function withZoneSql(time: Fragment, own: Fragment, zone: Zone): Fragment {
  const cases = [...ABBREVIATIONS].map(([name, offset]) => `WHEN '${name}' THEN ${offset}`).join(' ');
  const colon = fragment`regexp_replace(regexp_replace(${own}, '^([+-])(\\d)$', '\\10\\2'), '^([+-]\\d\\d):?(\\d\\d)$', '\\1:\\2')`;
  return fragment`(CASE WHEN ${own} IS NULL THEN NULL WHEN ${own} = '' THEN ${unixSql(time, zone)} WHEN ${own} LIKE '+%' OR ${own} LIKE '-%' THEN ${epochSql(fragment`CAST(strftime(${time}, '%Y-%m-%d %H:%M:%S') || ${colon} AS TIMESTAMPTZ)`)} ELSE COALESCE(${epochSql(time)} - CASE upper(${own}) ${cases} END, ${epochSql(fragment`timezone(${own}, ${time})`)}) END)`;
}

/** Seconds of duration text; other text fails as a conversion. */
export function durationSql(text: Fragment): Fragment {
  return bindOnce('td_duration', fragment`CAST(${text} AS VARCHAR)`, durationBound);
}

function durationBound(plain: Fragment): Fragment {
  const part = (unit: string, seconds: number): Fragment =>
    fragment`COALESCE(TRY_CAST(regexp_extract(${plain}, ${`'(\\d+)${unit}'`}, 1) AS BIGINT), 0) * ${seconds}`;
  const sum = fragment`${part('w', 604_800)} + ${part('d', 86_400)} + ${part('h', 3600)} + ${part('m', 60)} + ${part('s', 1)}`;
  return fragment`(CASE WHEN ${plain} IS NULL THEN NULL WHEN regexp_full_match(${plain}, '\\s*[+-]?(\\d+[wdhms])+\\s*') THEN CASE WHEN ltrim(${plain}) LIKE '-%' THEN -(${sum}) ELSE ${sum} END ELSE CAST(${plain} AS BIGINT) END)`;
}
