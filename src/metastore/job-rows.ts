import { randomUUID } from 'node:crypto';
import type { JobKind, JobRecord, JobResult, JobStatus, JobTrigger, JsonObject, NewJob } from '../core/spi/index.js';
import { numberOf, optionalText, textOf, type OpenTransaction, type SqlRow } from './connection.js';

/** Writes a new, queued job; `now` is the database's clock. Answers its id, which sorts by time. */
export async function insertJob(tx: OpenTransaction, project: string, job: NewJob, now: number): Promise<string> {
  const id = newJobId(now);
  await tx.run(
    `INSERT INTO sluice_jobs (id, project, kind, name, payload, trigger_kind, nominal_time, priority, not_before, max_attempts, retry_wait, timeout_ms, uses,
     parent_id, tags, status, attempts, takeovers, holder, fence, kill_requested, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, 'queued', 0, 0, NULL, 0, 0, $16)`,
    [
      id,
      project,
      job.kind,
      job.name,
      JSON.stringify(job.payload),
      job.trigger,
      job.nominalTime,
      job.priority,
      job.notBefore,
      job.maxAttempts,
      JSON.stringify(job.retryWait),
      job.timeoutMs,
      JSON.stringify(job.uses),
      job.parentId,
      JSON.stringify(job.tags),
      now,
    ],
  );
  for (const tag of new Set(job.tags)) await tx.run('INSERT INTO sluice_job_tags (project, tag, job_id) VALUES ($1, $2, $3)', [project, tag, id]);
  return id;
}

let lastId = '';
let counter = 0;

/** `20240131T093000123-0001f2e3`: time, then a counter within the millisecond, then chance. */
function newJobId(now: number): string {
  const time = new Date(now).toISOString().replace(/[-:.Z]/g, '');
  counter = time === lastId ? counter + 1 : 0;
  lastId = time;
  return `${time}-${String(counter % 10_000).padStart(4, '0')}${randomUUID().slice(0, 6)}`;
}

export function jobOf(row: SqlRow): JobRecord {
  const optional = (column: string): number | null => (row[column] === null ? null : numberOf(row, column));
  const json = <T>(column: string): T => JSON.parse(textOf(row, column)) as T;
  const maybe = <T>(column: string): T | null => (row[column] === null ? null : json<T>(column));
  return {
    id: textOf(row, 'id'),
    kind: textOf(row, 'kind') as JobKind,
    name: textOf(row, 'name'),
    payload: json<JsonObject>('payload'),
    trigger: textOf(row, 'trigger_kind') as JobTrigger,
    nominalTime: optional('nominal_time'),
    priority: numberOf(row, 'priority'),
    notBefore: numberOf(row, 'not_before'),
    maxAttempts: numberOf(row, 'max_attempts'),
    retryWait: json<NewJob['retryWait']>('retry_wait'),
    timeoutMs: optional('timeout_ms'),
    uses: json<readonly string[]>('uses'),
    parentId: optionalText(row, 'parent_id'),
    tags: json<readonly string[]>('tags'),
    status: textOf(row, 'status') as JobStatus,
    attempts: numberOf(row, 'attempts'),
    holder: optionalText(row, 'holder'),
    fence: numberOf(row, 'fence'),
    killRequested: numberOf(row, 'kill_requested') !== 0,
    createdAt: numberOf(row, 'created_at'),
    startedAt: optional('started_at'),
    finishedAt: optional('finished_at'),
    result: maybe<JobResult>('result'),
    error: maybe<NonNullable<JobRecord['error']>>('error'),
  };
}
