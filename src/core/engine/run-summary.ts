import type { RunSummary } from './events.js';
import type { StepFacts } from './steps.js';

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
