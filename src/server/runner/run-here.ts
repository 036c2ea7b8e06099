import { describeHolder, type Session } from '../../cli/session.js';
import type { Clock, Logger } from '../../core/spi/index.js';
import type { Metastore } from '../../metastore/types.js';
import { describeFailure } from './job-error.js';
import { JobLogWriter } from './job-log-writer.js';
import { JobTotals } from './job-totals.js';
import { cpuSince, runJob } from './run-job.js';

export interface RunHereOptions {
  readonly session: Session;
  readonly store: Metastore;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/**
 * Runs one queued job in this process, which counts as a server meanwhile: for projects without a `serve`. Ends with the job queued
 * again where a try failed that may be repeated. False: the job was not queued any more.
 */
export async function runHere(options: RunHereOptions, id: string): Promise<boolean> {
  const { session, store, env, clock, log, signal } = options;
  const registration = await store.registerServer(describeHolder());
  try {
    for (;;) {
      const job = await store.claimJob(registration.id, id);
      if (!job) return false;
      const writer = new JobLogWriter(store, job, log);
      const totals = new JobTotals();
      const started = process.cpuUsage();
      const stop = AbortSignal.any([signal, registration.lost]);
      try {
        const result = await runJob(job, { session, env }, stop, (level, text) => writer.add([{ at: clock.now(), level, text }]), totals);
        await writer.flush();
        await store.finishJob(job, { status: 'success', result, error: null, retry: false });
        return true;
      } catch (error) {
        const { error: problem, retry } = describeFailure(error);
        writer.add([{ at: clock.now(), level: 'error', text: `${problem.code}: ${problem.message}` }]);
        await writer.flush();
        const again = retry && !stop.aborted;
        const status = signal.aborted ? 'killed' : 'error';
        await store.finishJob(job, { status, result: totals.result(cpuSince(started)), error: problem, retry: again });
        if (!again || job.attempts >= job.maxAttempts) return true;
        await clock.sleep(Math.min(job.retryWait.maxMs, job.retryWait.initialMs * 2 ** (job.attempts - 1)), signal);
      }
    }
  } finally {
    await registration.release();
  }
}
