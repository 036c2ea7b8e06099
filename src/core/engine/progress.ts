import type { RunEvent } from './events.js';

/** Adds up what tasks report and tells it at most a few times a second. */
export class RunProgress {
  rows = 0;
  bytes = 0;
  tasksDone = 0;
  rejected = 0;
  /** Share done of each running task, from the engine's own estimate. */
  readonly fractions = new Map<number, number>();
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

  tell(): void {
    let fraction = this.tasksDone;
    for (const f of this.fractions.values()) fraction += f;
    this.#emit({
      event: 'progress',
      pipeline: this.#pipeline,
      rows: this.rows,
      bytes: this.bytes,
      tasks_done: this.tasksDone,
      tasks: this.#tasks,
      rejected: this.rejected,
      total_bytes: this.#totalBytes,
      fraction: this.#tasks === 0 ? null : Math.min(1, fraction / this.#tasks),
    });
  }
}
