import { Worker } from 'node:worker_threads';

import type { Lease } from '../core/spi/index.js';
import { leaseLost } from './lease-check.js';
import type { MetastoreOptions } from './types.js';

/** What the renewal thread is started with. */
export interface RenewalSettings {
  readonly options: MetastoreOptions;
  /** Milliseconds. */
  readonly duration: number;
  readonly every: number;
}

export type RenewalRequest =
  | { readonly type: 'start'; readonly id: string; readonly lease: Lease; readonly validUntil: number }
  | { readonly type: 'stop'; readonly id: string }
  | { readonly type: 'close' };

/** `takenBy` is absent when the lease ran out unrenewed; `cause` then says why. */
export interface RenewalLoss {
  readonly id: string;
  readonly takenBy?: string;
  readonly cause?: string;
}

export interface LeaseRenewal {
  /** Renews from now on; the signal aborts with LEASE_LOST. `validUntil` is on `monotonicMillis`. */
  start(id: string, lease: Lease, validUntil: number): AbortSignal;
  stop(id: string): void;
  close(): Promise<void>;
}

/** The same clock in all threads of the process, untouched by changes of the time of day. */
export function monotonicMillis(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}

/** A run that is over sooner needs no thread: starting and ending one takes 30 ms. Milliseconds. */
const THREAD_DELAY = 1000;

/** Renews leases from a thread of its own, so that neither a busy event loop nor DuckDB can lose them. */
export function createLeaseRenewal(settings: RenewalSettings): LeaseRenewal {
  const held = new Map<string, { readonly lease: Lease; readonly validUntil: number; readonly controller: AbortController }>();
  let worker: Worker | undefined;
  let startTimer: NodeJS.Timeout | undefined;

  const lose = (loss: RenewalLoss): void => {
    const entry = held.get(loss.id);
    held.delete(loss.id);
    const error = entry === undefined ? undefined : leaseLost(entry.lease, loss.takenBy);
    if (error !== undefined && loss.cause !== undefined) error.cause = new Error(loss.cause);
    entry?.controller.abort(error);
  };

  const announce = (id: string, lease: Lease, validUntil: number): void =>
    worker?.postMessage({ type: 'start', id, lease, validUntil } satisfies RenewalRequest);

  const startWorker = (): void => {
    startTimer = undefined;
    if (held.size === 0) return;
    const fresh = startThread(settings);
    worker = fresh;
    fresh.unref();
    fresh.on('message', lose);
    let failure = 'the renewal thread ended';
    fresh.on('error', (error) => (failure = error.message));
    fresh.on('exit', () => {
      worker = undefined;
      for (const id of [...held.keys()]) lose({ id, cause: failure });
    });
    for (const [id, { lease, validUntil }] of held) announce(id, lease, validUntil);
  };

  return {
    start: (id, lease, validUntil) => {
      const controller = new AbortController();
      held.set(id, { lease, validUntil, controller });
      if (worker === undefined) startTimer ??= setTimeout(startWorker, Math.min(THREAD_DELAY, settings.every / 4)).unref();
      else announce(id, lease, validUntil);
      return controller.signal;
    },
    stop: (id) => {
      held.delete(id);
      worker?.postMessage({ type: 'stop', id } satisfies RenewalRequest);
    },
    close: async () => {
      clearTimeout(startTimer);
      held.clear();
      const thread = worker;
      if (thread === undefined) return;
      const ended = new Promise((resolve) => thread.once('exit', resolve));
      thread.ref();
      thread.postMessage({ type: 'close' } satisfies RenewalRequest);
      await ended;
    },
  };
}

/** Node 20 runs no loader hooks in a new thread: from TypeScript sources the thread has to register its own. */
function startThread(settings: RenewalSettings): Worker {
  if (!import.meta.url.endsWith('.ts')) return new Worker(new URL('./lease-renewal-worker.js', import.meta.url), { workerData: settings });
  const loader = import.meta.resolve('tsx/esm/api');
  const entry = new URL('./lease-renewal-worker.ts', import.meta.url).href;
  const code = `import(${JSON.stringify(loader)}).then((tsx) => { tsx.register(); return import(${JSON.stringify(entry)}); })`;
  return new Worker(code, { eval: true, workerData: settings });
}
