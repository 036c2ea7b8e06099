import { CancelledError, ConflictError, type Clock, type JobRecord, type LogLevel } from '../../core/spi/index.js';
import { describeHolder, type Session } from '../../cli/session.js';
import { startLongTimer } from '../long-timer.js';
import { describeFailure } from '../runner/job-error.js';
import { JobLogWriter } from '../runner/job-log-writer.js';
import { JobTotals } from '../runner/job-totals.js';
import { cpuSince, runJob } from '../runner/run-job.js';

export interface RunHereOptions {
  readonly session: Session;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** Aborted: the job at work and those behind it are killed. */
  readonly signal: AbortSignal;
  onLog(job: JobRecord, level: LogLevel, text: string): void;
  /** After each try. */
  onTry(job: JobRecord): void;
}

/**
 * Runs queued jobs in this process, one after the other, each to its end: where no server is alive to do it. Answers the jobs as they
 * ended; those that somebody else took meanwhile are as they are.
 */
export async function runJobsHere(ids: readonly string[], options: RunHereOptions): Promise<readonly JobRecord[]> {
  const { session, signal } = options;
  const store = await session.metastore();
  // Registered, so that nobody takes a running job for one of a process that died.
  const registration = await store.registerServer(describeHolder());
  const ended: JobRecord[] = [];
  try {
    for (const id of ids) {
      if (signal.aborted) await store.killJob(id);
      else await runToEnd(id, registration.id, AbortSignal.any([signal, registration.lost]), options);
      const job = await store.getJob(id);
      if (job) ended.push(job);
    }
    return ended;
  } finally {
    await registration.release();
  }
}

async function runToEnd(id: string, server: string, signal: AbortSignal, options: RunHereOptions): Promise<void> {
  const store = await options.session.metastore();
  for (;;) {
    const job = await store.claimJob(server, id);
    if (!job) return;
    await runTry(job, signal, options);
    const now = await store.getJob(id);
    if (now) options.onTry(now);
    if (now?.status !== 'queued') return;
    const wait = now.notBefore - (await store.now());
    if (wait > 0) await sleep(options.clock, wait, signal);
    if (signal.aborted) {
      await store.killJob(id);
      return;
    }
  }
}

async function runTry(job: JobRecord, signal: AbortSignal, { session, env, clock, onLog }: RunHereOptions): Promise<void> {
  const store = await session.metastore();
  const timeout = new AbortController();
  const stopTimer = job.timeoutMs === null ? undefined : startLongTimer(job.timeoutMs, () => timeout.abort());
  const writer = new JobLogWriter(store, job, { log: (level, text) => onLog(job, level, text) });
  const totals = new JobTotals();
  const started = process.cpuUsage();
  const log = (level: LogLevel, text: string): void => {
    writer.add([{ at: clock.now(), level, text }]);
    onLog(job, level, text);
  };
  try {
    const stop = AbortSignal.any([signal, timeout.signal]);
    const result = await runJob(job, { session, env }, stop, log, totals);
    await writer.flush();
    await store.finishJob(job, { status: 'success', result, error: null, retry: false });
  } catch (error) {
    if (error instanceof ConflictError && error.code === 'JOB_LOST') throw error;
    const failure = timeout.signal.aborted && !signal.aborted ? tookTooLong(job) : describeFailure(error);
    const { code, message, hint } = failure.error;
    log('error', `${code}: ${message}${hint === undefined ? '' : `\nhint: ${hint}`}`);
    await writer.flush();
    const killed = signal.aborted || error instanceof CancelledError;
    await store.finishJob(job, {
      status: killed && !timeout.signal.aborted ? 'killed' : 'error',
      result: totals.result(cpuSince(started)),
      error: failure.error,
      retry: failure.retry && !killed,
    });
  } finally {
    stopTimer?.();
  }
}

function tookTooLong(job: JobRecord): ReturnType<typeof describeFailure> {
  const message = `the job took longer than ${(job.timeoutMs ?? 0) / 1000} seconds and was stopped`;
  return { error: { code: 'JOB_TIMEOUT', message, hint: 'see its log for what took the time; timeout_secs says how long it may take' }, retry: true };
}

async function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  try {
    await clock.sleep(ms, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
