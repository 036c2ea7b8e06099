import { addLocal, parseTimeText, truncateLocal, type Unit } from './times.js';
import { toLocal, toUnix, type Zone } from './zones.js';

/** `[start, end)` in unix seconds. */
export type Window = readonly [start: number, end: number];

const DURATION = /^([+-]?)(\d{1,6})([smhdwMqy])$/;

interface Duration {
  readonly sign: string;
  readonly count: number;
  readonly unit: Unit;
}

/**
 * The window that TD_INTERVAL's text names: `HEAD[/OFFSET…]`, each a duration such as `-7d`, `now`, or a time; offsets apply
 * from right to left, only the head keeps its length, the current unit is left out of what lies before (`-1d` is yesterday).
 * Zones follow their rules on both ends, also over a change to summer time. Undefined: it is no such text.
 */
export function parseInterval(text: string, now: number, zone: Zone): Window | undefined {
  const [head = '', ...offsets] = text
    .trim()
    .split('/')
    .map((part) => part.trim());
  const base = resolveOffsets(offsets, toLocal(zone, now), zone);
  if (base === undefined) return undefined;
  const duration = readDuration(head);
  const window = duration ? headWindow(duration, base) : fixedWindow(head, base, toLocal(zone, now), zone);
  return window && [toUnix(zone, window[0]), toUnix(zone, window[1])];
}

interface Base {
  readonly at: number;
  /** No offset was given. */
  readonly bare: boolean;
  /** The head's unit does not cut it: `-1h/0m` ends at the minute, `-3d/2017-04-07 12:00:00` at midnight. */
  readonly exact: boolean;
}

function resolveOffsets(offsets: readonly string[], now: number, zone: Zone): Base | undefined {
  let at = now;
  let exact = false;
  for (const text of offsets.toReversed()) {
    const duration = readDuration(text);
    if (text === 'now') {
      at = now;
      exact = true;
    } else if (duration) {
      const [start, end] = unitWindow(duration, at);
      at = isBack(duration) ? start : end;
      exact = true;
    } else {
      const time = readTime(text, zone);
      if (time === undefined) return undefined;
      at = time;
      exact = text.endsWith(')');
    }
  }
  return { at, bare: offsets.length === 0, exact };
}

function headWindow(head: Duration, base: Base): Window {
  const { unit, count } = head;
  const start = truncateLocal(base.at, unit);
  if (isBack(head)) return [addLocal(start, -count, unit), base.exact ? base.at : start];
  return [head.sign === '+' && !base.bare ? base.at : start, addLocal(start, count, unit)];
}

function fixedWindow(head: string, base: Base, now: number, zone: Zone): Window | undefined {
  const start = readTime(head, zone);
  return start === undefined ? undefined : [start, base.bare ? now : base.at];
}

/** Whole units before or after the start of the unit that `at` lies in. */
function unitWindow(duration: Duration, at: number): Window {
  const { count, unit } = duration;
  const start = truncateLocal(at, unit);
  return isBack(duration) ? [addLocal(start, -count, unit), start] : [start, addLocal(start, count, unit)];
}

function isBack({ sign, count }: Duration): boolean {
  return sign === '-' || count === 0;
}

function readDuration(text: string): Duration | undefined {
  const m = DURATION.exec(text);
  return m ? { sign: m[1] ?? '', count: Number(m[2]), unit: m[3] as Unit } : undefined;
}

function readTime(text: string, zone: Zone): number | undefined {
  const unix = parseTimeText(text.replace(/\)$/, ''), zone);
  return unix === undefined ? undefined : toLocal(zone, unix);
}
