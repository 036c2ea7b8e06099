import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { JobLogLine, JobRecord, JobResult } from '../../core/spi/index.js';
import type { SpanSink, TraceContext } from '../../core/telemetry/index.js';
import type { JobFailure } from './job-error.js';
import type { FromWorker, StopReason, ToWorker, WorkerSettings } from './worker-messages.js';

export type JobEnd =
  | { readonly kind: 'success'; readonly result: JobResult }
  | { readonly kind: 'failed'; readonly failure: JobFailure; readonly result: JobResult }
  /** Stopped, willingly or not; nothing more will happen. */
  | { readonly kind: 'stopped'; readonly reason: StopReason; readonly result: JobResult };

export type OnLines = (lines: readonly Pick<JobLogLine, 'at' | 'level' | 'text'>[]) => void;

/** How long a stopped job may take to clean up before its process is killed. */
const STOP_GRACE_MS = 10_000;
const NOTHING: JobResult = { runIds: [] };

/** A process that runs one job at a time. */
export class WorkerProcess {
  readonly #child: ChildProcess;
  readonly #spans: SpanSink | undefined;
  #current: { end(end: JobEnd): void; onLines: OnLines; stopping: StopReason | undefined; timer: NodeJS.Timeout | undefined } | undefined;
  #dead = false;
  memoryBytes = 0;
  readonly ended: Promise<void>;

  constructor(settings: WorkerSettings, env: Readonly<Record<string, string | undefined>>, spans?: SpanSink) {
    this.#spans = spans;
    this.#child = startProgram(settings, env);
    this.ended = new Promise((resolve) => {
      const gone = (what: string): void => {
        if (this.#dead) return;
        this.#dead = true;
        this.#crashed(what);
        resolve();
      };
      this.#child.once('exit', (code, signal) => gone(signal ?? `exit code ${code}`));
      this.#child.once('error', (error) => gone(error.message));
    });
    this.#child.on('message', (message) => this.#take(message as FromWorker));
    this.#child.unref();
  }

  get alive(): boolean {
    return !this.#dead && this.#child.connected;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  run(job: JobRecord, onLines: OnLines, trace?: TraceContext): Promise<JobEnd> {
    return new Promise((end) => {
      this.#current = { end, onLines, stopping: undefined, timer: undefined };
      this.#send({ type: 'run', job, trace });
    });
  }

  /** Asks the job to stop, and ends the process when it does not. A first reason stays. */
  stop(reason: StopReason, graceMs = STOP_GRACE_MS): void {
    const current = this.#current;
    if (!current) return;
    if (current.stopping === undefined) this.#send({ type: 'stop', reason });
    current.stopping ??= reason;
    clearTimeout(current.timer);
    current.timer = setTimeout(() => this.kill(), graceMs);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #send(message: ToWorker): void {
    // What cannot be sent went to a process that has ended; its end is handled there.
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }

  #take(message: FromWorker): void {
    if (message.type === 'log') return this.#current?.onLines(message.lines);
    if (message.type === 'spans') return message.spans.forEach((span) => this.#spans?.add(span));
    this.memoryBytes = message.memoryBytes;
    const { result } = message;
    if (message.type === 'done') return this.#finish({ kind: 'success', result });
    const stopping = this.#current?.stopping;
    if (stopping !== undefined) return this.#finish({ kind: 'stopped', reason: stopping, result });
    this.#finish({ kind: 'failed', failure: message.failure, result });
  }

  #crashed(what: string): void {
    const stopping = this.#current?.stopping;
    if (stopping !== undefined) return this.#finish({ kind: 'stopped', reason: stopping, result: NOTHING });
    const error = {
      code: 'WORKER_ENDED',
      message: `the worker process ended with ${what} while it ran the job`,
      hint: 'SIGKILL is usually a lack of memory: set exec.memory_limit, or give the machine more',
    };
    this.#finish({ kind: 'failed', failure: { error, retry: true }, result: NOTHING });
  }

  #finish(end: JobEnd): void {
    const current = this.#current;
    this.#current = undefined;
    clearTimeout(current?.timer);
    current?.end(end);
  }
}

function startProgram(settings: WorkerSettings, env: Readonly<Record<string, string | undefined>>): ChildProcess {
  const fromSource = import.meta.url.endsWith('.ts');
  const program = fileURLToPath(fromSource ? new URL('./worker-program.ts', import.meta.url) : new URL('./job-worker.js', import.meta.url));
  return fork(program, [JSON.stringify(settings)], {
    cwd: settings.root,
    env: { ...env, UV_THREADPOOL_SIZE: env['UV_THREADPOOL_SIZE'] ?? '16' },
    execArgv: fromSource ? ['--import', import.meta.resolve('tsx')] : [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'json',
  });
}
