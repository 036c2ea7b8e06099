/**
 * Named points of a run, from spool to clean-up, at which the crash tests kill the process. The tests
 * compare this list with the calls of `reach` in the code.
 */
export const POINTS = [
  'lease.acquired',
  'run.recorded',
  'task.started',
  'spool.segment_written',
  'task.staging_recorded',
  'task.copied',
  'task.files_moved',
  'task.rejects_written',
  'task.staged',
  'task.report_stored',
  'run.tasks_done',
  'commit.started',
  'commit.manifest_written',
  'commit.manifest_list_written',
  'commit.metadata_written',
  'commit.transaction_open',
  'commit.target_open',
  'commit.target_early',
  'commit.target_loaded',
  'commit.target_filled',
  'commit.ledger_written',
  'commit.target_committed',
  'commit.pointer_swapped',
  'commit.state_stored',
  'objects.copied',
  'objects.staged',
  'objects.intent_written',
  'objects.one_published',
  'objects.published',
  'objects.manifest_written',
  'objects.replaced',
  'commit.done',
  'cleanup.started',
  'cleanup.done',
  'lease.released',
] as const;

export type Point = (typeof POINTS)[number];
