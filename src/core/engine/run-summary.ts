import type { JsonObject, JsonValue } from '../spi/index.js';
import type { RunSummary } from './events.js';
import type { Execution } from './execution.js';
import type { RunPlan } from './run-plan.js';
import type { StepFacts } from './steps.js';

/** How a run ended. */
export interface RunEnd {
  readonly status: RunSummary['status'];
  readonly runId: string | null;
  readonly stateAfter: JsonValue;
  readonly commit: JsonObject | null;
  readonly notes: readonly string[];
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** The report of a run; one that executed nothing read and wrote nothing. */
export function summariseRun(pipeline: string, plan: RunPlan, execution: Execution | undefined, end: RunEnd): RunSummary {
  const totals = execution?.totals ?? { read: 0, added: 0, written: 0, filtered: 0, rejected: 0, bytesRead: 0 };
  const stages = execution?.outputStages ?? [];
  return {
    pipeline,
    run_id: end.runId,
    status: end.status,
    target: plan.output.name,
    read: totals.read,
    added: totals.added,
    written: totals.written,
    filtered: totals.filtered,
    rejected: totals.rejected,
    bytes_read: totals.bytesRead,
    bytes_written: stages.reduce((sum, s) => sum + s.bytes, 0),
    files_written: stages.reduce((sum, s) => sum + s.files, 0),
    seconds: Math.max(0, end.at - plan.startedAt) / 1000,
    peak_memory_bytes: process.resourceUsage().maxRSS * 1024,
    schema_changes: plan.output.schemaChanges,
    notes: [...end.notes, ...plan.notes],
    warnings: execution?.notes ?? [],
    state_before: plan.stateBefore,
    state_after: end.stateAfter,
    commit: end.commit,
  };
}

/** One report of a run that was continued and of the run that followed in the same call. */
export function combineSummaries(first: RunSummary, second: RunSummary): RunSummary {
  if (second.status === 'up-to-date') return first;
  return {
    ...second,
    read: first.read + second.read,
    added: first.added + second.added,
    written: first.written + second.written,
    filtered: first.filtered + second.filtered,
    rejected: first.rejected + second.rejected,
    bytes_read: first.bytes_read + second.bytes_read,
    bytes_written: first.bytes_written + second.bytes_written,
    files_written: first.files_written + second.files_written,
    seconds: first.seconds + second.seconds,
    notes: [`run ${first.run_id} was continued and committed first`, ...first.notes, ...second.notes],
    warnings: [...new Set([...first.warnings, ...second.warnings])],
    state_before: first.state_before,
  };
}

/** A run's figures for whoever watches it. */
export function summaryFacts(summary: RunSummary): StepFacts {
  const { run_id, status, target, read, added, written, filtered, rejected, bytes_read, bytes_written, files_written } = summary;
  return { run_id, status, target, read, added, written, filtered, rejected, bytes_read, bytes_written, files_written };
}
