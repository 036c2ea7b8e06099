import { zoneOffset } from '../../core/spi/index.js';

const DAY_MS = 86_400_000;

/** A time zone's clock. Local times are milliseconds as if the wall clock showed UTC. */
export interface PropertyClock {
  /** The day `YYYY-MM-DD` at an instant. */
  dayOf(instant: number): string;
  /**
   * The first instant whose wall clock shows `local` or later. A time shown twice (clocks go back) is the earlier one; one
   * never shown (clocks go forward) is the moment of the change: days that begin at 01:00 have a start, too.
   */
  startOf(local: number): number;
}

/** Undefined for a zone this Node.js does not know. */
export function openClock(zone: string): PropertyClock | undefined {
  const offsetAt = zoneOffset(zone);
  if (!offsetAt) return undefined;
  return {
    dayOf: (instant) => isoDay(instant + offsetAt(instant)),
    startOf(local) {
      // Offsets a day before and after cover every change near the time itself.
      const before = local - offsetAt(local - DAY_MS);
      const after = local - offsetAt(local + DAY_MS);
      const shown = [before, after].filter((instant) => instant + offsetAt(instant) === local);
      return shown.length > 0 ? Math.min(...shown) : changeBetween(after, before, offsetAt);
    },
  };
}

/** The instant of the change of clocks in (low, high], to the second. */
function changeBetween(low: number, high: number, offsetAt: (instant: number) => number): number {
  const old = offsetAt(low);
  let [from, to] = [low, high];
  while (to - from > 1000) {
    const middle = Math.floor((from + to) / 2000) * 1000;
    if (offsetAt(middle) === old) from = middle;
    else to = middle;
  }
  return to;
}

export function isoDay(local: number): string {
  return new Date(local).toISOString().slice(0, 10);
}

export function addDays(day: string, days: number): string {
  return isoDay(Date.parse(`${day}T00:00:00Z`) + days * DAY_MS);
}

/** All days from `start` to `end`, both included. */
export function daysBetween(start: string, end: string): number {
  return Math.round((Date.parse(`${end}T00:00:00Z`) - Date.parse(`${start}T00:00:00Z`)) / DAY_MS) + 1;
}
