import {
  ConflictError,
  SluiceError,
  type Clock,
  type JobRecord,
  type JobStore,
  type Logger,
  type NewMessage,
  type ServerRegistration,
} from '../../core/spi/index.js';
import { startLongTimer } from '../long-timer.js';
import type { JobTraces, TryTrace } from '../telemetry/trace-jobs.js';
import { JobLogWriter } from './job-log-writer.js';
import type { RunningJob, WorkerPool } from './worker-pool.js';
import type { JobEnd } from './worker-process.js';
import type { StopReason } from './worker-messages.js';

/** How a job's try ended, as it was stored. */
export interface EndedTry {
  readonly job: JobRecord;
  readonly status: 'success' | 'error' | 'killed';
  readonly error: JobRecord['error'];
  readonly result: JobRecord['result'];
  /** Another try follows. */
  readonly again: boolean;
}

export interface JobRunnerOptions {
  readonly store: JobStore;
  readonly pool: WorkerPool;
  readonly clock: Clock;
  readonly log: Logger;
  readonly traces?: JobTraces | undefined;
  /** Jobs at a time by connection. */
  limits(): ReadonlyMap<string, number>;
  /** What people must be told of the end of a try, to be recorded with it. */
  messagesOf?(end: EndedTry): Promise<readonly NewMessage[]>;
  /** After a try has ended and was recorded. */
  onEnd(): void;
  /** Room for another job. */
  onFree(): void;
}

interface Running {
  readonly job: JobRecord;
  readonly handle: RunningJob;
  readonly done: Promise<void>;
}

const RECORD_RETRY_MS = 1000;

/** Takes jobs of the project and sees each through to its recorded end. */
export class JobRunner {
  readonly #options: JobRunnerOptions;
  readonly #running = new Map<string, Running>();
  /** The store may hold jobs for this process that it does not run. */
  #unsure = false;

  constructor(options: JobRunnerOptions) {
    this.#options = options;
  }

  get running(): number {
    return this.#running.size;
  }

  /** Starts as many due jobs as there are free workers; answers how many. */
  async claim(server: ServerRegistration): Promise<number> {
    const { store, pool, log, limits, messagesOf, onEnd } = this.#options;
    if (pool.free === 0) return 0;
    // Unless it is answered, nobody knows which jobs were claimed.
    this.#unsure = true;
    const abandoned: JobRecord[] = [];
    const jobs = await store.claimJobs(server.id, pool.free, limits(), async (job) => {
      abandoned.push(job);
      return (await messagesOf?.({ job, status: 'error', error: job.error, result: job.result, again: false })) ?? [];
    });
    this.#unsure = false;
    for (const job of abandoned) {
      log.log('warn', 'job ended', { job: job.id, name: job.name, status: job.status, ...(job.error ? { code: job.error.code } : {}) });
      onEnd();
    }
    for (const job of jobs) this.#start(job, server);
    return jobs.length;
  }

  /** Stops those of the running jobs that somebody wants killed, and gives back what the store believes to run here. */
  async compare(server: ServerRegistration): Promise<void> {
    if (this.#running.size === 0 && !this.#unsure) return;
    for (const held of await this.#options.store.heldJobs(server.id)) {
      const running = this.#running.get(held.id);
      if (running?.job.fence !== held.fence) await this.#giveBack(held);
      else if (held.killRequested) running.handle.stop('kill');
    }
    this.#unsure = false;
  }

  async #giveBack(held: Pick<JobRecord, 'id' | 'fence'>): Promise<void> {
    const { store, log } = this.#options;
    try {
      await store.returnJob(held);
      log.log('info', 'job given back: its claim was not confirmed', { job: held.id });
    } catch (error) {
      // It ended while it was looked at.
      if (!isLost(error)) throw error;
    }
  }

  stopAll(reason: StopReason, graceMs?: number): void {
    for (const { handle } of this.#running.values()) handle.stop(reason, graceMs);
  }

  /** Resolves when no job runs any more. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all([...this.#running.values()].map(({ done }) => done));
  }

  #start(job: JobRecord, server: ServerRegistration): void {
    const { pool, store, log, traces } = this.#options;
    const trace = traces?.begin(job);
    const writer = new JobLogWriter(store, job, log);
    const handle = pool.run(job, writer.add, trace?.context);
    const stopTimer = job.timeoutMs === null ? undefined : startLongTimer(job.timeoutMs, () => handle.stop('timeout'));
    log.log('info', 'job started', { job: job.id, name: job.name, kind: job.kind, attempt: job.attempts });
    const done = handle.ended
      .then((end) => {
        stopTimer?.();
        return this.#record(job, end, writer, server, trace);
      })
      .catch((error: unknown) => {
        this.#unsure ||= !isLost(error);
        log.log('error', 'the end of a job could not be recorded', { job: job.id, error: (error as Error).message });
      })
      .finally(() => {
        this.#running.delete(job.id);
        this.#options.onFree();
      });
    this.#running.set(job.id, { job, handle, done });
  }

  async #record(job: JobRecord, end: JobEnd, writer: JobLogWriter, server: ServerRegistration, trace: TryTrace | undefined): Promise<void> {
    const { store, log, messagesOf, onEnd } = this.#options;
    if (end.kind === 'stopped' && (end.reason === 'drain' || end.reason === 'lost')) {
      trace?.end({ status: 'given back', code: undefined, result: end.result, again: true });
      await writer.flush();
      if (end.reason === 'drain') await this.#insist(server, () => store.returnJob(job));
      log.log('info', 'job given back', { job: job.id, name: job.name });
      return;
    }
    const verdict = await this.#withReason(job, verdictOf(job, end), server);
    const { error } = verdict;
    const again = verdict.status === 'error' && verdict.retry && job.attempts < job.maxAttempts;
    if (error)
      writer.add([
        {
          at: this.#options.clock.now(),
          level: 'error',
          text: `${error.code}: ${error.message}${error.hint === undefined ? '' : `\nhint: ${error.hint}`}`,
        },
      ]);
    await writer.flush();
    const ended: EndedTry = { job, status: verdict.status, error, result: verdict.result, again };
    await this.#insist(server, async () => store.finishJob(job, { ...verdict, messages: (await messagesOf?.(ended)) ?? [] }));
    trace?.end({ status: verdict.status, code: error?.code, result: verdict.result, again });
    log.log(verdict.status === 'success' ? 'info' : 'warn', 'job ended', {
      job: job.id,
      name: job.name,
      status: again ? 'tried again' : verdict.status,
      ...(error ? { code: error.code } : {}),
    });
    onEnd();
  }

  /** Who had the job killed may have said why. */
  async #withReason(job: JobRecord, verdict: Verdict, server: ServerRegistration): Promise<Verdict> {
    if (verdict.status !== 'killed') return verdict;
    const stored = await this.#insist(server, () => this.#options.store.getJob(job.id));
    return { ...verdict, error: stored?.error ?? verdict.error };
  }

  /** A metastore that is away for a while must not cost a job its end; one that was taken over needs none. */
  async #insist<T>(server: ServerRegistration, ask: () => Promise<T>): Promise<T> {
    const { clock, log } = this.#options;
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        if (isLost(error) || server.lost.aborted || !(error instanceof SluiceError && error.retryable)) throw error;
        log.log('warn', 'the end of a job could not be recorded yet', { error: error.message });
        await clock.sleep(RECORD_RETRY_MS);
      }
    }
  }
}

function isLost(error: unknown): boolean {
  return error instanceof ConflictError && error.code === 'JOB_LOST';
}

type Verdict = Parameters<JobStore['finishJob']>[1];

function verdictOf(job: JobRecord, end: JobEnd): Verdict {
  const { result } = end;
  if (end.kind === 'success') return { status: 'success', result, error: null, retry: false };
  if (end.kind === 'failed') return { status: 'error', result, error: end.failure.error, retry: end.failure.retry };
  if (end.reason === 'timeout') {
    const message = `the job took longer than ${(job.timeoutMs ?? 0) / 1000} seconds and was stopped`;
    const error = { code: 'JOB_TIMEOUT', message, hint: 'see its log for what took the time; timeout_secs says how long it may take' };
    return { status: 'error', result, error, retry: true };
  }
  const error = { code: 'JOB_KILLED', message: 'the job was killed', hint: `sluice job retry ${job.id} runs it anew` };
  return { status: 'killed', result, error, retry: false };
}
