import type { Session } from '../../cli/session.js';
import { openSessionAt, type SessionContext } from '../../cli/session.js';
import { systemClock } from '../../cli/environment.js';
import { CancelledError, type JobRecord, type JobResult, type LogLevel } from '../../core/spi/index.js';
import type { SpanData, TraceContext, Tracer } from '../../core/telemetry/index.js';
import { areTracesWanted } from '../../core/telemetry/wanted.js';
import { describeFailure } from './job-error.js';
import { JobTotals } from './job-totals.js';
import { cpuSince, runJob } from './run-job.js';
import type { FromWorker, ToWorker, WorkerSettings } from './worker-messages.js';

/**
 * The program of a worker process: runs jobs one after the other, as its parent says. It ends with its parent, at once: whoever takes
 * the parent's jobs over must not meet this process.
 */
const LOG_EVERY_MS = 200;
const SPANS_AT_ONCE = 256;

class Worker {
  readonly #settings: WorkerSettings;
  #session: Promise<Session> | undefined;
  #stop: AbortController | undefined;
  #lines: { at: number; level: LogLevel; text: string }[] = [];
  #spans: SpanData[] = [];
  #tracer: Tracer | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(settings: WorkerSettings) {
    this.#settings = settings;
  }

  take(message: ToWorker): void {
    if (message.type === 'run') void this.#run(message.job, message.trace);
    else this.#stop?.abort(new CancelledError({ code: 'CANCELLED', message: `stopped: ${message.reason}`, hint: 'see the log of sluice serve' }));
  }

  async #run(job: JobRecord, trace: TraceContext | undefined): Promise<void> {
    const stop = new AbortController();
    this.#stop = stop;
    const started = process.cpuUsage();
    const totals = new JobTotals();
    const end = (rest: { type: 'done' } | Pick<FromWorker & { type: 'failed' }, 'type' | 'failure'>, result: JobResult): void => {
      this.#flush();
      this.#stop = undefined;
      send({ ...rest, result, memoryBytes: process.memoryUsage.rss() });
    };
    try {
      const session = await this.#open();
      const work = (): Promise<JobResult> => runJob(job, { session, env: process.env }, stop.signal, (level, text) => this.#log(level, text), totals);
      const result = await (this.#tracer ? this.#tracer.continue(trace, work) : work());
      end({ type: 'done' }, result);
    } catch (error) {
      const failure = describeFailure(stop.signal.aborted ? stop.signal.reason : error);
      if (failure.error.code === 'UNEXPECTED' && error instanceof Error) this.#log('debug', error.stack ?? error.message);
      end({ type: 'failed', failure }, totals.result(cpuSince(started)));
    }
  }

  /** The project is read once; a changed one gets new workers. A metastore that cannot be reached is tried again with the next job. */
  async #open(): Promise<Session> {
    if (areTracesWanted(process.env)) this.#tracer ??= await this.#startTracer();
    this.#session ??= openSessionAt(this.#surroundings(), this.#settings.root, { env: process.env, cwd: this.#settings.root });
    try {
      return await this.#session;
    } catch (error) {
      this.#session = undefined;
      throw error;
    }
  }

  #surroundings(): SessionContext {
    const print = (text: string | Uint8Array): Promise<void> => {
      this.#log('info', typeof text === 'string' ? text.trimEnd() : Buffer.from(text).toString().trimEnd());
      return Promise.resolve();
    };
    return {
      environment: { clock: systemClock, random: Math.random, reach: () => undefined },
      out: {
        say: (text) => this.#log('info', text),
        hide: () => undefined,
        print,
        logger: { log: (level, message) => this.#log(level, message) },
      },
      signal: new AbortController().signal,
      tracer: this.#tracer,
    };
  }

  /** The parent sends the spans: it knows whether there is a receiver, and it lives on. */
  async #startTracer(): Promise<Tracer> {
    const { followParent } = await import('../../core/telemetry/index.js');
    return followParent({
      add: (span) => {
        this.#spans.push(span);
        if (this.#spans.length >= SPANS_AT_ONCE) this.#flush();
        else this.#timer ??= setTimeout(() => this.#flush(), LOG_EVERY_MS);
      },
    });
  }

  #log(level: LogLevel, text: string): void {
    this.#lines.push({ at: Date.now(), level, text });
    this.#timer ??= setTimeout(() => this.#flush(), LOG_EVERY_MS);
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#lines.length > 0) send({ type: 'log', lines: this.#lines });
    this.#lines = [];
    if (this.#spans.length > 0) send({ type: 'spans', spans: this.#spans });
    this.#spans = [];
  }
}

function send(message: FromWorker): void {
  process.send?.(message);
}

const worker = new Worker(JSON.parse(process.argv[2] ?? '{}') as WorkerSettings);
process.on('message', (message) => worker.take(message as ToWorker));
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'));
// Ctrl-C and the end of a container reach the whole process group; the parent says what becomes of the job.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
