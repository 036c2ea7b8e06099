import type { JsonObject, JsonValue } from '../spi/index.js';

/** What a run tells while it works. The CLI prints them; `--json` writes each as one line. */
export type RunEvent =
  | {
      readonly event: 'plan';
      readonly pipeline: string;
      readonly target: string;
      readonly tasks: number;
      readonly bytes: number | null;
      readonly notes: readonly string[];
      readonly schema_changes: readonly string[];
    }
  | { readonly event: 'resume'; readonly pipeline: string; readonly run_id: string; readonly finished_tasks: number; readonly tasks: number }
  | {
      readonly event: 'progress';
      readonly pipeline: string;
      readonly rows: number;
      readonly bytes: number;
      readonly tasks_done: number;
      readonly tasks: number;
      readonly rejected: number;
      readonly total_bytes: number | null;
      readonly fraction: number | null;
    }
  | {
      readonly event: 'retry';
      readonly pipeline: string;
      readonly task: number;
      readonly attempt: number;
      readonly wait_ms: number;
      readonly error: string;
    }
  | { readonly event: 'note'; readonly pipeline: string; readonly message: string }
  | { readonly event: 'commit'; readonly pipeline: string; readonly run_id: string };

/** The end of one pipeline's run; the last line of `--json` holds all of them. */
export interface RunSummary {
  readonly pipeline: string;
  readonly run_id: string | null;
  readonly status: 'committed' | 'held' | 'up-to-date' | 'planned';
  readonly target: string;
  readonly read: number;
  readonly added: number;
  readonly written: number;
  readonly filtered: number;
  readonly rejected: number;
  readonly bytes_read: number;
  readonly bytes_written: number;
  readonly files_written: number;
  readonly seconds: number;
  readonly peak_memory_bytes: number;
  readonly schema_changes: readonly string[];
  readonly notes: readonly string[];
  /** What the source said while it was read: that its data are sampled, for example. */
  readonly warnings: readonly string[];
  readonly state_before: JsonValue;
  readonly state_after: JsonValue;
  readonly commit: JsonObject | null;
}
