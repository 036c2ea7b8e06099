import type { RunSummary } from '../../core/engine/events.js';
import type { JobResult, JsonObject } from '../../core/spi/index.js';

/** Sums up what the runs of a job did. */
export class JobTotals {
  readonly #runIds: string[] = [];
  readonly #sums = { rowsRead: 0, rowsWritten: 0, rowsRejected: 0, bytesRead: 0, bytesWritten: 0 };
  #details: JsonObject = {};
  #resultFile: JobResult['resultFile'];

  addRun(summary: RunSummary): void {
    if (summary.run_id !== null) this.#runIds.push(summary.run_id);
    this.add({
      rowsRead: summary.read,
      rowsWritten: summary.written,
      rowsRejected: summary.rejected,
      bytesRead: summary.bytes_read,
      bytesWritten: summary.bytes_written,
    });
  }

  add(figures: { readonly [name in 'rowsRead' | 'rowsWritten' | 'rowsRejected' | 'bytesRead' | 'bytesWritten']?: number }, runId?: string): void {
    if (runId !== undefined) this.#runIds.push(runId);
    for (const name of Object.keys(this.#sums) as (keyof typeof figures)[]) this.#sums[name] += figures[name] ?? 0;
  }

  detail(details: JsonObject): void {
    this.#details = { ...this.#details, ...details };
  }

  keep(file: NonNullable<JobResult['resultFile']>): void {
    this.#resultFile = file;
  }

  result(cpuSeconds?: number): JobResult {
    return {
      runIds: [...new Set(this.#runIds)],
      ...this.#sums,
      ...(cpuSeconds === undefined ? {} : { cpuSeconds }),
      ...(this.#resultFile ? { resultFile: this.#resultFile } : {}),
      ...(Object.keys(this.#details).length === 0 ? {} : { details: this.#details }),
    };
  }
}
