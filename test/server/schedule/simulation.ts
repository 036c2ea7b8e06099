import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CatchUp, Overlap, ScheduleDefinition } from '../../../src/core/config/index.js';
import { parseCron } from '../../../src/core/schedule/cron-expression.js';
import { openZone } from '../../../src/core/schedule/zoned-time.js';
import type { JobRecord } from '../../../src/core/spi/index.js';
import { openMetastore, type Metastore } from '../../../src/metastore/index.js';
import { createScheduler, type Scheduler } from '../../../src/server/schedule/scheduler.js';
import { SlaWatch } from '../../../src/server/schedule/sla-watch.js';

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;

/** A definition as a config would give it. */
export function schedule(name: string, cron: string, timezone = 'UTC', more: Partial<ScheduleDefinition> = {}): ScheduleDefinition {
  return {
    name,
    place: {},
    cron,
    timezone,
    times: { cron: parseCron(cron), zone: openZone(timezone) },
    delaySecs: 0,
    catchUp: 'latest' satisfies CatchUp,
    overlap: 'skip' satisfies Overlap,
    timeoutSecs: null,
    retries: { limit: 0, initialWaitSecs: 0, maxWaitSecs: 0 },
    dependsOn: [],
    enabled: true,
    priority: 0,
    tags: [],
    sla: null,
    slaHash: '',
    notify: [],
    connections: [],
    payload: { kind: 'sql', sql: 'select 1' },
    keepsState: [],
    appends: [],
    hash: '',
    timesHash: `${cron} ${timezone} ${more.delaySecs ?? 0}`,
    ...more,
  };
}

/** A time that only the test moves, a real metastore on it, and schedulers that may crash. */
export class Simulation {
  now = 0;
  readonly stores: Metastore[] = [];
  readonly #folder = mkdtempSync(join(tmpdir(), 'sluice-schedules-'));
  definitions: readonly ScheduleDefinition[] = [];

  /** One connection for each process that shares the metastore. */
  static async open(processes: number): Promise<Simulation> {
    const simulation = new Simulation();
    const url = `sqlite:${join(simulation.#folder, 'meta.db')}`;
    for (let i = 0; i < processes; i++) simulation.stores.push(await openMetastore({ url, clock: () => simulation.now }));
    return simulation;
  }

  get store(): Metastore {
    const [first] = this.stores;
    if (!first) throw new Error('no store');
    return first;
  }

  /** A process of its own; with `crashAt` it dies around that call to the store: before it, or after it was done. */
  scheduler(process = 0, crashAt?: { readonly call: number; readonly after: boolean }): Scheduler {
    const store = this.stores[process % this.stores.length] ?? this.store;
    return createScheduler({
      store: crashAt ? crashing(store, crashAt) : store,
      definitions: () => this.definitions,
      // A tick takes no time here, so it ends when all is done.
      clock: { now: () => 0 },
      log: { log: () => {} },
    });
  }

  /** The promises as a process looks after them; `crashAt` as above. */
  slaWatch(process = 0, crashAt?: { readonly call: number; readonly after: boolean }): SlaWatch {
    const store = this.stores[process % this.stores.length] ?? this.store;
    return new SlaWatch({ store: crashAt ? crashing(store, crashAt) : store, definitions: () => this.definitions });
  }

  async finish(job: JobRecord, success: boolean): Promise<void> {
    const claim = await this.store.claimJob('simulated', job.id);
    if (!claim) return;
    await this.store.finishJob(claim, {
      status: success ? 'success' : 'error',
      result: null,
      error: success ? null : { code: 'X', message: 'x' },
      retry: false,
    });
  }

  async close(): Promise<void> {
    for (const store of this.stores) await store.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export class Crash extends Error {}

/** A store whose process dies around one of its calls. */
export function crashing(store: Metastore, at: { readonly call: number; readonly after: boolean }): Metastore {
  let calls = 0;
  return new Proxy<Metastore>(store, {
    get(target, key) {
      const member = Reflect.get(target, key) as (...args: unknown[]) => Promise<unknown>;
      return async (...args: unknown[]) => {
        // Dead processes make no further calls.
        if (calls > at.call) throw new Crash();
        const dies = calls++ === at.call;
        if (dies && !at.after) throw new Crash();
        const answer = await member.apply(target, args);
        if (dies) throw new Crash();
        return answer;
      };
    },
  });
}

/** Ticks and answers whether the process survived it. */
export async function survives(work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    if (error instanceof Crash) return false;
    throw error;
  }
}
