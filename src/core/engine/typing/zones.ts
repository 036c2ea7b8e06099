import { quoteLiteral, zoneOffset } from '../../spi/index.js';

/** A zone as configured: a fixed offset (also UTC) or an IANA name. */
export type Zone = { readonly kind: 'offset'; readonly seconds: number } | { readonly kind: 'named'; readonly name: string };

const OFFSET = /^([+-])([01][0-9]|2[0-3])(?::?([0-5][0-9]))?$/;

/** Reads `UTC`, `+09:00` or an IANA name; undefined when there is no such zone. */
export function readZone(text: string): Zone | undefined {
  if (/^(?:UTC|GMT|Z|Etc\/UTC|Etc\/GMT)$/i.test(text)) return { kind: 'offset', seconds: 0 };
  const m = OFFSET.exec(text);
  if (m) return { kind: 'offset', seconds: (m[1] === '-' ? -1 : 1) * (Number(m[2]) * 3600 + Number(m[3] ?? 0) * 60) };
  try {
    new Intl.DateTimeFormat('en', { timeZone: text });
    return { kind: 'named', name: text };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Local times in [from, to) of a zone that have exactly this offset, a day away from every change of the clocks. */
interface Span {
  readonly from: string;
  readonly to: string;
  readonly offsetSeconds: number;
}

const FIRST_YEAR = 2000;
const END_YEAR = 2038;
const DAY_MS = 86_400_000;
const spansByZone = new Map<string, readonly Span[]>();

const isoDay = (utc: number): string => new Date(utc).toISOString().slice(0, 10);

/** The spans of a zone's recent years in order. Changes less than 8 days apart (none known) would merge into a gap. */
function spansOf(zone: string): readonly Span[] {
  const known = spansByZone.get(zone);
  if (known !== undefined) return known;
  const offsetAt = zoneOffset(zone);
  if (!offsetAt) throw new Error(`unknown time zone ${zone}`);
  const spans: Span[] = [];
  const end = Date.UTC(END_YEAR, 0, 1);
  let start = Date.UTC(FIRST_YEAR, 0, 1);
  let offset = offsetAt(start);
  for (let t = start + 8 * DAY_MS; t < end; t += 8 * DAY_MS) {
    const now = offsetAt(t);
    if (now === offset) continue;
    // The change lies within the last 8 days; whole days on both sides of it are left to ICU.
    let before = t - 8 * DAY_MS;
    while (before + DAY_MS < t && offsetAt(before + DAY_MS) === offset) before += DAY_MS;
    spans.push({ from: isoDay(start), to: isoDay(before - DAY_MS), offsetSeconds: offset / 1000 });
    start = before + 3 * DAY_MS;
    offset = now;
  }
  spans.push({ from: isoDay(start), to: isoDay(end - 2 * DAY_MS), offsetSeconds: offset / 1000 });
  const usable = spans.filter((s) => s.from < s.to);
  spansByZone.set(zone, usable);
  return usable;
}

/**
 * SQL for the offset in microseconds of a local time, or NULL when the zone's clocks change near it. `compare` gives the
 * SQL of "local time < this ISO day"; the tree is binary, so a value is compared about seven times.
 */
function offsetTree(spans: readonly Span[], compare: (isoDay: string) => string): string {
  const build = (low: number, high: number): string => {
    const middle = (low + high) >> 1;
    const span = spans[middle] as Span;
    if (low === high) return `${span.offsetSeconds * 1_000_000}`;
    const next = spans[middle + 1] as Span;
    return `case when ${compare(span.to)} then ${build(low, middle)} when ${compare(next.from)} then null else ${build(middle + 1, high)} end`;
  };
  const first = spans[0] as Span;
  const last = spans[spans.length - 1] as Span;
  return `case when ${compare(first.from)} then null when ${compare(last.to)} then ${build(0, spans.length - 1)} end`;
}

/**
 * The instant of a canonical local text `YYYY-MM-DD HH:MM:SS[.f]`, NULL when the zone needs a closer look. Text is compared
 * instead of values because that is several times cheaper than converting twice.
 */
export function canonicalInstantSql(ref: string, timestamp: string, zone: Zone): string {
  if (zone.kind === 'offset') return instantMinus(timestamp, zone.seconds === 0 ? undefined : `${zone.seconds * 1_000_000}`);
  const spans = spansOf(zone.name);
  return spans.length === 0
    ? 'null'
    : instantMinus(
        timestamp,
        offsetTree(spans, (day) => `${ref} < ${quoteLiteral(day)}`),
      );
}

function instantMinus(timestamp: string, offset: string | undefined): string {
  // Four times cheaper than AT TIME ZONE 'UTC', and free of the session's zone.
  return offset === undefined ? `make_timestamptz(epoch_us(${timestamp}))` : `make_timestamptz(epoch_us(${timestamp}) - (${offset}))`;
}

/**
 * The instant of a local TIMESTAMP in a zone: NULL when the clocks skip that time, the earlier instant when they show it twice.
 * Both offsets around the local time are tried, that of a day before first: it holds whatever the clocks move by.
 */
export function localInstantSql(timestamp: string, zone: Zone): string {
  if (zone.kind === 'offset') return instantMinus(timestamp, zone.seconds === 0 ? undefined : `${zone.seconds * 1_000_000}`);
  const z = quoteLiteral(zone.name);
  const before = `timezone(${z}, p - interval 24 hours) + interval 24 hours`;
  const after = `timezone(${z}, p + interval 24 hours) - interval 24 hours`;
  const exact = `case when timezone(${z}, ${before}) = p then ${before} when timezone(${z}, ${after}) = p then ${after} end`;
  const spans = spansOf(zone.name);
  const near =
    spans.length === 0
      ? 'null'
      : instantMinus(
          'p',
          offsetTree(spans, (day) => `p < timestamp ${quoteLiteral(day)}`),
        );
  // The lambda binds the parsed value once: CASE branches are not shared by the optimiser.
  return `list_transform([${timestamp}], lambda p: coalesce(${near}, ${exact}))[1]`;
}

/** The local TIMESTAMP of an instant in a zone. */
export function localTimeSql(instant: string, zone: Zone): string {
  if (zone.kind === 'named') return `timezone(${quoteLiteral(zone.name)}, ${instant})`;
  const micros = `epoch_us(${instant})`;
  return `make_timestamp(${zone.seconds === 0 ? micros : `${micros} + ${zone.seconds * 1_000_000}`})`;
}
