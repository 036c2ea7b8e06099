import { quoteLiteral, type TextFormat } from '../../spi/index.js';
import { longSql } from './scalars.js';
import { DATE_PARTS, guardOf, OFFSET_PATTERN, readTimePattern, UTC_WORD_PATTERN, type TimePattern, type Token } from './time-pattern.js';
import { canonicalInstantSql, localInstantSql, readZone, type Zone } from './zones.js';

export type TimeType = 'timestamp' | 'datetime' | 'date';

const UTC: Zone = { kind: 'offset', seconds: 0 };
const DATE_GUARD = '(?:[1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])';
const TIME_GUARD = '[ T](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\\.[0-9]{1,9})?)?';
const TIME_WITH_SECONDS_GUARD = '[ T](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\\.[0-9]{1,9})?';
/** Microseconds of 0001-01-01 and of 10000-01-01, both UTC. */
const FIRST_MICROS = -62_135_596_800_000_000n;
const END_MICROS = 253_402_300_800_000_000n;

export function zoneOf(text: TextFormat | undefined): Zone {
  return text?.timezone === undefined ? UTC : (readZone(text.timezone) ?? UTC);
}

/** NULL unless the instant falls in the years 1 to 9999 (UTC), which every target can hold. */
function inRange(instant: string): string {
  return `list_transform([${instant}], lambda i: case when epoch_us(i) >= ${FIRST_MICROS} and epoch_us(i) < ${END_MICROS} then i end)[1]`;
}

/** The zone needs a range check only when it can move a year-1 or year-9999 text out of the range. */
function instantOf(local: string, zone: Zone): string {
  const instant = localInstantSql(local, zone);
  return zone.kind === 'offset' && zone.seconds === 0 ? instant : inRange(instant);
}

function typed(local: string, type: TimeType, zone: Zone): string {
  if (type === 'timestamp') return instantOf(local, zone);
  return type === 'date' ? `cast(${local} as date)` : local;
}

/**
 * The texts that DuckDB itself would write: `2001-02-03`, `2001-02-03 04:05:06`, `2001-02-03 04:05:06.5`. Comparing the value's
 * text with the source lets no lenience of the cast through (24:00:00, blanks, slashes); the masks keep out what DuckDB
 * writes beyond the years 1 to 9999 (BC, five digits, infinity).
 */
type CanonicalForm = 'day' | 'seconds' | 'fraction';

const MASKS: Readonly<Record<CanonicalForm, (ref: string) => string>> = {
  day: (ref) => `strlen(${ref}) = 10`,
  seconds: (ref) => `strlen(${ref}) = 19`,
  fraction: (ref) => `${ref} like '____-__-__ __:__:__._%'`,
};

/** The value of a text that may be of this form, by DuckDB's own cast; NULL for others. */
function canonicalCast(ref: string, type: TimeType, zone: Zone, form: CanonicalForm): string {
  // Other zones leave the range at its ends; those texts take the exact way.
  const shifts = type === 'timestamp' && !(zone.kind === 'offset' && zone.seconds === 0);
  const inner = shifts ? ` and ${ref} >= '0001-01-03' and ${ref} < '9999-12-30'` : '';
  return `case when ${MASKS[form](ref)}${inner} then try_cast(${ref} as ${form === 'day' ? 'date' : 'timestamp'}) end`;
}

/** `cast`: what {@link canonicalCast} gives. */
function canonicalSql(ref: string, type: TimeType, zone: Zone, form: CanonicalForm, cast: string | undefined): string {
  const once = cast ?? canonicalCast(ref, type, zone, form);
  const local = form === 'day' && type !== 'date' ? `cast(${once} as timestamp)` : once;
  const value = type === 'timestamp' ? canonicalInstantSql(ref, local, zone) : local;
  return `case when ${once}::varchar = ${ref} then ${value} end`;
}

/** No format given: ISO 8601 as `YYYY-MM-DD[ T]HH:MM[:SS[.f]][ ][zone]`; a date alone means midnight. */
function isoSql(ref: string, type: TimeType, zone: Zone, early: string | undefined): string {
  if (type === 'date')
    return `coalesce(${canonicalSql(ref, type, zone, 'day', early)}, case when regexp_full_match(${ref}, '${DATE_GUARD}') then try_cast(${ref} as date) end)`;
  const cast = `try_cast(${ref} as timestamp)`;
  const local = `when regexp_full_match(${ref}, '${DATE_GUARD}(?:${TIME_GUARD})?') then ${typed(cast, type, zone)}`;
  const branches = type === 'timestamp' ? [isoZuluBranch(ref, cast), local, ...isoOffsetBranches(ref)] : [local];
  return `coalesce(${canonicalSql(ref, type, zone, 'seconds', early)}, case ${branches.join(' ')} end)`;
}

/** First because it is the commonest form of all; the suffix test is nearly free. */
function isoZuluBranch(ref: string, cast: string): string {
  return `when suffix(${ref}, 'Z') and regexp_full_match(${ref}, '${DATE_GUARD}${TIME_WITH_SECONDS_GUARD}Z') then ${instantOf(cast, UTC)}`;
}

function isoOffsetBranches(ref: string): string[] {
  // Only texts of the first and the last year can leave the range.
  const bounded = (instant: string): string =>
    `case when ${ref} >= '0001-01-03' and ${ref} < '9999-12-30' then ${instant} else ${inRange(instant)} end`;
  return [
    `when regexp_full_match(${ref}, '${DATE_GUARD}${TIME_WITH_SECONDS_GUARD}[+-](?:[01][0-9]|2[0-3]):[0-5][0-9]') then ${bounded(`try_cast(${ref} as timestamptz)`)}`,
    `when regexp_full_match(${ref}, '${DATE_GUARD}${TIME_GUARD} ?(?:${UTC_WORD_PATTERN}|${OFFSET_PATTERN})') then ${bounded(`try_cast(${spelledOut(ref)} as timestamptz)`)}`,
  ];
}

/** Adds what DuckDB's cast wants of an ISO text with a zone: seconds, and an offset as `+hh:mm`. */
function spelledOut(ref: string): string {
  const seconds = `regexp_replace(${ref}, '^(.{16})([^:])', '\\1:00\\2')`;
  const offset = `regexp_replace(${seconds}, ' ?${UTC_WORD_PATTERN}$', '+00')`;
  return `regexp_replace(regexp_replace(${offset}, ' ?([+-][0-9]{2})$', '\\1:00'), ' ?([+-][0-9]{2}):?([0-9]{2})$', '\\1:\\2')`;
}

function epochSql(ref: string, type: TimeType, unit: 'seconds' | 'milliseconds'): string {
  const micros = unit === 'seconds' ? 1_000_000n : 1000n;
  const make = type === 'timestamp' ? `make_timestamptz(v * ${micros})` : `make_timestamp(v * ${micros})`;
  const value = `list_transform([${longSql(ref)}], lambda v: case when v >= ${FIRST_MICROS / micros} and v < ${END_MICROS / micros} then ${make} end)[1]`;
  return type === 'date' ? `cast(${value} as date)` : value;
}

/** How the text is changed before strptime reads it; each rewriting has its own guard. */
interface Rewriting {
  /** 7 to 9 fraction digits are cut to 6. */
  readonly cutsFraction: boolean;
  /** Z, UTC and GMT become +00. */
  readonly namesUtc: boolean;
  /** The zone is left out. */
  readonly dropsZone?: boolean;
}

function rewrite(ref: string, tokens: readonly Token[], how: Rewriting): { guard: string; text: string } {
  const guard: string[] = [];
  const pattern: string[] = [];
  const replacement: string[] = [];
  let run: string[] = [];
  const close = (): void => {
    if (run.length === 0) return;
    pattern.push(`(${run.join('')})`);
    replacement.push(`\\${replacement.filter((r) => r.startsWith('\\')).length + 1}`);
    run = [];
  };
  for (const token of tokens) {
    let accepted = token.pattern;
    if (token.part === 'fraction') {
      const fixed = /\{(\d)\}$/.exec(token.pattern)?.[1];
      if (how.cutsFraction) {
        accepted = fixed === undefined ? '[0-9]{7,9}' : token.pattern;
        run.push('[0-9]{6}');
        close();
        pattern.push('[0-9]+');
        guard.push(accepted);
        continue;
      }
      accepted = fixed === undefined ? '[0-9]{1,6}' : token.pattern;
    } else if (token.part === 'zone') {
      accepted = how.dropsZone === true ? token.pattern : how.namesUtc ? UTC_WORD_PATTERN : OFFSET_PATTERN;
      if (how.namesUtc || how.dropsZone === true) {
        close();
        pattern.push(accepted);
        if (how.dropsZone !== true) replacement.push('+00');
        guard.push(accepted);
        continue;
      }
    }
    run.push(accepted);
    guard.push(accepted);
  }
  const changes = pattern.length > 0;
  close();
  const text = changes ? `regexp_replace(${ref}, ${quoteLiteral(`^${pattern.join('')}$`)}, ${quoteLiteral(replacement.join(''))})` : ref;
  return { guard: guard.join(''), text };
}

function strptimeOf(pattern: TimePattern, text: TextFormat | undefined, value: string, withZone: boolean): string {
  let format = pattern.tokens
    .filter((t) => withZone || t.part !== 'zone')
    .map((t) => t.strptime)
    .join('');
  let read = value;
  if (!DATE_PARTS.some((p) => pattern.parts.has(p))) {
    format = `%Y-%m-%d ${format}`;
    read = `${quoteLiteral(`${text?.date ?? '1970-01-01'} `)} || ${value}`;
  }
  return `try_strptime(${read}, ${quoteLiteral(format)})`;
}

/** A named weekday and a 366th day must agree with the date; strptime looks at neither. */
function agreementSql(ref: string, pattern: TimePattern, text: TextFormat | undefined): string | undefined {
  const part = pattern.parts.has('weekday') ? 'weekday' : pattern.parts.has('dayOfYear') ? 'dayOfYear' : undefined;
  if (part === undefined) return undefined;
  const extract = (wanted: string): string => {
    const guard = pattern.tokens.map((t) => (t.part === wanted ? `(${t.pattern})` : t.pattern)).join('');
    return `regexp_extract(${ref}, ${quoteLiteral(`^${guard}$`)}, 1)`;
  };
  const fraction = pattern.tokens.some((t) => t.part === 'fraction');
  const local = (how: Rewriting): string => strptimeOf(pattern, text, rewrite(ref, pattern.tokens, how).text, false);
  const day = fraction
    ? `coalesce(${local({ cutsFraction: false, namesUtc: false, dropsZone: true })}, ${local({ cutsFraction: true, namesUtc: false, dropsZone: true })})`
    : local({ cutsFraction: false, namesUtc: false, dropsZone: true });
  const checks: string[] = [];
  if (pattern.parts.has('weekday')) checks.push(`lower(left(dayname(${day}), 3)) = lower(left(${extract('weekday')}, 3))`);
  if (pattern.parts.has('dayOfYear')) checks.push(`dayofyear(${day}) = try_cast(${extract('dayOfYear')} as integer)`);
  return checks.join(' and ');
}

/** A `Z` at the end is read as a literal: nothing has to be rewritten. */
function zuluBranches(ref: string, pattern: TimePattern, text: TextFormat | undefined, cuts: readonly boolean[]): string[] {
  if (cuts.includes(true) && !cuts.includes(false)) return [];
  const tokens = pattern.tokens.map((t): Token => (t.part === 'zone' ? { part: 'literal', pattern: 'Z', strptime: 'Z' } : t));
  const { guard } = rewrite(ref, tokens, { cutsFraction: false, namesUtc: false });
  const local = strptimeOf({ tokens, parts: pattern.parts }, text, ref, true);
  return [`when suffix(${ref}, 'Z') and regexp_full_match(${ref}, ${quoteLiteral(guard)}) then ${instantOf(local, UTC)}`];
}

function patternSql(ref: string, type: TimeType, pattern: TimePattern, text: TextFormat | undefined, early: string | undefined): string {
  const zone = zoneOf(text);
  const hasZone = pattern.parts.has('zone');
  const fraction = pattern.tokens.find((t) => t.part === 'fraction');
  const width = fraction === undefined ? undefined : /\{(\d)\}$/.exec(fraction.pattern)?.[1];
  const cuts = fraction === undefined ? [false] : width === undefined ? [false, true] : [Number(width) > 6];
  const branches: string[] = [];
  if (pattern.tokens.at(-1)?.part === 'zone') branches.push(...zuluBranches(ref, pattern, text, cuts));
  for (const cutsFraction of cuts) {
    for (const namesUtc of hasZone ? [false, true] : [false]) {
      const { guard, text: value } = rewrite(ref, pattern.tokens, { cutsFraction, namesUtc });
      const parsed = strptimeOf(pattern, text, value, true);
      branches.push(`when regexp_full_match(${ref}, ${quoteLiteral(guard)}) then ${hasZone ? inRange(parsed) : typed(parsed, type, zone)}`);
    }
  }
  const read = `case ${branches.join(' ')} end`;
  const agreement = agreementSql(ref, pattern, text);
  const strict =
    agreement === undefined
      ? read
      : `case when regexp_full_match(${ref}, ${quoteLiteral(guardOf(pattern.tokens))}) and ${agreement} then ${read} end`;
  const form = canonicalForm(pattern);
  return form === undefined ? strict : `coalesce(${canonicalSql(ref, type, zone, form, early)}, ${strict})`;
}

const CANONICAL = '%Y-%m-%d %H:%M:%S';

function canonicalForm(pattern: TimePattern): CanonicalForm | undefined {
  const format = pattern.tokens.map((t) => t.strptime).join('');
  const anyWidth = pattern.tokens.every((t) => t.part !== 'fraction' || t.pattern === '[0-9]{1,9}');
  if (format === '%Y-%m-%d') return 'day';
  if (format === CANONICAL) return 'seconds';
  return format === `${CANONICAL}.%f` && anyWidth ? 'fraction' : undefined;
}

/** A cast that {@link timeSql} takes twice, to be computed once before it: DuckDB does not share what stands within CASE. */
export function earlyTimeCast(ref: string, type: TimeType, text: TextFormat | undefined): string | undefined {
  const form = text?.format === undefined ? (type === 'date' ? 'day' : 'seconds') : formOf(text.format);
  return form === undefined ? undefined : canonicalCast(ref, type, zoneOf(text), form);
}

function formOf(format: string): CanonicalForm | undefined {
  const pattern = readTimePattern(format);
  return typeof pattern === 'string' || pattern.epoch !== undefined ? undefined : canonicalForm(pattern);
}

/** Strict conversion of text to a time type; NULL when it does not convert. `early` names the value of {@link earlyTimeCast}. */
export function timeSql(ref: string, type: TimeType, text: TextFormat | undefined, early?: string): string {
  if (text?.format === undefined) return isoSql(ref, type, zoneOf(text), early);
  const pattern = readTimePattern(text.format);
  if (typeof pattern === 'string') throw new RangeError(`format ${JSON.stringify(text.format)} ${pattern}`);
  if (pattern.epoch !== undefined) return epochSql(ref, type, pattern.epoch);
  return patternSql(ref, type, pattern, text, early);
}
