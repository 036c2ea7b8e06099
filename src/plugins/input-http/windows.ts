import type { ConfigPlace } from '../../core/spi/index.js';
import { configProblem } from '../shared/config-problem.js';

export interface Windows {
  readonly start: string;
  readonly hours: number;
  readonly from_param: string;
  readonly to_param: string;
  readonly format: 'iso' | 'date' | 'unix' | 'unix_ms';
  readonly lag_hours: number;
}

const HOUR = 3_600_000;
const MOST = 100_000;

/** The parameters of all windows that are over, oldest first. `now` in milliseconds since 1970. */
export function listWindows(windows: Windows, now: number, place: ConfigPlace): readonly (readonly [string, string])[][] {
  const fail = (key: string, message: string, hint: string): never => {
    throw configProblem(place, `windows.${key}`, { code: 'HTTP_WINDOWS', message, hint });
  };
  const hasZone = /(Z|[+-]\d{2}:?\d{2})$/i.test(windows.start) || /^\d{4}-\d{2}-\d{2}$/.test(windows.start);
  const start = Date.parse(hasZone ? windows.start : `${windows.start}Z`);
  if (Number.isNaN(start)) fail('start', `expected a time, found "${windows.start}"`, 'write it as 2026-01-01 or 2026-01-01T00:00:00Z');
  if (windows.format === 'date' && (windows.hours % 24 !== 0 || start % (24 * HOUR) !== 0))
    fail('hours', `expected whole days, since dates have no time, found ${windows.hours}`, 'set hours to 24 or a multiple, or choose another format');
  const length = windows.hours * HOUR;
  const count = Math.max(0, Math.floor((now - windows.lag_hours * HOUR - start) / length));
  if (count > MOST) fail('start', `these are ${count} windows; at most ${MOST} are read`, 'begin later, or set hours higher');
  const format = FORMATS[windows.format];
  return Array.from({ length: count }, (_, k) => [
    [windows.from_param, format(start + k * length)],
    [windows.to_param, format(start + (k + 1) * length)],
  ]);
}

const FORMATS: Readonly<Record<Windows['format'], (ms: number) => string>> = {
  iso: (ms) => new Date(ms).toISOString(),
  date: (ms) => new Date(ms).toISOString().slice(0, 10),
  unix: (ms) => String(Math.floor(ms / 1000)),
  unix_ms: String,
};
