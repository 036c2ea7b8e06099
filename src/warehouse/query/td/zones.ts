/** A time zone of the TD functions. Fixed ones are reckoned by their offset alone: DuckDB does not know all of their spellings. */
export interface Zone {
  /** IANA name, or how the fixed zone was written. */
  readonly name: string;
  /** Seconds east of UTC, when they never change. */
  readonly fixed: number | undefined;
}

export const UTC: Zone = { name: 'UTC', fixed: 0 };

const HOUR = 3600;
const DAY = 86_400;

/** Abbreviations that users write, in seconds east of UTC. Those of North America mean one offset, summer or not. */
export const ABBREVIATIONS: ReadonlyMap<string, number> = new Map([
  ['UTC', 0],
  ['GMT', 0],
  ['Z', 0],
  ['JST', 9 * HOUR],
  ['KST', 9 * HOUR],
  ['HST', -10 * HOUR],
  ['AKST', -9 * HOUR],
  ['AKDT', -8 * HOUR],
  ['PST', -8 * HOUR],
  ['PDT', -7 * HOUR],
  ['MST', -7 * HOUR],
  ['MDT', -6 * HOUR],
  ['CST', -6 * HOUR],
  ['CDT', -5 * HOUR],
  ['EST', -5 * HOUR],
  ['EDT', -4 * HOUR],
]);

/** A zone by abbreviation, offset (`+09:00`, `-0330`, `UTC+05:45`) or IANA name in any case; undefined: there is none. */
export function findZone(text: string): Zone | undefined {
  const given = text.trim();
  const known = ABBREVIATIONS.get(given.toUpperCase());
  if (known !== undefined) return { name: given.toUpperCase() === 'Z' ? 'UTC' : given.toUpperCase(), fixed: known };
  const offset = /^(?:UTC|GMT)?([+-])(\d{1,2})(?::?([0-5]\d))?$/i.exec(given);
  if (offset) {
    const seconds = Number(offset[2]) * HOUR + Number(offset[3] ?? 0) * 60;
    if (seconds > 18 * HOUR) return undefined;
    const fixed = offset[1] === '-' ? -seconds : seconds;
    return { name: `GMT${offsetText(fixed, ':')}`, fixed };
  }
  if (!/^[A-Za-z][\w+-]*(?:\/[\w+-]+)*$/.test(given)) return undefined;
  try {
    new Intl.DateTimeFormat('en', { timeZone: given });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
  return { name: given, fixed: undefined };
}

const formatters = new Map<string, Intl.DateTimeFormat>();

function formatterOf(name: string): Intl.DateTimeFormat {
  let found = formatters.get(name);
  if (!found) {
    const numeric = 'numeric' as const;
    const fields = { era: 'short', year: numeric, month: numeric, day: numeric, hour: numeric, minute: numeric, second: numeric } as const;
    formatters.set(name, (found = new Intl.DateTimeFormat('en-US', { timeZone: name, hourCycle: 'h23', ...fields })));
  }
  return found;
}

/** Seconds east of UTC at an instant (unix seconds). */
export function offsetAt(zone: Zone, unix: number): number {
  if (zone.fixed !== undefined) return zone.fixed;
  const parts = new Map(
    formatterOf(zone.name)
      .formatToParts(new Date(unix * 1000))
      .map((p) => [p.type, p.value]),
  );
  const field = (type: Intl.DateTimeFormatPartTypes): number => Number(parts.get(type));
  const local = new Date(0);
  local.setUTCFullYear(parts.get('era') === 'BC' ? 1 - field('year') : field('year'), field('month') - 1, field('day'));
  local.setUTCHours(field('hour'), field('minute'), field('second'));
  return local.getTime() / 1000 - unix;
}

/** Unix seconds as seconds of the zone's wall clock. */
export function toLocal(zone: Zone, unix: number): number {
  return unix + offsetAt(zone, unix);
}

/** The instant of a wall-clock time: of two the earlier, of none (spring) the time moved on by the gap, as Java has it. */
export function toUnix(zone: Zone, local: number): number {
  if (zone.fixed !== undefined) return local - zone.fixed;
  const before = offsetAt(zone, local - DAY);
  const after = offsetAt(zone, local + DAY);
  const first = local - before;
  return offsetAt(zone, first) !== before && offsetAt(zone, local - after) === after ? local - after : first;
}

/** `+0900`, or `+09:00` with a colon. */
export function offsetText(seconds: number, separator = ''): string {
  const two = (n: number): string => String(Math.floor(n)).padStart(2, '0');
  const size = Math.abs(seconds);
  return `${seconds < 0 ? '-' : '+'}${two(size / HOUR)}${separator}${two((size / 60) % 60)}`;
}

const WINTER_AND_SUMMER = [Date.UTC(2024, 0, 15) / 1000, Date.UTC(2024, 6, 15) / 1000];

/** How long the wall-clock time is that autumn repeats; an hour where the zone has no summer time now. */
export function repeatedSeconds(zone: Zone): number {
  const [winter = 0, summer = 0] = WINTER_AND_SUMMER.map((unix) => offsetAt(zone, unix));
  return Math.abs(winter - summer) || HOUR;
}

/** Short names such as `EST` by offset; offsets that are not in it have none. */
export function shortNames(zone: Zone): ReadonlyMap<number, string> {
  if (zone.fixed !== undefined) return new Map([[zone.fixed, zone.name]]);
  const names = new Map<number, string>();
  for (const unix of WINTER_AND_SUMMER) {
    for (const locale of ['en-US', 'en-GB', 'en-AU', 'en-IN', 'ja-JP']) {
      const parts = new Intl.DateTimeFormat(locale, { timeZone: zone.name, timeZoneName: 'short' }).formatToParts(new Date(unix * 1000));
      const name = parts.find((p) => p.type === 'timeZoneName')?.value ?? '';
      if (/^[A-Z]{2,5}$/.test(name)) {
        names.set(offsetAt(zone, unix), name);
        break;
      }
    }
  }
  return names;
}

/** Instants from here on, in unix seconds, may be reckoned by {@link steadyZone}: 1972, so that the year before is covered, too. */
export const STEADY_FROM = Date.UTC(1972, 0, 1) / 1000;

const steady = new Map<string, Zone | undefined>();

/** The zone as a fixed one, where its offset was never another since 1970 (Asia/Tokyo): arithmetic is fifty times faster. */
export function steadyZone(zone: Zone): Zone | undefined {
  if (zone.fixed !== undefined) return zone;
  if (!steady.has(zone.name)) steady.set(zone.name, findSteady(zone));
  return steady.get(zone.name);
}

function findSteady(zone: Zone): Zone | undefined {
  const [winter = 0, summer = 0] = WINTER_AND_SUMMER.map((unix) => offsetAt(zone, unix));
  if (winter !== summer) return undefined;
  // Month by month: summer times were shorter than a quarter here and there.
  for (let month = 0; month < 12 * 70; month++) if (offsetAt(zone, Date.UTC(1970, month, 10) / 1000) !== winter) return undefined;
  return { name: shortNames(zone).get(winter) ?? `GMT${offsetText(winter, ':')}`, fixed: winter };
}
