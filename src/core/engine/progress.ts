import type { RunEvent } from './events.js';

/** Adds up what tasks report and tells it at most a few times a second. */
export class RunProgress {
  #rows = 0;
  #bytes = 0;
  tasksDone = 0;
  rejected = 0;
  /** Share done of each running task, from the engine's own estimate. */
  readonly fractions = new Map<number, number>();
  readonly #running = new Map<number, { readonly rows: number; readonly bytes: number }>();
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

  /** What a running task has read since it last said so; its report replaces it. */
  add(task: number, rows: number, bytes: number): void {
    const so = this.#running.get(task) ?? { rows: 0, bytes: 0 };
    this.#running.set(task, { rows: so.rows + rows, bytes: so.bytes + bytes });
  }

  /** Bytes that a running task said it has read. */
  bytesOf(task: number): number {
    return this.#running.get(task)?.bytes ?? 0;
  }

  /** An attempt starts anew. */
  restart(task: number): void {
    this.#running.delete(task);
  }

  finish(task: number, rows: number, bytes: number): void {
    this.#running.delete(task);
    this.fractions.delete(task);
    this.tasksDone++;
    this.#rows += rows;
    this.#bytes += bytes;
  }

  tell(): void {
    const running = [...this.#running.values()];
    let fraction = this.tasksDone;
    for (const f of this.fractions.values()) fraction += f;
    this.#emit({
      event: 'progress',
      pipeline: this.#pipeline,
      rows: running.reduce((sum, task) => sum + task.rows, this.#rows),
      bytes: running.reduce((sum, task) => sum + task.bytes, this.#bytes),
      tasks_done: this.tasksDone,
      tasks: this.#tasks,
      rejected: this.rejected,
      total_bytes: this.#totalBytes,
      fraction: this.#tasks === 0 ? null : Math.min(1, fraction / this.#tasks),
    });
  }
}
