import type { ScheduleDefinition } from '../../core/config/index.js';
import { previousTime } from '../../core/schedule/next-time.js';
import type { JobStore } from '../../core/spi/index.js';

/**
 * What the schedules that a nominal time waits for have come to. `waits`: some time is still to come or at work. `failed`: some ended
 * without success, and may be run again by hand.
 */
export type DependencyState =
  | { readonly is: 'ready'; /** When the last of them succeeded; 0 without any. */ readonly since: number }
  | { readonly is: 'waits' }
  | { readonly is: 'failed' };

const PAGE = 10_000;

/** Looks at every time of the other schedules after the one before `time`, up to `time`. */
export async function checkDependencies(
  definition: ScheduleDefinition,
  time: number,
  store: Pick<JobStore, 'getSchedule' | 'listFirings'>,
): Promise<DependencyState> {
  const { cron, zone } = definition.times;
  const before = definition.dependsOn.length === 0 ? null : previousTime(cron, zone, time);
  let since = 0;
  let failed = false;
  for (const name of definition.dependsOn) {
    const pending = (await store.getSchedule(name))?.nextTime ?? Infinity;
    if (pending <= time) return { is: 'waits' };
    // A time without a firing was none of the other schedule's then: before its creation, or before its cron was changed.
    for (let to = time + 1; ;) {
      const firings = await store.listFirings(name, { from: (before ?? -1) + 1, to, limit: PAGE });
      for (const { succeededAt, jobStatus, jobId } of firings) {
        if (succeededAt !== null) since = Math.max(since, succeededAt);
        else if (jobStatus === 'queued' || jobStatus === 'running') return { is: 'waits' };
        // A job that is kept no more ended long ago, and nobody knows how.
        else if (jobId === null || jobStatus !== null) failed = true;
      }
      if (firings.length < PAGE) break;
      to = firings.at(-1)?.nominalTime ?? 0;
    }
  }
  return failed ? { is: 'failed' } : { is: 'ready', since };
}
