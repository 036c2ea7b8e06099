import { quoteLiteral, type TextFormat } from '../../spi/index.js';
import type { TimeType } from './instants.js';
import { localTimeSql, readZone, type Zone } from './zones.js';

/*
 * Time values to text. DuckDB's strftime lacks some of Ruby's directives and prints `%z` as `+00`, so those
 * become SQL of their own between runs of strftime.
 */

const DIRECT: ReadonlySet<string> = new Set([...'YmdHIMSyjpaAbBuwUWGV']);
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
  h: '%b',
};

interface TimeValue {
  /** TIMESTAMP expression in the wanted zone. */
  readonly local: string;
  /** Microseconds since 1970 of the instant (of the local time, for datetime and date). */
  readonly micros: string;
  /** Offset in seconds as SQL. */
  readonly offset: string;
  readonly isUtc: boolean;
}

function valueOf(ref: string, type: TimeType, zone: Zone): TimeValue {
  if (type !== 'timestamp') {
    const local = type === 'date' ? `cast(${ref} as timestamp)` : ref;
    return { local, micros: `epoch_us(${local})`, offset: '0', isUtc: true };
  }
  const local = localTimeSql(ref, zone);
  const micros = `epoch_us(${ref})`;
  const offset = zone.kind === 'offset' ? String(zone.seconds) : `((epoch_us(${local}) - ${micros}) // 1000000)`;
  return { local, micros, offset, isUtc: zone.kind === 'offset' && zone.seconds === 0 };
}

function offsetText(value: TimeValue, colon: boolean): string {
  const minutes = `abs(${value.offset}) // 60`;
  return `(case when ${value.offset} < 0 then '-' else '+' end || lpad((${minutes} // 60)::varchar, 2, '0') || ${colon ? "':' || " : ''}lpad((${minutes} % 60)::varchar, 2, '0'))`;
}

function digits(value: TimeValue, width: number): string {
  const micros = `strftime(${value.local}, '%f')`;
  return width <= 6 ? `left(${micros}, ${width})` : `rpad(${micros}, ${width}, '0')`;
}

function special(letter: string, width: number | undefined, flags: string, value: TimeValue): string | undefined {
  switch (letter) {
    case 'N':
      return digits(value, width ?? 9);
    case 'L':
      return digits(value, width ?? 3);
    case 'f':
      return digits(value, width ?? 6);
    case 'z':
      return offsetText(value, flags.includes(':'));
    case 'Z':
      return value.isUtc ? `'UTC'` : offsetText(value, true);
    case 's':
      return `cast(floor(${value.micros} / 1000000) as bigint)::varchar`;
    case 'Q':
      return `cast(floor(${value.micros} / 1000) as bigint)::varchar`;
    case 'e':
      return `lpad(strftime(${value.local}, '%-d'), 2, ' ')`;
    case 'k':
      return `lpad(strftime(${value.local}, '%-H'), 2, ' ')`;
    case 'l':
      return `lpad(strftime(${value.local}, '%-I'), 2, ' ')`;
    case 'P':
      return `lower(strftime(${value.local}, '%p'))`;
    default:
      return undefined;
  }
}

/** Says why a format cannot be written; undefined when it can. */
export function outputFormatProblem(format: string): string | undefined {
  const problem = compile(format, { local: 'x', micros: 'x', offset: '0', isUtc: true });
  return Array.isArray(problem) ? undefined : `the format ${JSON.stringify(format)} ${problem}`;
}

function compile(format: string, value: TimeValue): string[] | string {
  const parts: string[] = [];
  let run = '';
  const close = (): void => {
    if (run !== '') parts.push(`strftime(${value.local}, ${quoteLiteral(run)})`);
    run = '';
  };
  const bare = format.startsWith('ruby:') ? format.slice(5) : format;
  const directive = /%([-_0^#:]*)([0-9]*)(.)|%|[^%]+/gsu;
  for (const [whole, flags, width, letter] of bare.matchAll(directive)) {
    if (!whole.startsWith('%')) run += whole;
    else if (letter === undefined) return 'ends with a lone "%"; write "%%" for a percent sign';
    else if (letter === '%') run += '%%';
    else if (letter === 'n' || letter === 't') run += letter === 'n' ? '\n' : '\t';
    else if (EXPANSIONS[letter] !== undefined) {
      close();
      const inner = compile(EXPANSIONS[letter], value);
      if (!Array.isArray(inner)) return inner;
      parts.push(...inner);
    } else if (DIRECT.has(letter) && width === '' && (flags === '' || flags === '-')) run += whole;
    else {
      const sql = special(letter, width === '' ? undefined : Number(width), flags ?? '', value);
      if (sql === undefined) return `has ${JSON.stringify(whole)}, which cannot be written`;
      close();
      parts.push(sql);
    }
  }
  close();
  return parts;
}

/** A time value as text of a strftime-like format (Ruby's directives), in `text.timezone` (default UTC). NULL stays NULL. */
export function renderTimeSql(ref: string, type: TimeType, format: string, text: TextFormat | undefined): string {
  const zone = (text?.timezone === undefined ? undefined : readZone(text.timezone)) ?? { kind: 'offset', seconds: 0 };
  const parts = compile(format, valueOf(ref, type, zone));
  if (!Array.isArray(parts)) throw new RangeError(`format ${JSON.stringify(format)} ${parts}`);
  return parts.length === 0 ? `case when ${ref} is not null then '' end` : `(${parts.join(' || ')})`;
}
