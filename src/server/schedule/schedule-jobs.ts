import type { ScheduleDefinition } from '../../core/config/index.js';
import { nextTime, previousTime, timesBetween } from '../../core/schedule/next-time.js';
import { ConfigError, type JobTrigger, type NewJob } from '../../core/spi/index.js';

/** The job of a nominal time that the timer makes. */
export function timerJob(definition: ScheduleDefinition, nominalTime: number): NewJob {
  return makeJob(definition, nominalTime, { trigger: 'timer', serial: definition.overlap !== 'allow' });
}

/** A further run, now: as the timer's, but of no period; its nominal time is `now`. */
export function extraJob(definition: ScheduleDefinition, now: number): NewJob {
  return makeJob(definition, Math.floor(now / 1000) * 1000, { trigger: 'manual', serial: definition.overlap !== 'allow' });
}

export interface PeriodRun {
  readonly trigger: Extract<JobTrigger, 'manual' | 'backfill' | 'api'>;
  /** Several periods at once instead of one after the other. */
  readonly parallel?: boolean;
  /** Rows may be added a second time. */
  readonly appendAgain?: boolean;
}

/**
 * The job that runs a period once more. It neither reads nor moves the cursor. Errors: ConfigError PERIOD_APPENDS where the rows would
 * stand twice, PERIOD_PARALLEL for pipelines with state.
 */
export function periodJob(definition: ScheduleDefinition, nominalTime: number, run: PeriodRun): NewJob {
  checkPeriodRun(definition, run);
  const job = makeJob(definition, nominalTime, { trigger: run.trigger, serial: run.parallel !== true });
  return { ...job, payload: { ...job.payload, movesState: false } };
}

/** Errors as {@link periodJob}. */
export function checkPeriodRun({ name, appends, keepsState }: ScheduleDefinition, { parallel, appendAgain }: Omit<PeriodRun, 'trigger'>): void {
  if (parallel === true && keepsState.length > 0)
    throw new ConfigError({
      code: 'PERIOD_PARALLEL',
      message: `schedule ${name}: ${keepsState.join(', ')} keeps a state, so its periods run one after the other`,
      hint: 'leave --parallel out, or load each period with mode: replace and replace_where',
    });
  if (appendAgain === true || appends.length === 0) return;
  throw new ConfigError({
    code: 'PERIOD_APPENDS',
    message:
      appends[0] === 'INSERT'
        ? `schedule ${name}: its INSERT would add the rows of the period a second time`
        : `schedule ${name}: ${appends.join(', ')} would hold the rows of the period a second time`,
    hint: 'use mode: merge, or replace with replace_where on the period; or give --append-again',
  });
}

/** Nominal times from `from` to `to`, both included, at most `limit`. */
export function periodsBetween({ times }: ScheduleDefinition, from: number, to: number, limit: number): readonly number[] {
  return timesBetween(times.cron, times.zone, from - 1, to, limit);
}

/** The last `count` nominal times that are due at `now`, oldest first. */
export function lastPeriods({ times, delaySecs }: ScheduleDefinition, now: number, count: number): readonly number[] {
  const found: number[] = [];
  let time = previousTime(times.cron, times.zone, now - delaySecs * 1000 + 1);
  for (; time !== null && found.length < count; time = previousTime(times.cron, times.zone, time)) found.unshift(time);
  return found;
}

/** Errors: ConfigError PERIOD_UNKNOWN for a time that is none of the schedule's. */
export function checkPeriod({ name, times, timezone }: ScheduleDefinition, time: number): void {
  if (nextTime(times.cron, times.zone, time - 1) === time) return;
  const near = [previousTime(times.cron, times.zone, time), nextTime(times.cron, times.zone, time)].filter((each) => each !== null);
  throw new ConfigError({
    code: 'PERIOD_UNKNOWN',
    message: `schedule ${name}: ${isoTime(time)} is none of its times (${times.zone.name === 'UTC' ? 'UTC' : timezone})`,
    hint: near.length === 0 ? 'it never runs' : `the nearest ones: ${near.map(isoTime).join(', ')}`,
  });
}

/** `2026-11-22T00:00:00Z` */
export function isoTime(time: number): string {
  return new Date(time).toISOString().replace('.000Z', 'Z');
}

function makeJob(definition: ScheduleDefinition, nominalTime: number, { trigger, serial }: { trigger: JobTrigger; serial: boolean }): NewJob {
  const { name, payload, priority, retries, timeoutSecs, connections, tags } = definition;
  return {
    kind: payload.kind,
    name,
    payload: { ...payload, schedule: name, scheduledTime: nominalTime },
    trigger,
    nominalTime,
    priority,
    notBefore: 0,
    maxAttempts: retries.limit + 1,
    retryWait: { initialMs: retries.initialWaitSecs * 1000, maxMs: retries.maxWaitSecs * 1000 },
    timeoutMs: timeoutSecs === null ? null : timeoutSecs * 1000,
    uses: serial ? [...connections, `schedule:${name}`] : connections,
    parentId: null,
    tags,
  };
}
