import type { NotifyEvent } from '../../core/config/index.js';
import type { JobRecord, JobResult, JsonObject } from '../../core/spi/index.js';
import type { SlaEvent } from '../schedule/sla-watch.js';

/** What is told of the end of a try. */
export interface ToldEnd {
  readonly job: Pick<JobRecord, 'id' | 'name' | 'kind' | 'trigger' | 'attempts' | 'nominalTime' | 'startedAt' | 'tags'>;
  readonly status: 'success' | 'error' | 'killed';
  readonly error: JobRecord['error'];
  readonly result: Pick<JobResult, 'rowsWritten' | 'rowsRejected'> | null;
}

/** Something to tell: how a job ended, or a promise of a schedule that was missed, or met late. */
export type News =
  | { readonly event: Extract<NotifyEvent, 'failure' | 'recovery' | 'rejects'>; readonly end: ToldEnd }
  | { readonly event: Extract<NotifyEvent, 'sla_missed' | 'sla_met'>; readonly sla: SlaEvent['sla'] };

/** As it waits in the metastore until it is sent: without the job's payload, which may be large. */
export function contentOf(news: News): JsonObject {
  if ('sla' in news) return { event: news.event, sla: news.sla as unknown as JsonObject };
  const { job, status, error, result } = news.end;
  const { id, name, kind, trigger, attempts, nominalTime, startedAt, tags } = job;
  const told: ToldEnd = {
    job: { id, name, kind, trigger, attempts, nominalTime, startedAt, tags },
    status,
    error,
    result: result && {
      ...(result.rowsWritten === undefined ? {} : { rowsWritten: result.rowsWritten }),
      ...(result.rowsRejected === undefined ? {} : { rowsRejected: result.rowsRejected }),
    },
  };
  return { event: news.event, end: told as unknown as JsonObject };
}

/** What it is about: the schedule or pipeline. */
export function nameOf(news: News): string {
  return 'end' in news ? news.end.job.name : news.sla.miss.schedule;
}

/** For logs: which message it was. */
export function factsOf(news: News): { readonly event: NotifyEvent; readonly job?: string; readonly schedule?: string } {
  return 'end' in news ? { event: news.event, job: news.end.job.id } : { event: news.event, schedule: news.sla.miss.schedule };
}

const HEADLINES: Readonly<Record<NotifyEvent, string>> = {
  failure: 'failed',
  recovery: 'works again',
  rejects: 'rejected more records than allowed',
  sla_missed: 'is late',
  sla_met: 'was late, and has succeeded',
};

/** `failed for 2026-01-31T00:00:00.000Z`, for people. */
export function headlineOf(news: News): string {
  const time = timeOf(news);
  return `${HEADLINES[news.event]}${time === null ? '' : ` for ${isoTime(time)}`}`;
}

/** What people read below the headline: each line by itself. `code` stands in front of the first one. */
export function detailsOf(news: News): { readonly code: string | null; readonly lines: readonly string[]; readonly command: string } {
  if ('end' in news) {
    const { job, error } = news.end;
    return {
      code: error?.code ?? null,
      lines: error === null ? [] : [error.message, ...(error.hint === undefined ? [] : [error.hint])],
      command: `sluice job log ${job.id}`,
    };
  }
  const { miss, promise } = news.sla;
  const success = miss.metAt === null ? 'it has not succeeded' : `it succeeded at ${isoTime(miss.metAt)}`;
  return {
    code: null,
    lines: [`${promise}: a success was due by ${isoTime(miss.deadline)}; ${success}`],
    command: `sluice schedule history ${miss.schedule}`,
  };
}

/** The nominal time that it is about. */
function timeOf(news: News): number | null {
  if ('end' in news) return news.end.job.nominalTime;
  return news.sla.miss.kind === 'finish_within' ? news.sla.miss.nominalTime : null;
}

export function isoTime(time: number): string {
  return new Date(time).toISOString();
}
