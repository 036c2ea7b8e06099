import type { ScheduleDefinition } from '../../core/config/index.js';
import { nextTime } from '../../core/schedule/next-time.js';
import type { Clock, JobStore, Logger, ScheduleRecord } from '../../core/spi/index.js';
import { checkDependencies } from './dependencies.js';
import { planStep, type Facts } from './plan-step.js';

/** The store with the clock that decides what is due. */
export type SchedulerStore = Pick<JobStore, 'syncSchedules' | 'dueSchedules' | 'stepSchedule' | 'getSchedule' | 'listFirings' | 'listJobs'> & {
  /** The database's clock. */
  now(): Promise<number>;
};

export interface SchedulerOptions {
  readonly store: SchedulerStore;
  /** As of now; a reload of the config gives another list. */
  definitions(): readonly ScheduleDefinition[];
  /** Measures how long a tick takes; what is due is up to the store's clock. */
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Logger;
}

export interface TickReport {
  /** Nominal times that got their outcome, and jobs made for them. */
  readonly firings: number;
  readonly jobs: number;
  /** More is due than one tick does: call again soon. */
  readonly more: boolean;
}

/** Makes jobs of schedules that are due. Any number of them may work on one store at once. */
export interface Scheduler {
  /** Tells the store which schedules there are: at the start and whenever the definitions have changed. */
  sync(): Promise<void>;
  /** Gives every nominal time that is due its outcome, as far as one tick's time reaches. */
  tick(): Promise<TickReport>;
}

const DUE_AT_ONCE = 200;
const TICK_MS = 2000;
/** Round trips to the store overlap; SQLite does one after the other anyway. */
const AT_ONCE = 4;

export function createScheduler(options: SchedulerOptions): Scheduler {
  const { store, definitions, clock, log } = options;
  const index = new DefinitionIndex(definitions);
  const outdated = new Set<string>();

  /** Null: nothing that this process can do. */
  async function step(record: ScheduleRecord, now: number): Promise<{ firings: number; jobs: number; due: boolean } | null> {
    const definition = index.find(record.name);
    if (definition?.timesHash !== record.definitionHash) {
      if (!outdated.has(record.name)) log.log('info', 'schedule: another process knows a newer definition', { schedule: record.name });
      outdated.add(record.name);
      return null;
    }
    outdated.delete(record.name);
    const planned = await planStep(record, definition, now, factsOf(definition, store));
    if (!(await store.stepSchedule(planned))) return { firings: 0, jobs: 0, due: false };
    for (const { nominalTime, outcome } of planned.firings)
      log.log(outcome === 'queued' ? 'debug' : 'info', `schedule: ${outcome}`, {
        schedule: record.name,
        nominal_time: new Date(nominalTime).toISOString(),
      });
    return {
      firings: planned.firings.length,
      jobs: planned.firings.filter((firing) => firing.job).length,
      due: planned.dueAt !== null && planned.dueAt <= now,
    };
  }

  return {
    sync: () =>
      store.syncSchedules(
        definitions().map((definition) => ({
          name: definition.name,
          definitionHash: definition.timesHash,
          slaHash: definition.slaHash,
          nextAfter: (time) => dueAfter(definition, time),
        })),
      ),
    async tick() {
      const until = clock.now() + TICK_MS;
      const total = { firings: 0, jobs: 0 };
      for (;;) {
        const due = await store.dueSchedules(DUE_AT_ONCE);
        if (due.length === 0) return { ...total, more: false };
        const now = await store.now();
        let more = false;
        let moved = false;
        await forEachLimited(due, AT_ONCE, async (record) => {
          if (clock.now() > until) {
            more = true;
            return;
          }
          const done = await step(record, now);
          if (done === null) return;
          moved = true;
          more ||= done.due;
          total.firings += done.firings;
          total.jobs += done.jobs;
        });
        if (clock.now() > until) return { ...total, more };
        if (!moved || (!more && due.length < DUE_AT_ONCE)) return { ...total, more: false };
      }
    },
  };
}

/** The first nominal time after `time`, and when it is due. */
export function dueAfter({ times, delaySecs }: ScheduleDefinition, time: number): { nextTime: number | null; dueAt: number | null } {
  const next = nextTime(times.cron, times.zone, time);
  return { nextTime: next, dueAt: next === null ? null : next + delaySecs * 1000 };
}

function factsOf(definition: ScheduleDefinition, store: SchedulerStore): Facts {
  return {
    // A retry by hand of a job that failed is the schedule's own, too; runs of periods on purpose are not.
    hasOpenJob: async () =>
      (await store.listJobs({ name: definition.name, open: true, limit: 1000 })).some(({ trigger }) => trigger === 'timer' || trigger === 'retry'),
    dependencies: (time) => checkDependencies(definition, time, store),
  };
}

/** Definitions by name; made anew when the list is another one. */
class DefinitionIndex {
  readonly #definitions: () => readonly ScheduleDefinition[];
  #list: readonly ScheduleDefinition[] | undefined;
  #byName = new Map<string, ScheduleDefinition>();

  constructor(definitions: () => readonly ScheduleDefinition[]) {
    this.#definitions = definitions;
  }

  find(name: string): ScheduleDefinition | undefined {
    const list = this.#definitions();
    if (list !== this.#list) {
      this.#list = list;
      this.#byName = new Map(list.map((definition) => [definition.name, definition]));
    }
    return this.#byName.get(name);
  }
}

async function forEachLimited<T>(items: readonly T[], limit: number, work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values();
  const lane = async (): Promise<void> => {
    for (const item of rest) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, lane));
}
