import type { SchedulePipeline, ScheduleSql } from '../core/config/schedule-definition.js';
import type { JsonObject } from '../core/spi/index.js';

/**
 * What a job runs; plain JSON, stored with the job, without secrets. It says all that the runner needs beside the project, so that a
 * job means the same however late it is run.
 */
export type JobPayload = (PipelinePayload | SqlPayload | ExportPayload | MaintainPayload) & Traced;

interface Traced {
  /** `traceparent` of the span that made the job, where that is traced. */
  readonly trace?: string;
}

interface Period {
  /** The schedule whose period this is; its one commit by the timer is claimed in the run's transaction. */
  readonly schedule?: string;
  /** Nominal time in milliseconds since 1970: `{{ scheduled_time }}` and TD_SCHEDULED_TIME(). */
  readonly scheduledTime?: number;
  /** False for runs of a period by hand and backfills: they neither read nor move the cursor. */
  readonly movesState?: boolean;
}

/** Pipelines of a file of the project, or one that stands in the schedule itself. */
export type PipelinePayload = Period & SchedulePipeline;

/** A SQL statement: a SELECT whose result is kept, loaded into a table or sent on, or a statement with side effects only. */
export interface SqlPayload extends Period, ScheduleSql {
  /** What the statement may touch; left out: everything. The runner gives it to the warehouse as `QueryOptions.access`. */
  readonly access?: { readonly databases?: readonly string[]; readonly rejects: boolean };
  /** Milliseconds to keep the result of a SELECT without `into` and `out`. */
  readonly keepResultMs?: number;
}

/** Sends the kept result of a finished SQL job. */
export interface ExportPayload {
  readonly kind: 'export';
  readonly fromJob: string;
  readonly out: JsonObject;
}

export interface MaintainPayload {
  readonly kind: 'maintain';
}
