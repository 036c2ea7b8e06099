import { ConfigError, zoneOffset } from '../spi/index.js';

/** A time on a wall clock. */
export interface WallTime {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

/** The rules of one IANA zone. */
export interface Zone {
  readonly name: string;
  wallTime(instant: number): WallTime;
  /** The instants that show this wall time: none in a gap, two where clocks go back, else one; in order. */
  instants(wall: WallTime): readonly number[];
  /** The first instant after the gap that swallows this wall time. */
  afterGap(wall: WallTime): number;
}

const zones = new Map<string, Zone>();
const HOUR = 3_600_000;
const SLOT = 900_000;

/** Errors: ConfigError TIMEZONE. */
export function openZone(name: string): Zone {
  const known = zones.get(name);
  if (known) return known;
  const offset = zoneOffset(name);
  if (!offset) {
    throw new ConfigError({
      code: 'TIMEZONE',
      message: `timezone: expected an IANA time zone, found ${JSON.stringify(name)}`,
      hint: 'such as UTC, Asia/Tokyo or Europe/Berlin',
    });
  }
  const zone = /^(UTC|Etc\/UTC|Z)$/i.test(name) ? UTC : new RuledZone(name, offset);
  zones.set(name, zone);
  return zone;
}

export function utcOf({ year, month, day, hour, minute, second }: WallTime): number {
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

function wallOf(utc: number): WallTime {
  const date = new Date(utc);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
  };
}

const UTC: Zone = { name: 'UTC', wallTime: wallOf, instants: (wall) => [utcOf(wall)], afterGap: utcOf };

class RuledZone implements Zone {
  readonly name: string;
  readonly #measure: (instant: number) => number;
  /** Offsets at the start of quarters of an hour. */
  readonly #offsets = new Map<number, number>();

  constructor(name: string, measure: (instant: number) => number) {
    this.name = name;
    this.#measure = measure;
  }

  wallTime(instant: number): WallTime {
    return wallOf(instant + this.#offset(instant));
  }

  instants(wall: WallTime): readonly number[] {
    const utc = utcOf(wall);
    // Every offset lies within a day; before and after a change there are at most two.
    const offsets = new Set([this.#offset(utc - 24 * HOUR), this.#offset(utc + 24 * HOUR), this.#offset(utc)]);
    const found = [...offsets].map((offset) => utc - offset).filter((instant) => instant + this.#offset(instant) === utc);
    return [...new Set(found)].sort((a, b) => a - b);
  }

  afterGap(wall: WallTime): number {
    const utc = utcOf(wall);
    // The change lies between the instant by the old offset less a day and the one by the new offset.
    let low = utc - this.#offset(utc - 24 * HOUR) - 24 * HOUR;
    let high = utc - this.#offset(utc + 24 * HOUR) + 24 * HOUR;
    while (high - low > 1000) {
      const middle = Math.floor((low + high) / 2000) * 1000;
      if (middle + this.#offset(middle) < utc) low = middle;
      else high = middle;
    }
    return high;
  }

  /** Local less UTC in milliseconds. */
  #offset(instant: number): number {
    const slot = Math.floor(instant / SLOT);
    const start = this.#offsetOfSlot(slot);
    // Some zones changed at a minute past midnight.
    return start === this.#offsetOfSlot(slot + 1) ? start : this.#measure(instant);
  }

  #offsetOfSlot(slot: number): number {
    const known = this.#offsets.get(slot);
    if (known !== undefined) return known;
    if (this.#offsets.size > 10_000) this.#offsets.clear();
    const offset = this.#measure(slot * SLOT);
    this.#offsets.set(slot, offset);
    return offset;
  }
}
