import type { Session } from '../../cli/session.js';
import { ConflictError, type JobLogLine, type JobRecord, type StoreTransaction } from '../../core/spi/index.js';
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
  const { job, session } = context;
  const store = await session.metastore();
  const period = periodOf(context);
  return async (tx) => {
    // First, as it waits for another try of this job that is just committing.
    if (period) await store.claimPeriod(tx, period.schedule, period.time, job.id);
    const earlier = await findCommitted(store, job, pipeline, part);
    if (earlier !== undefined) throw partCommitted(job, earlier);
  };
}

/**
 * Claims the period of what an earlier try had committed: a target with a ledger commits by itself, and what a crash left undone in the
 * metastore is completed by whichever run comes next.
 */
export async function claimCommitted(context: JobContext): Promise<void> {
  const period = periodOf(context);
  if (!period || context.job.fence <= 1) return;
  const store = await context.session.metastore();
  try {
    await store.transaction((tx) => store.claimPeriod(tx, period.schedule, period.time, context.job.id));
  } catch (error) {
    if (!(error instanceof ConflictError) || error.code !== 'PERIOD_COMMITTED') throw error;
    context.log('warn', error.message);
  }
}

/** The period whose one commit by the timer the job may make. */
function periodOf({ payload, job, scheduledTime }: JobContext): { readonly schedule: string; readonly time: number } | undefined {
  const { schedule, movesState } = payload as { schedule?: string; movesState?: boolean };
  const byTimer = job.trigger === 'timer' || job.trigger === 'retry';
  if (schedule === undefined || scheduledTime === undefined || movesState === false || !byTimer) return undefined;
  return { schedule, time: scheduledTime };
}
