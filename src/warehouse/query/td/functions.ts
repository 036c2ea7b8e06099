import { quoteLiteral } from '../../../core/spi/index.js';
import type { Constant } from './constants.js';
import { fragment, type Fragment } from './fragment.js';
import { parseInterval, type Window } from './interval.js';
import { formatSql, formatUnix, parsePattern, PATTERN_LETTERS, type PatternPart } from './pattern.js';
import {
  durationSql,
  localSql,
  offsetSql,
  parseSql,
  secondsOrTextSql,
  secondsSql,
  truncateSql,
  withinSql,
  withinValuesSql,
  zonedSql,
  type TimeValue,
} from './time-sql.js';
import { parseDuration, parseTimeText, UNIT_NAMES, type Unit } from './times.js';
import { truncateUnix } from './truncate.js';
import { findZone, UTC, type Zone } from './zones.js';

/** An argument of a call: its SQL, and its value where that is known before planning. */
export interface Argument {
  readonly sql: Fragment;
  readonly constant: { readonly value: Constant } | undefined;
  /** It is a TD call that gives seconds. */
  readonly isLong: boolean;
  /** Which TD function stands alone there. */
  readonly calls: string | undefined;
  /** Offset in the statement. */
  readonly at: number;
  /** As the user wrote it. */
  readonly text: string;
}

export interface Call {
  /** In capitals. */
  readonly name: string;
  readonly at: number;
  readonly args: readonly Argument[];
}

export interface CallTools {
  /** Unix seconds that TD_SCHEDULED_TIME() gives, and `now` of intervals. */
  readonly scheduled: number;
  fail(at: number, message: string, hint: string): never;
}

/** SQL in place of a call: a constant, or an expression. */
export type Answer = { readonly constant: Constant; readonly type: 'BIGINT' | 'VARCHAR' } | { readonly sql: Fragment; readonly isLong: boolean };

interface TdFunction {
  readonly usage: string;
  readonly arity: readonly [least: number, most: number];
  rewrite(call: Call, tools: CallTools): Answer;
}

export const TD_FUNCTIONS: ReadonlyMap<string, TdFunction> = new Map<string, TdFunction>([
  ['TD_TIME_RANGE', { usage: "TD_TIME_RANGE(time, start, end, 'zone')", arity: [2, 4], rewrite: timeRange }],
  ['TD_INTERVAL', { usage: "TD_INTERVAL(time, '-1d', 'zone')", arity: [2, 3], rewrite: interval }],
  ['TD_INTERVAL_RANGE', { usage: "TD_INTERVAL_RANGE('-1d', 'zone')", arity: [1, 2], rewrite: intervalRange }],
  ['TD_TIME_FORMAT', { usage: "TD_TIME_FORMAT(time, 'yyyy-MM-dd', 'zone')", arity: [2, 3], rewrite: timeFormat }],
  ['TD_TIME_STRING', { usage: "TD_TIME_STRING(time, 'd!', 'zone')", arity: [2, 3], rewrite: timeString }],
  ['TD_TIME_PARSE', { usage: "TD_TIME_PARSE('2026-01-31 12:00:00', 'zone')", arity: [1, 2], rewrite: timeParse }],
  ['TD_TIME_ADD', { usage: "TD_TIME_ADD(time, '-1d', 'zone')", arity: [2, 3], rewrite: timeAdd }],
  ['TD_DATE_TRUNC', { usage: "TD_DATE_TRUNC('day', time, 'zone')", arity: [2, 3], rewrite: dateTrunc }],
  ['TD_SCHEDULED_TIME', { usage: 'TD_SCHEDULED_TIME()', arity: [0, 0], rewrite: (_, tools) => ({ constant: tools.scheduled, type: 'BIGINT' }) }],
]);

const TIME_HINT =
  "write it as '2026-01-31' or '2026-01-31 12:00:00', with a zone behind it where it has its own ('2026-01-31 PDT'), or as unix seconds";
const ZONE_HINT = "e.g. 'Asia/Tokyo', 'JST', 'UTC' or '+09:00'";

function timeRange(call: Call, tools: CallTools): Answer {
  const [time, start, end] = call.args as [Argument, Argument, Argument | undefined];
  refuseConstantTime(call, time, tools);
  const third = call.args.length === 3 && typeof end?.constant?.value === 'string' ? end.constant.value : undefined;
  if (third !== undefined && parseTimeText(third, UTC) === undefined && findZone(third))
    tools.fail(
      end?.at ?? call.at,
      `TD_TIME_RANGE: the third argument is the end of the range, found the time zone ${quoteLiteral(third)}`,
      `give NULL as the end before it: TD_TIME_RANGE(${time.text}, ${start.text}, NULL, ${quoteLiteral(third)})`,
    );
  const zone = zoneOf(call, 3, tools);
  const bounds = [start, end].map((bound) => boundOf(call, bound, zone, tools));
  const [lower, upper] = bounds;
  if (bounds.some((bound) => typeof bound === 'object')) {
    const sqlOf = (bound: Fragment | number | undefined): Fragment | undefined => (typeof bound === 'number' ? fragment`${bound}` : bound);
    return expression(withinValuesSql(time, sqlOf(lower), sqlOf(upper), call.name));
  }
  return expression(withinSql(time, lower as number | undefined, upper as number | undefined, call.name));
}

/** Undefined: open. */
function boundOf(call: Call, bound: Argument | undefined, zone: Zone, tools: CallTools): Fragment | number | undefined {
  if (!bound) return undefined;
  if (!bound.constant) return secondsOrTextSql(bound, zone, call.name);
  const { value } = bound.constant;
  return value === null ? undefined : typeof value === 'number' ? value : readTime(call, bound, value, zone, tools);
}

function interval(call: Call, tools: CallTools): Answer {
  const [time] = call.args as [Argument];
  refuseConstantTime(call, time, tools);
  const [start, end] = windowOf(call, 1, tools);
  return expression(withinSql(time, start, end, call.name));
}

function intervalRange(call: Call, tools: CallTools): Answer {
  return expression(fragment`CAST([${windowOf(call, 0, tools).join(', ')}] AS BIGINT[])`);
}

function windowOf(call: Call, index: number, tools: CallTools): Window {
  const arg = call.args[index] as Argument;
  if (arg.calls === 'TD_SCHEDULED_TIME')
    tools.fail(
      arg.at,
      `${call.name} cannot take TD_SCHEDULED_TIME() as its interval`,
      "'now' of an interval is the scheduled time already: write '-1d' or '-1d/now'",
    );
  const text = constantText(call, arg, 'the interval', "e.g. '-1d' for yesterday, '-7d/now'", tools);
  const window = parseInterval(text, tools.scheduled, zoneOf(call, index + 1, tools));
  if (!window)
    tools.fail(
      arg.at,
      `${call.name}: cannot read the interval ${quoteLiteral(text)}`,
      "write a number and one of s m h d w M q y, with an offset behind / where it needs one: '-1d', '-1M/0d', '-7d/now', '-3d/2026-01-31'",
    );
  return window;
}

function timeFormat(call: Call, tools: CallTools): Answer {
  const [time, pattern] = call.args as [Argument, Argument];
  const text = constantText(call, pattern, 'the pattern', "e.g. 'yyyy-MM-dd HH:mm:ss'", tools);
  const parts = parsePattern(text);
  if ('problem' in parts)
    tools.fail(pattern.at, `${call.name}: ${parts.problem}`, `the pattern is Java's: ${PATTERN_LETTERS}; other letters stand in '' quotes`);
  const zone = zoneOf(call, 2, tools);
  const unix = secondsOf(call, time, tools);
  if (isSql(unix)) return expression(formatted(parts, unix, zone));
  return { constant: unix === null ? null : formatUnix(parts, unix, zone), type: 'VARCHAR' };
}

function formatted(parts: readonly PatternPart[], unix: Fragment, zone: Zone): Fragment {
  return zonedSql(unix, zone, (seconds, used) => fragment`(${formatSql(parts, used, localSql(seconds, used), offsetSql(seconds, used))})`);
}

const FULL_PATTERN = 'yyyy-MM-dd HH:mm:ssZ';
const SHORT_PATTERNS: Readonly<Record<Unit, string>> = {
  y: 'yyyy',
  q: 'yyyy-MM',
  M: 'yyyy-MM',
  w: 'yyyy-MM-dd',
  d: 'yyyy-MM-dd',
  h: 'yyyy-MM-dd HH',
  m: 'yyyy-MM-dd HH:mm',
  s: 'yyyy-MM-dd HH:mm:ss',
};

function timeString(call: Call, tools: CallTools): Answer {
  const [time, code] = call.args as [Argument, Argument];
  const text = constantText(call, code, 'the format code', "e.g. 'd!'", tools);
  if (!/^[yqMwdhms]!?$/.test(text))
    tools.fail(
      code.at,
      `${call.name}: expected one of the codes y q M w d h m s, with ! behind it for short text, found ${quoteLiteral(text)}`,
      "'d!' gives 2026-01-31; 'm' is the minute and 'M' the month; TD_TIME_FORMAT takes patterns such as 'yyyy-MM-dd'",
    );
  const unit = text.charAt(0) as Unit;
  const parts = parsePattern(text.endsWith('!') ? SHORT_PATTERNS[unit] : FULL_PATTERN) as readonly PatternPart[];
  const zone = zoneOf(call, 2, tools);
  const unix = secondsOf(call, time, tools);
  // The offset printed is that of the unit's start: in July the year began at -0500.
  if (isSql(unix)) return expression(formatted(parts, truncateSql(unix, unit, zone), zone));
  return { constant: unix === null ? null : formatUnix(parts, truncateUnix(unix, unit, zone), zone), type: 'VARCHAR' };
}

function timeParse(call: Call, tools: CallTools): Answer {
  const [text] = call.args as [Argument];
  const zone = zoneOf(call, 1, tools);
  if (!text.constant) return seconds(parseSql(text.sql, zone));
  const { value } = text.constant;
  if (typeof value === 'number') tools.fail(text.at, `${call.name}: expected text, found the number ${value}`, 'unix seconds need no parsing');
  return { constant: value === null ? null : readTime(call, text, value, zone, tools), type: 'BIGINT' };
}

function timeAdd(call: Call, tools: CallTools): Answer {
  const [time, duration] = call.args as [Argument, Argument];
  const zone = zoneOf(call, 2, tools);
  const added = durationOf(call, duration, tools);
  const { constant } = time;
  if (constant && !isSql(added)) {
    const unix = typeof constant.value === 'string' ? readTime(call, time, constant.value, zone, tools) : constant.value;
    return { constant: unix === null || added === null ? null : unix + added, type: 'BIGINT' };
  }
  const amount = isSql(added) ? added : fragment`CAST(${added ?? 'NULL'} AS BIGINT)`;
  const start =
    typeof constant?.value === 'string'
      ? fragment`CAST(${readTime(call, time, constant.value, zone, tools)} AS BIGINT)`
      : secondsOrTextSql(time, zone, call.name);
  return seconds(fragment`(${start} + ${amount})`);
}

function durationOf(call: Call, arg: Argument, tools: CallTools): Fragment | number | null {
  if (!arg.constant) return durationSql(arg.sql);
  const { value } = arg.constant;
  if (value === null) return null;
  const parsed = typeof value === 'string' ? parseDuration(value) : undefined;
  if (parsed === undefined)
    tools.fail(
      arg.at,
      `${call.name}: cannot read the duration ${typeof value === 'string' ? quoteLiteral(value) : value}`,
      /\d(M|q|y)/.test(String(value))
        ? "months, quarters and years have no fixed length: give weeks (w), days (d), hours (h), minutes (m) or seconds (s), or TD_DATE_TRUNC('month', …)"
        : "write it as '1d', '-2h' or '1d12h', with the units w d h m s",
    );
  return parsed;
}

function dateTrunc(call: Call, tools: CallTools): Answer {
  const [unitArg, time] = call.args as [Argument, Argument];
  const hint = `the unit comes first: TD_DATE_TRUNC('day', time, 'zone'), with one of ${[...UNIT_NAMES.keys()].join(' ')}`;
  const name = constantText(call, unitArg, 'the unit', hint, tools);
  const unit = UNIT_NAMES.get(name.toLowerCase());
  if (!unit) tools.fail(unitArg.at, `${call.name}: there is no unit ${quoteLiteral(name)}`, hint);
  const zone = zoneOf(call, 2, tools);
  const unix = secondsOf(call, time, tools);
  return isSql(unix) ? seconds(truncateSql(unix, unit, zone)) : { constant: unix === null ? null : truncateUnix(unix, unit, zone), type: 'BIGINT' };
}

function isSql(value: Fragment | number | null): value is Fragment {
  return typeof value === 'object' && value !== null;
}

function expression(sql: Fragment): Answer {
  return { sql, isLong: false };
}

function seconds(sql: Fragment): Answer {
  return { sql, isLong: true };
}

/** Seconds as SQL, or as the number they are. */
function secondsOf(call: Call, arg: Argument, tools: CallTools): Fragment | number | null {
  if (!arg.constant) return secondsSql(arg as TimeValue, call.name);
  const { value } = arg.constant;
  if (typeof value !== 'string') return value;
  return tools.fail(
    arg.at,
    `${call.name}: expected unix seconds or a timestamp, found the text ${quoteLiteral(value)}`,
    'TD_TIME_PARSE turns text into seconds; a column is named without quotes, or with "double" ones',
  );
}

function refuseConstantTime(call: Call, time: Argument, tools: CallTools): void {
  if (typeof time.constant?.value === 'string')
    tools.fail(
      time.at,
      `${call.name}: the first argument is the time column, found the text ${quoteLiteral(time.constant.value)}`,
      'a column is named without quotes, or with "double" ones',
    );
}

function readTime(call: Call, arg: Argument, text: string, zone: Zone, tools: CallTools): number {
  return parseTimeText(text, zone) ?? tools.fail(arg.at, `${call.name}: cannot read the time ${quoteLiteral(text)}`, TIME_HINT);
}

function zoneOf(call: Call, index: number, tools: CallTools): Zone {
  const arg = call.args[index];
  if (!arg || arg.constant?.value === null) return UTC;
  const text = constantText(call, arg, 'the time zone', ZONE_HINT, tools);
  return findZone(text) ?? tools.fail(arg.at, `${call.name}: there is no time zone ${quoteLiteral(text)}`, ZONE_HINT);
}

function constantText(call: Call, arg: Argument, what: string, hint: string, tools: CallTools): string {
  const value = arg.constant?.value;
  if (typeof value === 'string') return value;
  const found = arg.constant ? String(value ?? 'NULL') : arg.text;
  return tools.fail(arg.at, `${call.name}: expected ${what} as a constant text, found ${found.slice(0, 60)}`, hint);
}
