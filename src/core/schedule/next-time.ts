import type { CronExpression } from './cron-expression.js';
import { utcOf, type WallTime, type Zone } from './zoned-time.js';

/** Years without a match after which there is none: 29 February on a given weekday comes within 40 years. */
const YEARS = 44;

/**
 * The first nominal time after `after`, in milliseconds since 1970; null when there is none.
 *
 * Where clocks go forward, a time of a fixed hour that is skipped comes at the first instant after the gap; where they go back, it
 * comes once, the first time. Expressions with `*` hours follow real time: every real hour has its firings, a skipped one none.
 */
export function nextTime(cron: CronExpression, zone: Zone, after: number): number | null {
  const start = zone.wallTime(after);
  const day = new CalendarDay(start);
  // Clocks that were changed lately may bring a time of the day before.
  if (offsetAt(zone, after) !== offsetAt(zone, after - 24 * HOUR)) day.back();
  while (day.year <= start.year + YEARS) {
    if (!cron.months.has(day.month)) {
      day.toNextMonth();
      continue;
    }
    const found = matchesDay(cron, day) ? firstOf(cron, zone, day, after) : null;
    if (found !== null) return found;
    day.forward();
  }
  return null;
}

/** The last nominal time before `before`; null when there is none within {@link YEARS}. */
export function previousTime(cron: CronExpression, zone: Zone, before: number): number | null {
  for (let span = 1000; span <= YEARS * 366 * 24 * HOUR; span *= 2) {
    let found = nextTime(cron, zone, before - span - 1);
    if (found === null || found >= before) continue;
    for (let later: number | null = found; later !== null && later < before; later = nextTime(cron, zone, later)) found = later;
    return found;
  }
  return null;
}

function offsetAt(zone: Zone, instant: number): number {
  const whole = Math.floor(instant / 1000) * 1000;
  return utcOf(zone.wallTime(whole)) - whole;
}

/** All nominal times in (after, until], at most `limit`. */
export function timesBetween(cron: CronExpression, zone: Zone, after: number, until: number, limit: number): readonly number[] {
  const times: number[] = [];
  for (let time = nextTime(cron, zone, after); time !== null && time <= until && times.length < limit; time = nextTime(cron, zone, time))
    times.push(time);
  return times;
}

function firstOf(cron: CronExpression, zone: Zone, day: CalendarDay, after: number): number | null {
  let best: number | null = null;
  for (const hour of cron.hours) {
    const at = (minute: number, second: number): WallTime => ({ year: day.year, month: day.month, day: day.day, hour, minute, second });
    const base = regularHour(zone, at);
    if (base === undefined) {
      // Order on the wall is not order in time here: look at all of the hour.
      for (const minute of cron.minutes)
        for (const second of cron.seconds) {
          const time = firstInstant(cron, zone, at(minute, second), after);
          if (time !== null && (best === null || time < best)) best = time;
        }
    } else {
      if (best !== null && base > best) return best;
      if (base + HOUR <= after) continue;
      const time = firstWithin(cron, base, after);
      if (time !== null && (best === null || time < best)) best = time;
    }
  }
  return best;
}

const HOUR = 3_600_000;

/** The first instant of an hour in which the clock runs as it should; undefined where it is changed. */
function regularHour(zone: Zone, at: (minute: number, second: number) => WallTime): number | undefined {
  const [first, ...others] = zone.instants(at(0, 0));
  const [last, ...more] = zone.instants(at(59, 59));
  const regular = first !== undefined && others.length === 0 && more.length === 0 && last === first + HOUR - 1000;
  return regular ? first : undefined;
}

function firstWithin(cron: CronExpression, base: number, after: number): number | null {
  for (const minute of cron.minutes) {
    if (base + (minute + 1) * 60_000 <= after) continue;
    for (const second of cron.seconds) {
      const time = base + minute * 60_000 + second * 1000;
      if (time > after) return time;
    }
  }
  return null;
}

function firstInstant(cron: CronExpression, zone: Zone, wall: WallTime, after: number): number | null {
  const instants = zone.instants(wall);
  if (instants.length === 0) {
    if (!cron.fixedHours) return null;
    const time = zone.afterGap(wall);
    return time > after ? time : null;
  }
  const candidates = cron.fixedHours ? instants.slice(0, 1) : instants;
  return candidates.find((time) => time > after) ?? null;
}

function matchesDay(cron: CronExpression, day: CalendarDay): boolean {
  const byMonth = cron.days.has(day.day) || (cron.days.has('last') && day.day === day.monthLength);
  const weekday = day.weekday;
  const byWeek =
    cron.weekdays.has(weekday) ||
    cron.nthWeekdays.some(
      (each) => each.weekday === weekday && (each.nth === 0 ? day.day > day.monthLength - 7 : Math.ceil(day.day / 7) === each.nth),
    );
  return cron.eitherDay ? byMonth || byWeek : byMonth && byWeek;
}

/** A date of the proleptic Gregorian calendar that moves. */
class CalendarDay {
  year: number;
  month: number;
  day: number;

  constructor({ year, month, day }: WallTime) {
    this.year = year;
    this.month = month;
    this.day = day;
  }

  get monthLength(): number {
    return new Date(Date.UTC(this.year, this.month, 0)).getUTCDate();
  }

  get weekday(): number {
    return new Date(Date.UTC(this.year, this.month - 1, this.day)).getUTCDay();
  }

  back(): void {
    const before = new Date(Date.UTC(this.year, this.month - 1, this.day - 1));
    this.year = before.getUTCFullYear();
    this.month = before.getUTCMonth() + 1;
    this.day = before.getUTCDate();
  }

  forward(): void {
    if (++this.day > this.monthLength) this.toNextMonth();
  }

  toNextMonth(): void {
    this.day = 1;
    if (++this.month > 12) {
      this.month = 1;
      this.year++;
    }
  }
}
