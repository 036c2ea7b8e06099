import type { FileFact, StageReport } from '../spi/index.js';
import type { RejectRow } from './rejects.js';
import type { TaskReport } from './run-task.js';
import type { StepFacts } from './steps.js';

/** All tasks of a run, done. */
export interface Execution {
  readonly reports: readonly TaskReport[];
  /** Reports of the tasks whose rows went to the output. */
  readonly outputStages: readonly StageReport[];
  readonly rejectStages: readonly StageReport[];
  readonly facts: ReadonlyMap<string, FileFact>;
  readonly totals: RowTotals;
  /** What the sources want the user to know, each sentence once. */
  readonly notes: readonly string[];
  readonly firstRejects: readonly RejectRow[];
}

export interface RowTotals {
  readonly read: number;
  readonly added: number;
  readonly written: number;
  readonly filtered: number;
  readonly rejected: number;
  readonly bytesRead: number;
}

/** Bytes of the files a task read, or what its source said it sent. */
export function bytesReadBy(report: TaskReport): number {
  return report.files.length > 0 ? report.files.reduce((total, fact) => total + fact.bytes, 0) : (report.bytesRead ?? 0);
}

/** A task's figures for whoever watches it. */
export function taskFacts(report: TaskReport): StepFacts {
  const { read, added, written, filtered, rejected, bytes } = report;
  return { read, added, written, filtered, rejected, bytes_read: bytesReadBy(report), bytes_written: bytes };
}

/**
 * Sums up the reports of a run's tasks, in order of task. The first `sources` read the input; with whole-run filters the last
 * one alone wrote to the output.
 */
export function sumExecution(all: readonly TaskReport[], sources: number, firstRejects: readonly RejectRow[]): Execution {
  const readers = all.slice(0, sources);
  const toOutput = all.length > sources ? all.slice(-1) : readers;
  const sum = (list: readonly TaskReport[], of: (r: TaskReport) => number): number => list.reduce((total, report) => total + of(report), 0);
  const facts = new Map(readers.flatMap((r) => r.files).map((fact) => [fact.source, fact]));
  return {
    reports: all,
    outputStages: toOutput.map((r) => r.stage),
    rejectStages: all.flatMap((r) => (r.rejects ? [r.rejects] : [])),
    facts,
    firstRejects,
    notes: [...new Set(all.flatMap((r) => r.notes ?? []))],
    totals: {
      read: sum(readers, (r) => r.read),
      added: sum(all, (r) => r.added),
      written: sum(toOutput, (r) => r.written),
      filtered: sum(all, (r) => r.filtered),
      rejected: sum(all, (r) => r.rejected),
      bytesRead: sum(readers, bytesReadBy),
    },
  };
}
