import { truncateLocal, UNIT_SECONDS, type Unit } from './times.js';
import { offsetAt, toLocal, toUnix, type Zone } from './zones.js';

/** The instant at which the unit that holds `unix` starts in the zone. */
export function truncateUnix(unix: number, unit: Unit, zone: Zone): number {
  // Up to an hour by the offset in force: by wall clock the hour that autumn repeats would fall into the first one.
  if (unit === 's' || unit === 'm' || unit === 'h') {
    const seconds = UNIT_SECONDS[unit] ?? 1;
    const local = unix + offsetAt(zone, unix);
    return unix - (((local % seconds) + seconds) % seconds);
  }
  return toUnix(zone, truncateLocal(toLocal(zone, unix), unit));
}
