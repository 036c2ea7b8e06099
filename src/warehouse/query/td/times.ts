import { findZone, toUnix, UTC, type Zone } from './zones.js';

/** Units of time by Treasure Data's letters: minute is `m`, month `M`. */
export type Unit = 's' | 'm' | 'h' | 'd' | 'w' | 'M' | 'q' | 'y';

/** Seconds of the units that always have as many. */
export const UNIT_SECONDS: Readonly<Partial<Record<Unit, number>>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

export const UNIT_NAMES: ReadonlyMap<string, Unit> = new Map([
  ['second', 's'],
  ['minute', 'm'],
  ['hour', 'h'],
  ['day', 'd'],
  ['week', 'w'],
  ['month', 'M'],
  ['quarter', 'q'],
  ['year', 'y'],
]);

/** DuckDB's name of a unit. */
export function unitName(unit: Unit): string {
  return [...UNIT_NAMES].find(([, u]) => u === unit)?.[0] ?? 'second';
}

/** 1970-01-01 was a Thursday; weeks start on Monday. */
export const MONDAY_SHIFT = 3 * 86_400;

const TIME = /^\s*(\d{4})-(\d\d?)-(\d\d?)(?:[ T](\d\d?):(\d\d)(?::(\d\d)(?:\.\d+)?)?)?\s*([A-Za-z+-][\w:+/-]*)?\s*$/;

/** The same as {@link parseTimeText} reads, for RE2: 1 is the time, 2 the zone. */
export const TIME_RE2 = String.raw`^\s*(\d{4}-\d{1,2}-\d{1,2}(?:[ T]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?)\s*([A-Za-z+-][\w:+/-]*)?\s*$`;

/** Unix seconds of `YYYY-MM-DD[ hh:mm[:ss]][ zone]`; `zone` is for text without its own (UTC). Undefined: it is no such text. */
export function parseTimeText(text: string, zone: Zone = UTC): number | undefined {
  const m = TIME.exec(text);
  if (!m) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = m.slice(1, 7).map((part) => Number(part ?? 0));
  const at = new Date(0);
  at.setUTCFullYear(year, month - 1, day);
  if (at.getUTCMonth() !== month - 1 || at.getUTCDate() !== day || hour > 23 || minute > 59 || second > 59) return undefined;
  at.setUTCHours(hour, minute, second);
  const own = m[7] === undefined ? zone : findZone(m[7]);
  return own && toUnix(own, at.getTime() / 1000);
}

/** Start of the unit that a wall-clock time lies in. */
export function truncateLocal(local: number, unit: Unit): number {
  const at = new Date(local * 1000);
  const start = (month: number): number => {
    const first = new Date(0);
    first.setUTCFullYear(at.getUTCFullYear(), month, 1);
    return first.getTime() / 1000;
  };
  switch (unit) {
    case 's':
      return Math.floor(local);
    case 'm':
    case 'h':
    case 'd':
      return local - floorMod(local, UNIT_SECONDS[unit] ?? 1);
    case 'w':
      return local - floorMod(local + MONDAY_SHIFT, 604_800);
    case 'M':
      return start(at.getUTCMonth());
    case 'q':
      return start(at.getUTCMonth() - (at.getUTCMonth() % 3));
    case 'y':
      return start(0);
  }
}

/** Moves a wall-clock time by whole units. */
export function addLocal(local: number, count: number, unit: Unit): number {
  const seconds = UNIT_SECONDS[unit];
  if (seconds !== undefined) return local + count * seconds;
  const at = new Date(local * 1000);
  at.setUTCMonth(at.getUTCMonth() + count * (unit === 'y' ? 12 : unit === 'q' ? 3 : 1));
  return at.getTime() / 1000;
}

/** Seconds of `[+|-]` and one or more of `Nw Nd Nh Nm Ns`. */
export function parseDuration(text: string): number | undefined {
  const m = /^\s*([+-]?)((?:\d{1,9}[wdhms])+)\s*$/.exec(text);
  if (!m) return undefined;
  let seconds = 0;
  for (const [, count = '', unit = ''] of (m[2] ?? '').matchAll(/(\d+)([wdhms])/g)) seconds += Number(count) * (UNIT_SECONDS[unit as Unit] ?? 0);
  return m[1] === '-' ? -seconds : seconds;
}

function floorMod(value: number, by: number): number {
  return ((value % by) + by) % by;
}
