import type { RunEvent } from './events.js';

/** A task that runs. */
interface Running {
  /** What it said it has read. */
  readonly rows: number;
  readonly bytes: number;
  /** Bytes of its files; undefined: it has none. */
  readonly size: number | undefined;
  /** Share done, by the embedded engine's own estimate; undefined: it makes none, and what the task said is all that is known. */
  readonly fraction: number | undefined;
}

const STARTED: Running = { rows: 0, bytes: 0, size: undefined, fraction: 0 };

/** Adds up what tasks report and tells it at most a few times a second. */
export class RunProgress {
  #rows = 0;
  #bytes = 0;
  tasksDone = 0;
  rejected = 0;
  readonly #running = new Map<number, Running>();
  readonly #pipeline: string;
  readonly #tasks: number;
  readonly #totalBytes: number | null;
  readonly #emit: (event: RunEvent) => void;

  constructor(pipeline: string, tasks: number, totalBytes: number | null, emit: (event: RunEvent) => void) {
    this.#pipeline = pipeline;
    this.#tasks = tasks;
    this.#totalBytes = totalBytes;
    this.#emit = emit;
  }

  /** An attempt starts anew. */
  restart(task: number, size: number | undefined, isEstimated: boolean): void {
    this.#running.set(task, { ...STARTED, size, fraction: isEstimated ? 0 : undefined });
  }

  /** What a running task has read since it last said so; its report replaces it. */
  add(task: number, rows: number, bytes: number): void {
    const so = this.#running.get(task) ?? STARTED;
    this.#running.set(task, { ...so, rows: so.rows + rows, bytes: so.bytes + bytes });
  }

  reach(task: number, fraction: number): void {
    this.#running.set(task, { ...(this.#running.get(task) ?? STARTED), fraction: Math.min(1, fraction) });
  }

  /** Bytes that a running task said it has read. */
  bytesOf(task: number): number {
    return this.#running.get(task)?.bytes ?? 0;
  }

  finish(task: number, rows: number, bytes: number): void {
    this.#running.delete(task);
    this.tasksDone++;
    this.#rows += rows;
    this.#bytes += bytes;
  }

  tell(): void {
    const running = [...this.#running.values()];
    const fraction = running.reduce((sum, task) => sum + shareOf(task), this.tasksDone);
    this.#emit({
      event: 'progress',
      pipeline: this.#pipeline,
      rows: Math.round(running.reduce((sum, task) => sum + this.#rowsOf(task), this.#rows)),
      bytes: Math.round(running.reduce((sum, task) => sum + (task.bytes || (task.size ?? 0) * shareOf(task)), this.#bytes)),
      tasks_done: this.tasksDone,
      tasks: this.#tasks,
      rejected: this.rejected,
      total_bytes: this.#totalBytes,
      fraction: this.#tasks === 0 ? null : Math.min(1, fraction / this.#tasks),
    });
  }

  /** Rows of files are counted ahead of what is converted, or, where nobody counts them, guessed from the tasks that have finished. */
  #rowsOf({ rows, bytes, size, fraction }: Running): number {
    if (size === undefined || fraction === undefined) return rows;
    const converted = size * fraction;
    if (rows > 0 && bytes > 0) return rows * Math.min(1, converted / bytes);
    return this.#bytes > 0 ? (this.#rows / this.#bytes) * converted : 0;
  }
}

function shareOf({ bytes, size, fraction }: Running): number {
  return fraction ?? (size === undefined || size === 0 ? 0 : Math.min(1, bytes / size));
}
