/** The format most values of a column share. */
export interface TimeFormat {
  readonly format: string;
  readonly parts: 'date' | 'time' | 'zone';
  /** Values of this format. */
  readonly count: number;
  /** Set when day and month cannot be told apart: the other reading. */
  readonly orElse?: string;
}

interface Shape {
  /** Format with `%1` and `%2` for the two numbers that are day and month in either order. */
  readonly format: string;
  readonly parts: TimeFormat['parts'];
  readonly order: 'fixed' | 'either' | 'day-first' | 'month-first';
}

const MONTH = '(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)';
const DAY = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)';
const CLOCK = /^([T_. ]| (?= ))?( \d|\d{1,2})(?::(\d{2})(?::(\d{2})(?:([.,])(\d{1,9}))?)?)?/;

/** The format of the values, by Embulk's rules: the most frequent one wins; one value that must be day first decides for its like. */
export function guessTimeFormat(values: Iterable<readonly [text: string, count: number]>): TimeFormat | undefined {
  const groups = new Map<string, { shape: Shape; count: number; dayFirst: boolean; monthFirst: boolean; padded: boolean }>();
  for (const [text, count] of values) {
    const shape = shapeOf(text);
    if (!shape) continue;
    const padded = shape.format.includes('%k');
    const key = shape.format.replace('%k', '%H');
    const group = groups.get(key) ?? { shape, count: 0, dayFirst: false, monthFirst: false, padded: false };
    group.count += count;
    group.dayFirst ||= shape.order === 'day-first';
    group.monthFirst ||= shape.order === 'month-first';
    group.padded ||= padded;
    groups.set(key, group);
  }
  const [best] = [...groups].sort((a, b) => b[1].count - a[1].count);
  if (!best) return undefined;
  const [key, { shape, count, dayFirst, monthFirst, padded }] = best;
  const format = padded ? key.replace('%H', '%k') : key;
  const order = (first: string, second: string): string => format.replace('%1', first).replace('%2', second);
  if (!format.includes('%1')) return { format, parts: shape.parts, count };
  if (dayFirst) return { format: order('%d', '%m'), parts: shape.parts, count };
  if (monthFirst) return { format: order('%m', '%d'), parts: shape.parts, count };
  return { format: order('%m', '%d'), parts: shape.parts, count, orElse: order('%d', '%m') };
}

function shapeOf(text: string): Shape | undefined {
  return compactShape(text) ?? namedShape(text) ?? numericShape(text);
}

/** `20150127`, `20150127T101500`, `20150127101500`: only dates of this and the last century; a number is more likely otherwise. */
function compactShape(text: string): Shape | undefined {
  const m = /^((?:19|20)\d{2})(\d{2})(\d{2})(?:([T_ ]?)(\d{2})(\d{2})(\d{2}))?$/.exec(text);
  if (!m || !isDay(Number(m[1]), Number(m[2]), Number(m[3]))) return undefined;
  if (m[5] === undefined) return { format: '%Y%m%d', parts: 'date', order: 'fixed' };
  if (Number(m[5]) > 23 || Number(m[6]) > 59 || Number(m[7]) > 59) return undefined;
  return { format: `%Y%m%d${m[4] ?? ''}%H%M%S`, parts: 'time', order: 'fixed' };
}

function isDay(year: number, month: number, day: number): boolean {
  return month >= 1 && month <= 12 && day >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate();
}

/** Apache's log time, asctime and RFC 2822. */
function namedShape(text: string): Shape | undefined {
  if (new RegExp(`^\\d{2}/${MONTH}/\\d{4}:\\d{2}:\\d{2}:\\d{2} [-+]\\d{4}$`).test(text))
    return { format: '%d/%b/%Y:%H:%M:%S %z', parts: 'zone', order: 'fixed' };
  if (new RegExp(`^${DAY} ${MONTH} [ \\d]\\d \\d{2}:\\d{2}:\\d{2} \\d{4}$`).test(text))
    return { format: '%a %b %e %H:%M:%S %Y', parts: 'time', order: 'fixed' };
  const mail = new RegExp(`^(${DAY}, )?\\d{1,2} ${MONTH} \\d{4} \\d{2}:\\d{2}(:\\d{2})? (?:[-+]\\d{4}|UTC|GMT)$`).exec(text);
  return mail
    ? { format: `${mail[1] === undefined ? '' : '%a, '}%d %b %Y %H:%M${mail[2] === undefined ? '' : ':%S'} %z`, parts: 'zone', order: 'fixed' }
    : undefined;
}

function numericShape(text: string): Shape | undefined {
  const date = dateShape(text);
  if (!date) return undefined;
  const rest = text.slice(date.length);
  if (rest === '') return { format: date.format, parts: 'date', order: date.order };
  const clock = CLOCK.exec(rest);
  if (!clock || clock[1] === undefined) return undefined;
  const [all, separator, hour, minute, second, point, fraction] = clock;
  let format = `${date.format}${separator}${hour?.startsWith(' ') === true ? '%k' : '%H'}`;
  if (minute !== undefined) format += ':%M';
  if (second !== undefined) format += ':%S';
  if (fraction !== undefined) format += `${point ?? '.'}${fraction.length <= 3 ? '%L' : '%N'}`;
  const zone = /^( ?)(?:(Z|UTC|GMT)|[-+]\d{2}(:?)(?:\d{2})?)$/.exec(rest.slice(all.length));
  if (zone) return { format: `${format}${zone[1] ?? ''}${zone[3] === ':' ? '%:z' : '%z'}`, parts: 'zone', order: date.order };
  return all.length === rest.length ? { format, parts: 'time', order: date.order } : undefined;
}

function dateShape(text: string): { format: string; length: number; order: Shape['order'] } | undefined {
  const ymd = /^\d{4}([-/.])(\d{1,2})\1(\d{1,2})(?!\d)/.exec(text);
  if (ymd)
    return Number(ymd[2]) <= 12 && Number(ymd[3]) <= 31 ? { format: `%Y${ymd[1]}%m${ymd[1]}%d`, length: ymd[0].length, order: 'fixed' } : undefined;
  const other = /^(\d{1,2})([-/.])(\d{1,2})\2\d{4}(?!\d)/.exec(text);
  if (!other) return undefined;
  const [first, second] = [Number(other[1]), Number(other[3])];
  if (first < 1 || second < 1 || Math.min(first, second) > 12 || Math.max(first, second) > 31) return undefined;
  return {
    format: `%1${other[2]}%2${other[2]}%Y`,
    length: other[0].length,
    order: first > 12 ? 'day-first' : second > 12 ? 'month-first' : 'either',
  };
}
