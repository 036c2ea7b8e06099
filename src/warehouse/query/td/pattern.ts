import { quoteLiteral } from '../../../core/spi/index.js';
import { offsetAt, offsetText, shortNames, toLocal, type Zone } from './zones.js';
import { fragment, type Fragment } from './fragment.js';

/** A piece of a date pattern as Java's SimpleDateFormat reads it. */
export type PatternPart =
  | { readonly kind: 'text'; readonly text: string }
  /** A field by DuckDB's strftime code. */
  | { readonly kind: 'field'; readonly code: string }
  | { readonly kind: 'offset'; readonly style: OffsetStyle }
  | { readonly kind: 'zone' };

/** `+0900`, ISO `+09`, `+0900`, `+09:00` with `Z` for UTC. */
type OffsetStyle = 'plain' | 'X' | 'XX' | 'XXX';

/** Codes by letter and how often it stands, the last one for more. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  y: ['%Y', '%y', '%Y'],
  M: ['%-m', '%m', '%b', '%B'],
  d: ['%-d', '%d'],
  D: ['%-j', '%-j', '%j'],
  H: ['%-H', '%H'],
  h: ['%-I', '%I'],
  m: ['%-M', '%M'],
  s: ['%-S', '%S'],
  a: ['%p'],
  E: ['%a', '%a', '%a', '%A'],
};

export const PATTERN_LETTERS = 'yyyy yy MM M MMM MMMM dd d D HH H hh h mm m ss s SSS a EEE EEEE z Z X XX XXX';

/** A letter that no field has, or a quote that never ends. */
export interface PatternProblem {
  readonly problem: string;
}

export function parsePattern(pattern: string): readonly PatternPart[] | PatternProblem {
  const parts: PatternPart[] = [];
  for (const [piece] of pattern.matchAll(/''|'(?:[^']|'')*'?|([A-Za-z])\1*|[^A-Za-z']+/g)) {
    const letter = piece.charAt(0);
    if (piece === "''") parts.push({ kind: 'text', text: "'" });
    else if (letter === "'") {
      if (piece.length < 2 || !piece.endsWith("'")) return { problem: `the quote in ${JSON.stringify(pattern)} never ends` };
      parts.push({ kind: 'text', text: piece.slice(1, -1).replaceAll("''", "'") });
    } else if (!/[A-Za-z]/.test(letter)) parts.push({ kind: 'text', text: piece });
    else {
      const part = readField(letter, piece.length);
      if (!part) return { problem: `the pattern ${JSON.stringify(pattern)} has ${piece}, which stands for nothing here` };
      parts.push(part);
    }
  }
  return parts;
}

function readField(letter: string, count: number): PatternPart | undefined {
  if (letter === 'Z') return { kind: 'offset', style: 'plain' };
  if (letter === 'X' && count <= 3) return { kind: 'offset', style: 'X'.repeat(count) as OffsetStyle };
  if (letter === 'z') return { kind: 'zone' };
  // Times are whole seconds.
  if (letter === 'S') return { kind: 'text', text: '0'.repeat(count) };
  const codes = FIELDS[letter];
  const code = codes?.[Math.min(count, codes.length) - 1];
  return code === undefined ? undefined : { kind: 'field', code };
}

function offsetPart(offset: number, style: OffsetStyle): string {
  if (style === 'plain') return offsetText(offset);
  if (offset === 0) return 'Z';
  if (style === 'XXX') return offsetText(offset, ':');
  return style === 'XX' ? offsetText(offset) : offsetText(offset).slice(0, 3);
}

const MONTHS = 'January February March April May June July August September October November December'.split(' ');
const DAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');

/** What the pattern gives for an instant. */
export function formatUnix(parts: readonly PatternPart[], unix: number, zone: Zone): string {
  const at = new Date(toLocal(zone, unix) * 1000);
  return parts
    .map((part) => {
      if (part.kind === 'text') return part.text;
      if (part.kind === 'field') return formatField(part.code, at);
      const offset = offsetAt(zone, unix);
      return part.kind === 'offset' ? offsetPart(offset, part.style) : (shortNames(zone).get(offset) ?? `GMT${offsetText(offset, ':')}`);
    })
    .join('');
}

function formatField(code: string, at: Date): string {
  const [year, month, day, hour] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate(), at.getUTCHours()];
  const dayOfYear = Math.round((Date.UTC(year, month, day) - Date.UTC(year, 0, 1)) / 86_400_000) + 1;
  const values: Readonly<Record<string, readonly [value: string | number, digits: number]>> = {
    Y: [year, 4],
    y: [year % 100, 2],
    m: [month + 1, 2],
    b: [(MONTHS[month] ?? '').slice(0, 3), 0],
    B: [MONTHS[month] ?? '', 0],
    d: [day, 2],
    j: [dayOfYear, 3],
    H: [hour, 2],
    I: [hour % 12 || 12, 2],
    M: [at.getUTCMinutes(), 2],
    S: [at.getUTCSeconds(), 2],
    p: [hour < 12 ? 'AM' : 'PM', 0],
    a: [(DAYS[at.getUTCDay()] ?? '').slice(0, 3), 0],
    A: [DAYS[at.getUTCDay()] ?? '', 0],
  };
  const [value, digits] = values[code.at(-1) ?? ''] ?? ['', 0];
  return String(value).padStart(code.startsWith('%-') ? 0 : digits, '0');
}

/** SQL for the pattern, given SQL for the wall-clock TIMESTAMP and for the offset in seconds (not used by fixed zones). */
export function formatSql(parts: readonly PatternPart[], zone: Zone, local: Fragment, offset: Fragment): Fragment {
  const pieces: Fragment[] = [];
  let codes = '';
  const finish = (): void => {
    if (codes !== '') pieces.push(fragment`strftime(${local}, ${quoteLiteral(codes)})`);
    codes = '';
  };
  const literal = (text: string): void => {
    codes += text.replaceAll('%', '%%');
  };
  for (const part of parts) {
    if (part.kind === 'text') literal(part.text);
    else if (part.kind === 'field') codes += part.code;
    else if (zone.fixed !== undefined) literal(part.kind === 'zone' ? zone.name : offsetPart(zone.fixed, part.style));
    else {
      finish();
      pieces.push(part.kind === 'zone' ? zoneNameSql(zone, offset) : offsetSql(part.style, offset));
    }
  }
  finish();
  if (pieces.length === 0) pieces.push(fragment`strftime(${local}, '')`);
  return pieces.slice(1).reduce((all, piece) => fragment`${all} || ${piece}`, pieces[0] as Fragment);
}

function offsetSql(style: OffsetStyle, offset: Fragment): Fragment {
  const text = signedSql(style === 'X' ? '%H' : style === 'XXX' ? '%H:%M' : '%H%M', offset);
  return style === 'plain' ? text : fragment`(CASE WHEN ${offset} = 0 THEN 'Z' ELSE ${text} END)`;
}

function signedSql(codes: string, offset: Fragment): Fragment {
  return fragment`(CASE WHEN ${offset} < 0 THEN '-' ELSE '+' END || strftime(make_timestamp(abs(${offset}) * 1000000), '${codes}'))`;
}

function zoneNameSql(zone: Zone, offset: Fragment): Fragment {
  const cases = [...shortNames(zone)].map(([seconds, name]) => `WHEN ${seconds} THEN ${quoteLiteral(name)}`).join(' ');
  const other = fragment`'GMT' || ${signedSql('%H:%M', offset)}`;
  return cases === '' ? fragment`(${other})` : fragment`(CASE ${offset} ${cases} ELSE ${other} END)`;
}
