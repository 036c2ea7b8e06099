/*
 * A strptime-like format as tokens. Every token knows the strict text it accepts; DuckDB's own strptime skips
 * spaces, takes odd widths and ignores wrong weekday names, so it only ever sees text that passed the guard.
 */

export type Part =
  'literal' | 'year' | 'month' | 'day' | 'dayOfYear' | 'hour24' | 'hour12' | 'minute' | 'second' | 'fraction' | 'ampm' | 'weekday' | 'zone';

export interface Token {
  readonly part: Part;
  /** RE2 text that this token accepts, without capturing groups. */
  readonly pattern: string;
  /** DuckDB strptime text. */
  readonly strptime: string;
}

export interface TimePattern {
  readonly tokens: readonly Token[];
  readonly parts: ReadonlySet<Part>;
  /** Set for `%s` and `%Q`, which stand alone. */
  readonly epoch?: 'seconds' | 'milliseconds';
}

const MONTHS = ['january', 'february', 'march', 'april', 'may', 'june', 'july', 'august', 'september', 'october', 'november', 'december'];
const DAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
const anyCase = (names: readonly string[], letters?: number): string => `(?i:${names.map((n) => n.slice(0, letters)).join('|')})`;

const YEAR = '(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])';
export const OFFSET_PATTERN = '[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?';
export const UTC_WORD_PATTERN = '(?:Z|UTC|GMT)';

const EXPANSIONS: Readonly<Record<string, string>> = {
  F: '%Y-%m-%d',
  T: '%H:%M:%S',
  X: '%H:%M:%S',
  R: '%H:%M',
  D: '%m/%d/%y',
  x: '%m/%d/%y',
  r: '%I:%M:%S %p',
  c: '%a %b %e %H:%M:%S %Y',
  v: '%e-%b-%Y',
  '+': '%a %b %e %H:%M:%S %z %Y',
};

interface Directive {
  readonly part: Part;
  readonly strptime: string;
  /** Two fixed digits, for fields that touch another number. */
  readonly fixed: string;
  /** Without leading zeros, too. */
  readonly loose?: string;
  /** Padded with a space where the text before ends with one (`%e`, `%k`, `%l`). */
  readonly spaced?: string;
}

const DAY_FIXED = '(?:3[01]|[12][0-9]|0[1-9])';
const DAY_LOOSE = '(?:3[01]|[12][0-9]|0?[1-9])';
const H24_FIXED = '(?:2[0-3]|[01][0-9])';
const H24_LOOSE = '(?:2[0-3]|[01]?[0-9])';
const H12_FIXED = '(?:1[0-2]|0[1-9])';
const H12_LOOSE = '(?:1[0-2]|0?[1-9])';
const SIXTY_FIXED = '[0-5][0-9]';
const SIXTY_LOOSE = '[0-5]?[0-9]';

const DIRECTIVES: Readonly<Record<string, Directive>> = {
  Y: { part: 'year', strptime: '%Y', fixed: YEAR },
  y: { part: 'year', strptime: '%y', fixed: '[0-9]{2}' },
  m: { part: 'month', strptime: '%m', fixed: '(?:1[0-2]|0[1-9])', loose: H12_LOOSE },
  b: { part: 'month', strptime: '%b', fixed: anyCase(MONTHS, 3) },
  h: { part: 'month', strptime: '%b', fixed: anyCase(MONTHS, 3) },
  B: { part: 'month', strptime: '%B', fixed: anyCase(MONTHS) },
  d: { part: 'day', strptime: '%d', fixed: DAY_FIXED, loose: DAY_LOOSE },
  e: { part: 'day', strptime: '%d', fixed: DAY_FIXED, loose: DAY_LOOSE, spaced: `(?:${DAY_LOOSE}| [1-9])` },
  j: { part: 'dayOfYear', strptime: '%j', fixed: '(?:36[0-6]|3[0-5][0-9]|[12][0-9]{2}|0[1-9][0-9]|00[1-9])' },
  H: { part: 'hour24', strptime: '%H', fixed: H24_FIXED, loose: H24_LOOSE },
  k: { part: 'hour24', strptime: '%H', fixed: H24_FIXED, loose: H24_LOOSE, spaced: `(?:${H24_LOOSE}| [0-9])` },
  I: { part: 'hour12', strptime: '%I', fixed: H12_FIXED, loose: H12_LOOSE },
  l: { part: 'hour12', strptime: '%I', fixed: H12_FIXED, loose: H12_LOOSE, spaced: `(?:${H12_LOOSE}| [1-9])` },
  M: { part: 'minute', strptime: '%M', fixed: SIXTY_FIXED, loose: SIXTY_LOOSE },
  S: { part: 'second', strptime: '%S', fixed: SIXTY_FIXED, loose: SIXTY_LOOSE },
  p: { part: 'ampm', strptime: '%p', fixed: '(?i:am|pm)' },
  P: { part: 'ampm', strptime: '%p', fixed: '(?i:am|pm)' },
  a: { part: 'weekday', strptime: '%a', fixed: anyCase(DAYS, 3) },
  A: { part: 'weekday', strptime: '%A', fixed: anyCase(DAYS) },
  z: { part: 'zone', strptime: '%z', fixed: `(?:${UTC_WORD_PATTERN}|${OFFSET_PATTERN})` },
  Z: { part: 'zone', strptime: '%z', fixed: `(?:${UTC_WORD_PATTERN}|${OFFSET_PATTERN})` },
};

const FRACTIONS: ReadonlySet<string> = new Set(['N', 'L', 'f']);
const NUMBERS: ReadonlySet<Part> = new Set(['year', 'month', 'day', 'dayOfYear', 'hour24', 'hour12', 'minute', 'second', 'fraction']);

export const SUPPORTED_DIRECTIVES = '%Y %y %m %b %B %d %e %j %H %k %I %l %M %S %L %N %f %p %P %a %A %z %s %Q %F %T %R %D %r %c';

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

function literal(text: string): Token {
  return { part: 'literal', pattern: escapePattern(text), strptime: text.replaceAll('%', '%%') };
}

type Piece = { readonly text: string } | { readonly letter: string; readonly width: number | undefined };

/** Splits into directives and literal text, expanding `%F` and the like. A string is a problem. */
function split(format: string): Piece[] | string {
  const pieces: Piece[] = [];
  const directive = /%[-_0^#:]*([0-9]*)(.)/gsuy;
  let at = 0;
  while (at < format.length) {
    if (format[at] !== '%') {
      const next = format.indexOf('%', at);
      const end = next < 0 ? format.length : next;
      pieces.push({ text: format.slice(at, end) });
      at = end;
      continue;
    }
    directive.lastIndex = at;
    const m = directive.exec(format);
    const letter = m?.[2];
    if (!m || letter === undefined) return `ends with a lone "%"; write "%%" for a percent sign`;
    at = directive.lastIndex;
    const expansion = EXPANSIONS[letter];
    if (letter === '%') pieces.push({ text: '%' });
    else if (letter === 'n') pieces.push({ text: '\n' });
    else if (letter === 't') pieces.push({ text: '\t' });
    else if (expansion !== undefined) {
      const inner = split(expansion);
      if (typeof inner !== 'string') pieces.push(...inner);
    } else if (letter in DIRECTIVES || FRACTIONS.has(letter) || letter === 's' || letter === 'Q') {
      const width = m[1] === '' ? undefined : Number(m[1]);
      if (width !== undefined && (!FRACTIONS.has(letter) || width < 1 || width > 9))
        return `has a width in "${m[0]}"; only %N and %L take one (1 to 9)`;
      pieces.push({ letter, width });
    } else return `has "${m[0]}", which cannot be read; supported: ${SUPPORTED_DIRECTIVES}`;
  }
  return pieces;
}

function isNumber(piece: Piece | undefined, edge: 'start' | 'end'): boolean {
  if (piece === undefined) return false;
  if ('text' in piece) return edge === 'start' ? /^[0-9]/.test(piece.text) : /[0-9]$/.test(piece.text);
  return FRACTIONS.has(piece.letter) || NUMBERS.has(DIRECTIVES[piece.letter]?.part ?? 'literal');
}

function tokenOf(piece: Piece, before: Piece | undefined, after: Piece | undefined): Token {
  if ('text' in piece) return literal(piece.text);
  if (FRACTIONS.has(piece.letter))
    return { part: 'fraction', pattern: piece.width === undefined ? '[0-9]{1,9}' : `[0-9]{${piece.width}}`, strptime: '%f' };
  const d = DIRECTIVES[piece.letter] as Directive;
  const touches = isNumber(before, 'end') || isNumber(after, 'start');
  const afterSpace = before === undefined || ('text' in before && /\s$/.test(before.text));
  const pattern = touches ? d.fixed : afterSpace && d.spaced !== undefined ? d.spaced : (d.loose ?? d.fixed);
  return { part: d.part, pattern, strptime: d.strptime };
}

/** Reads a format. A string says what is wrong with it, as the end of a sentence that starts with the format. */
export function readTimePattern(format: string): TimePattern | string {
  const bare = format.startsWith('ruby:') ? format.slice(5) : format;
  if (bare.startsWith('java:')) return 'is a Java pattern, which is not supported; write it with strptime directives such as %Y-%m-%d %H:%M:%S';
  if (bare === '') return 'is empty';
  const pieces = split(bare);
  if (typeof pieces === 'string') return pieces;
  const epoch = pieces.find((p) => 'letter' in p && (p.letter === 's' || p.letter === 'Q'));
  if (epoch !== undefined && 'letter' in epoch) {
    if (pieces.length > 1) return `must hold nothing but "%${epoch.letter}"`;
    return { tokens: [], parts: new Set(), epoch: epoch.letter === 's' ? 'seconds' : 'milliseconds' };
  }
  const tokens = pieces.map((p, i) => tokenOf(p, pieces[i - 1], pieces[i + 1]));
  const parts = new Set<Part>();
  for (const { part } of tokens) {
    if (part !== 'literal' && parts.has(part)) return `names the ${PART_NAMES[part]} twice`;
    parts.add(part);
  }
  const problem = checkParts(parts);
  return problem ?? { tokens, parts };
}

const PART_NAMES: Readonly<Record<Part, string>> = {
  literal: 'text',
  year: 'year',
  month: 'month',
  day: 'day',
  dayOfYear: 'day of the year',
  hour24: 'hour',
  hour12: 'hour',
  minute: 'minute',
  second: 'second',
  fraction: 'fraction',
  ampm: 'AM/PM mark',
  weekday: 'weekday',
  zone: 'zone',
};

export const DATE_PARTS: readonly Part[] = ['year', 'month', 'day', 'dayOfYear'];
export const TIME_PARTS: readonly Part[] = ['hour24', 'hour12', 'minute', 'second', 'fraction', 'ampm'];

function checkParts(parts: ReadonlySet<Part>): string | undefined {
  const hasDate = DATE_PARTS.some((p) => parts.has(p));
  const hasTime = TIME_PARTS.some((p) => parts.has(p));
  if (!hasDate && !hasTime) return 'holds no date and no time';
  if (hasDate && !parts.has('year')) return 'has no year (%Y)';
  if (parts.has('day') && !parts.has('month')) return 'has a day but no month';
  if (parts.has('dayOfYear') && (parts.has('month') || parts.has('day'))) return 'has both a day of the year and a month or day';
  if (parts.has('weekday') && !hasDate) return 'has a weekday but no date';
  if (parts.has('hour12') !== parts.has('ampm'))
    return parts.has('hour12') ? 'has a 12-hour %I without %p; write %H for 24 hours' : 'has %p without a 12-hour %I';
  if (parts.has('hour12') && parts.has('hour24')) return 'names the hour twice';
  if (parts.has('minute') && !parts.has('hour24') && !parts.has('hour12')) return 'has minutes but no hour';
  if (parts.has('second') && !parts.has('minute')) return 'has seconds but no minutes';
  if (parts.has('fraction') && !parts.has('second')) return 'has a fraction but no seconds';
  return undefined;
}

/** The whole guard, for regexp_full_match. */
export function guardOf(tokens: readonly Token[]): string {
  return tokens.map((t) => t.pattern).join('');
}
