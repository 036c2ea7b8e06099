import type { ScheduleDefinition } from '../../core/config/index.js';
import { nextTime } from '../../core/schedule/next-time.js';
import type { FiringOutcome, ScheduleRecord, ScheduleStep } from '../../core/spi/index.js';
import type { DependencyState } from './dependencies.js';
import { timerJob } from './schedule-jobs.js';

/** A time that is handled later than this after it could have run was missed. */
export const MISSED_AFTER_MS = 60_000;
/** Outcomes recorded in one transaction. */
const MOST_FIRINGS = 100;
/** Between two looks at what a time waits for: a tenth of the time it has waited. */
const SHORTEST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 15_000;

/** What decides an outcome beside the definition; asked for only where it matters. */
export interface Facts {
  /** Whether a job that the timer made for this schedule has not ended. */
  hasOpenJob(): Promise<boolean>;
  dependencies(time: number): Promise<DependencyState>;
}

/** Decides the outcomes of a due schedule's times, oldest first, up to one that has to wait. */
export async function planStep(record: ScheduleRecord, definition: ScheduleDefinition, now: number, facts: Facts): Promise<ScheduleStep> {
  const { times } = definition;
  const delay = definition.delaySecs * 1000;
  const expectedNext = record.nextTime ?? 0;
  const firings: ScheduleStep['firings'][number][] = [];
  const judge = new Judge(record, definition, now, facts);
  let time: number | null = record.nextTime;
  while (time !== null && time + delay <= now && firings.length < MOST_FIRINGS) {
    const following = nextTime(times.cron, times.zone, time);
    const outcome = await judge.decide(time, following !== null && following + delay <= now);
    if (outcome === 'waits') {
      const wait = Math.min(LONGEST_WAIT_MS, Math.max(SHORTEST_WAIT_MS, (now - time - delay) / 10));
      return { name: record.name, expectedNext, firings, nextTime: time, dueAt: now + Math.ceil(wait) };
    }
    firings.push(outcome === 'queued' ? startOf(definition, time) : { nominalTime: time, outcome });
    time = following;
  }
  return { name: record.name, expectedNext, firings, nextTime: time, dueAt: time === null ? null : time + delay };
}

function startOf(definition: ScheduleDefinition, nominalTime: number): ScheduleStep['firings'][number] {
  const start = { nominalTime, outcome: 'queued', job: timerJob(definition, nominalTime) } as const;
  return definition.overlap === 'cancel_previous' ? { ...start, cancelsEarlier: true } : start;
}

class Judge {
  readonly #record: ScheduleRecord;
  readonly #definition: ScheduleDefinition;
  readonly #now: number;
  readonly #facts: Facts;
  #open: boolean | undefined;

  constructor(record: ScheduleRecord, definition: ScheduleDefinition, now: number, facts: Facts) {
    this.#record = record;
    this.#definition = definition;
    this.#now = now;
    this.#facts = facts;
  }

  /** `newerIsDue`: the next time after this one is due already. */
  async decide(time: number, newerIsDue: boolean): Promise<FiringOutcome | 'waits'> {
    const { enabled, catchUp, overlap, dependsOn, delaySecs } = this.#definition;
    if (!enabled) return 'skipped_disabled';
    if (this.#record.paused) return 'skipped_paused';
    let readyAt = time + delaySecs * 1000;
    if (dependsOn.length > 0) {
      const state = await this.#facts.dependencies(time);
      if (state.is === 'waits') return 'waits';
      if (state.is === 'failed') return newerIsDue ? 'skipped_dependency' : 'waits';
      readyAt = Math.max(readyAt, state.since);
    }
    const missed = this.#now - readyAt > MISSED_AFTER_MS;
    if (missed && (catchUp === 'none' || (catchUp === 'latest' && newerIsDue))) return 'skipped_missed';
    // Missed times that are all wanted line up one behind the other.
    if (overlap === 'skip' && !(missed && catchUp === 'all') && (await this.#hasOpenJob())) return 'skipped_overlap';
    this.#open = true;
    return 'queued';
  }

  async #hasOpenJob(): Promise<boolean> {
    this.#open ??= await this.#facts.hasOpenJob();
    return this.#open;
  }
}
