import { ConfigError } from '../spi/index.js';

/** A cron expression as sets of values. */
export interface CronExpression {
  readonly seconds: readonly number[];
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  /** 1 to 31; `last` is the month's last day. */
  readonly days: ReadonlySet<number | 'last'>;
  /** 1 to 12. */
  readonly months: ReadonlySet<number>;
  /** 0 (Sunday) to 6. */
  readonly weekdays: ReadonlySet<number>;
  /** Only the n-th of a weekday in its month: `1#2` is the second Monday, `5L` (n = 0) the last Friday. */
  readonly nthWeekdays: readonly { readonly weekday: number; readonly nth: number }[];
  /** Both day fields restrict: either may match (crontab(5)). */
  readonly eitherDay: boolean;
  /** The hour is fixed: such a time comes once when clocks go back, and right after the gap when they go forward. */
  readonly fixedHours: boolean;
}

const NICKNAMES: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

interface FieldRule {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const FIELDS = {
  second: { name: 'second', min: 0, max: 59 },
  minute: { name: 'minute', min: 0, max: 59 },
  hour: { name: 'hour', min: 0, max: 23 },
  day: { name: 'day of month', min: 1, max: 31 },
  month: { name: 'month', min: 1, max: 12, names: MONTHS },
  // 7 is Sunday as well.
  weekday: { name: 'day of week', min: 0, max: 7, names: WEEKDAYS },
} as const satisfies Record<string, FieldRule>;

/**
 * Reads five fields (minute hour day month weekday), six (second first), or a nickname such as `@daily`. Fields take `*`, lists,
 * ranges, steps, names, `?` for `*` in the day fields, `L` for the last day, `5L` and `1#2` for weekdays. Errors: ConfigError CRON.
 */
export function parseCron(text: string): CronExpression {
  const trimmed = text.trim().toLowerCase();
  const spelled = trimmed.startsWith('@') ? NICKNAMES[trimmed] : trimmed;
  if (spelled === undefined) throw wrong(text, `unknown nickname ${trimmed}`, `known: ${Object.keys(NICKNAMES).join(', ')}`);
  const parts = spelled.split(/\s+/);
  if (parts.length !== 5 && parts.length !== 6)
    throw wrong(
      text,
      `expected 5 fields (minute hour day month weekday) or 6 (second first), found ${spelled === '' ? 0 : parts.length}`,
      'such as "30 2 * * *"',
    );
  const [second = '0', minute = '', hour = '', day = '', month = '', weekday = ''] = parts.length === 5 ? ['0', ...parts] : parts;
  const read = (value: string, rule: FieldRule): number[] => readField(text, value, rule);
  const days = readDays(text, day);
  const { plain, nth } = readWeekdays(text, weekday);
  const expression: CronExpression = {
    seconds: read(second, FIELDS.second),
    minutes: read(minute, FIELDS.minute),
    hours: read(hour, FIELDS.hour),
    days,
    months: new Set(read(month, FIELDS.month)),
    weekdays: plain,
    nthWeekdays: nth,
    eitherDay: !isAny(day) && !isAny(weekday),
    fixedHours: !/^\*/.test(hour),
  };
  if (!canHappen(expression)) throw wrong(text, 'no such date exists', 'check day and month, such as 31 in a month of 30 days');
  return expression;
}

function isAny(field: string): boolean {
  // As in crontab(5): a field that starts with a star does not restrict, whatever its step.
  return field === '?' || field.startsWith('*');
}

function readField(text: string, field: string, rule: FieldRule): number[] {
  const values = new Set<number>();
  for (const item of field.split(',')) {
    const [, range = '', step] = /^([^/]+)(?:\/(\d+))?$/.exec(item) ?? [];
    const by = step === undefined ? 1 : Number(step);
    if (range === '' || by === 0)
      throw wrong(text, `${rule.name}: cannot read ${JSON.stringify(item)}`, `such as ${rule.min}, ${rule.min}-${rule.max}, */2 or a list of them`);
    const [first, last] = readRange(text, range, step !== undefined, rule);
    for (let value = first; value <= last; value += by) values.add(value);
  }
  return [...values].sort((a, b) => a - b);
}

function readRange(text: string, range: string, hasStep: boolean, rule: FieldRule): readonly [number, number] {
  if (range === '*') return [rule.min, rule.max];
  const ends = range.split('-').map((end) => readValue(text, end, rule));
  const [first = rule.min, last] = ends;
  if (ends.length > 2 || (last !== undefined && last < first))
    throw wrong(text, `${rule.name}: ${JSON.stringify(range)} is not a range that grows`, `write it as two, such as 22-23,0-3`);
  // `5/10` is from 5 on, every 10.
  return [first, last ?? (hasStep ? rule.max : first)];
}

function readValue(text: string, value: string, rule: FieldRule): number {
  const named = rule.names?.indexOf(value.slice(0, 3)) ?? -1;
  const isName = named >= 0 && /^[a-z]+$/.test(value);
  const number = isName ? named + (rule.max === 12 ? 1 : 0) : Number(value);
  if (!/^[a-z0-9]+$/.test(value) || !Number.isInteger(number) || number < rule.min || number > rule.max)
    throw wrong(
      text,
      `${rule.name}: expected ${rule.min} to ${rule.max}${rule.names ? ' or a name' : ''}, found ${JSON.stringify(value)}`,
      'see docs/schedules.md',
    );
  return number;
}

function readDays(text: string, field: string): ReadonlySet<number | 'last'> {
  if (field === '?') return new Set(range(1, 31));
  const items = field.split(',');
  const rest = items.filter((item) => item !== 'l');
  return new Set([
    ...(rest.length < items.length ? (['last'] as const) : []),
    ...(rest.length > 0 ? readField(text, rest.join(','), FIELDS.day) : []),
  ]);
}

function readWeekdays(text: string, field: string): { plain: ReadonlySet<number>; nth: CronExpression['nthWeekdays'] } {
  if (field === '?') return { plain: new Set(range(0, 6)), nth: [] };
  const plain: string[] = [];
  const nth: { weekday: number; nth: number }[] = [];
  for (const item of field.split(',')) {
    const [, weekday, n] = /^([a-z0-9]+)#([1-5])$/.exec(item) ?? [];
    const [, lastOf] = /^([0-7]|[a-z]{3})l$/.exec(item) ?? [];
    if (weekday !== undefined) nth.push({ weekday: readValue(text, weekday, FIELDS.weekday) % 7, nth: Number(n) });
    else if (lastOf !== undefined) nth.push({ weekday: readValue(text, lastOf, FIELDS.weekday) % 7, nth: 0 });
    else plain.push(item);
  }
  return { plain: new Set(plain.length === 0 ? [] : readField(text, plain.join(','), FIELDS.weekday).map((day) => day % 7)), nth };
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

/** February 30 never comes. */
function canHappen({ days, months, eitherDay, nthWeekdays }: CronExpression): boolean {
  if (eitherDay || nthWeekdays.length > 0 || days.has('last')) return true;
  const longest = Math.max(...[...months].map((month) => [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1] ?? 31));
  return [...days].some((day) => typeof day === 'number' && day <= longest);
}

function wrong(text: string, problem: string, hint: string): ConfigError {
  return new ConfigError({ code: 'CRON', message: `cron ${JSON.stringify(text)}: ${problem}`, hint });
}
