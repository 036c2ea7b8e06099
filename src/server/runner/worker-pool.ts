import type { JobRecord } from '../../core/spi/index.js';
import type { SpanSink, TraceContext } from '../../core/telemetry/index.js';
import { WorkerProcess, type JobEnd, type OnLines } from './worker-process.js';
import type { StopReason } from './worker-messages.js';

export interface WorkerPoolOptions {
  /** The project's folder. */
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Processes at a time. */
  readonly size: number;
  /** A worker that holds more after a job is replaced. */
  readonly memoryBytes: number;
  /** An idle worker ends after this time; one by one. */
  readonly idleMs?: number;
  /** Takes the spans of workers. */
  readonly spans?: SpanSink | undefined;
}

export interface RunningJob {
  readonly ended: Promise<JobEnd>;
  readonly pid: number | undefined;
  stop(reason: StopReason, graceMs?: number): void;
}

const IDLE_MS = 60_000;

/** Worker processes, started when they are needed and used again. A process that ends fails its own job only. */
export class WorkerPool {
  #options: WorkerPoolOptions;
  readonly #busy = new Set<WorkerProcess>();
  #idle: WorkerProcess[] = [];
  #idleTimer: NodeJS.Timeout | undefined;
  /** Workers of an earlier generation know an earlier project. */
  #generation = 0;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
  }

  get free(): number {
    return Math.max(0, this.#options.size - this.#busy.size);
  }

  run(job: JobRecord, onLines: OnLines, trace?: TraceContext): RunningJob {
    const worker = this.#take();
    const generation = this.#generation;
    this.#busy.add(worker);
    const ended = worker.run(job, onLines, trace).finally(() => {
      this.#busy.delete(worker);
      this.#giveBack(worker, generation);
    });
    return { ended, pid: worker.pid, stop: (reason, graceMs) => worker.stop(reason, graceMs) };
  }

  /** Jobs from now on see the project as it is now. */
  renew(options: Partial<Pick<WorkerPoolOptions, 'size' | 'memoryBytes'>>): void {
    this.#options = { ...this.#options, ...options };
    this.#generation++;
    for (const worker of this.#idle.splice(0)) worker.kill();
  }

  /** Ends all processes. Jobs that still run end as failed. */
  async close(): Promise<void> {
    clearTimeout(this.#idleTimer);
    const all = [...this.#idle.splice(0), ...this.#busy];
    for (const worker of all) worker.kill();
    await Promise.all(all.map((worker) => worker.ended));
  }

  #take(): WorkerProcess {
    for (;;) {
      const worker = this.#idle.pop();
      if (!worker) return new WorkerProcess({ root: this.#options.root }, this.#options.env, this.#options.spans);
      if (worker.alive) return worker;
    }
  }

  #giveBack(worker: WorkerProcess, generation: number): void {
    if (!worker.alive) return;
    if (generation !== this.#generation || worker.memoryBytes > this.#options.memoryBytes || this.#idle.length >= this.#options.size)
      return worker.kill();
    this.#idle.push(worker);
    this.#idleTimer?.unref();
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => {
      for (const each of this.#idle.splice(0)) each.kill();
    }, this.#options.idleMs ?? IDLE_MS);
    this.#idleTimer.unref();
  }
}
