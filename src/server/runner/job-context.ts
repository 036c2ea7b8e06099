import type { Session } from '../../cli/session.js';
import type { JobLogLine, JobRecord, StoreTransaction } from '../../core/spi/index.js';
import type { JobPayload } from '../job-payload.js';
import { findCommitted, partCommitted } from './earlier-tries.js';
import type { JobTotals } from './job-totals.js';

export type LogLevel = JobLogLine['level'];
export type OnLog = (level: LogLevel, text: string) => void;

/** What a job is run with. */
export interface JobServices {
  readonly session: Session;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A job at work: what its parts share. */
export interface JobContext extends JobServices {
  readonly job: JobRecord;
  readonly payload: JobPayload;
  /** Nominal time of its period. */
  readonly scheduledTime: number | undefined;
  readonly signal: AbortSignal;
  readonly totals: JobTotals;
  readonly log: OnLog;
}

/** `2026-11-22T00:00:00Z`, what `{{ scheduled_time }}` stands for. */
export function scheduledText(time: number): string {
  return new Date(time).toISOString().replace('.000Z', 'Z');
}

/** What is asked within each commit of the job: is it the first one of its period, and of this part of the job? */
export async function guardCommit(context: JobContext, pipeline: string, part: string): Promise<(tx: StoreTransaction) => Promise<void>> {
  const { job, session, scheduledTime } = context;
  const store = await session.metastore();
  const { schedule, movesState } = context.payload as { schedule?: string; movesState?: boolean };
  const claims =
    schedule !== undefined && scheduledTime !== undefined && movesState !== false && (job.trigger === 'timer' || job.trigger === 'retry');
  return async (tx) => {
    // First, as it waits for another try of this job that is just committing.
    if (claims) await store.claimPeriod(tx, schedule, scheduledTime, job.id);
    const earlier = await findCommitted(store, job, pipeline, part);
    if (earlier !== undefined) throw partCommitted(job, earlier);
  };
}
