/** A cron of whole minutes, as sets; undefined stands for `*`. */
export interface SimpleCron {
  readonly minutes: readonly number[];
  readonly hours: readonly number[] | undefined;
  readonly weekdays: readonly number[] | undefined;
}

export function cronText({ minutes, hours, weekdays }: SimpleCron): string {
  return `${minutes.join(',')} ${hours?.join(',') ?? '*'} * * ${weekdays?.join(',') ?? '*'}`;
}

const MINUTE = 60_000;

/**
 * The nominal times in (after, until], found the slow way: by looking at what the clock on the wall shows at every minute. The clock
 * may show a matching time twice (a fixed hour counts the first only), or jump over it (a fixed hour comes right after the jump).
 */
export function wallTimes(cron: SimpleCron, timezone: string, after: number, until: number): readonly number[] {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  });
  // What the wall shows, as if it were UTC.
  const wallAt = (instant: number): number => {
    const parts = Object.fromEntries(format.formatToParts(instant).map(({ type, value }) => [type, Number(value)]));
    return Date.UTC(parts['year'] ?? 0, (parts['month'] ?? 1) - 1, parts['day'], parts['hour'], parts['minute']);
  };
  const matches = (wall: number): boolean => {
    const date = new Date(wall);
    return (
      cron.minutes.includes(date.getUTCMinutes()) &&
      (cron.hours?.includes(date.getUTCHours()) ?? true) &&
      (cron.weekdays?.includes(date.getUTCDay()) ?? true)
    );
  };
  const fixed = cron.hours !== undefined;
  const times: number[] = [];
  const shown = new Set<number>();
  const start = Math.floor(after / MINUTE) * MINUTE - 3 * 60 * MINUTE;
  let wall = wallAt(start);
  for (let instant = start; instant <= until; instant += MINUTE) {
    const before = wall;
    wall = wallAt(instant);
    let fires = matches(wall) && !(fixed && shown.has(wall));
    if (fixed) for (let skipped = before + MINUTE; skipped < wall; skipped += MINUTE) if (matches(skipped) && !shown.has(skipped)) fires = true;
    shown.add(wall);
    if (fires && instant > after) times.push(instant);
  }
  return times;
}
