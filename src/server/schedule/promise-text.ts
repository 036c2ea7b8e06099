import type { ScheduleSla } from '../../core/config/index.js';
import type { SlaKind } from '../../core/spi/index.js';

const UNITS = [
  ['d', 86_400],
  ['h', 3600],
  ['m', 60],
] as const;

/** `finish_within: 2h` */
export function describePromise(kind: SlaKind, sla: ScheduleSla | null): string {
  const secs = secondsOf(kind, sla);
  return secs === null ? kind : `${kind}: ${durationText(secs)}`;
}

/** All that is promised, for lists; empty: nothing. */
export function describeSla(sla: ScheduleSla | null): string {
  const kinds = (['finish_within', 'max_age'] as const).filter((kind) => secondsOf(kind, sla) !== null);
  return kinds.map((kind) => describePromise(kind, sla)).join(', ');
}

function secondsOf(kind: SlaKind, sla: ScheduleSla | null): number | null {
  return (kind === 'finish_within' ? sla?.finishWithinSecs : sla?.maxAgeSecs) ?? null;
}

/** As short as it is exact: 5400 is `90m`. */
function durationText(secs: number): string {
  const unit = UNITS.find(([, size]) => secs % size === 0);
  return unit ? `${secs / unit[1]}${unit[0]}` : `${secs}s`;
}
