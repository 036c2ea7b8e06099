import type { JobRecord, JsonObject, JsonValue } from '../core/spi/index.js';
import { formatBytes, formatCount, formatCountOf, formatSeconds, formatTime } from './format.js';

/** A job for `--json`: one object. */
export function jobFacts(job: JobRecord): JsonObject {
  const iso = (time: number | null): string | null => (time === null ? null : new Date(time).toISOString());
  const { result } = job;
  return {
    job_id: job.id,
    name: job.name,
    kind: job.kind,
    status: job.status,
    trigger: job.trigger,
    nominal_time: iso(job.nominalTime),
    attempts: job.attempts,
    max_attempts: job.maxAttempts,
    priority: job.priority,
    created_at: iso(job.createdAt),
    started_at: iso(job.startedAt),
    finished_at: iso(job.finishedAt),
    parent_id: job.parentId,
    tags: job.tags,
    uses: job.uses,
    error: job.error as JsonObject | null,
    result: result as unknown as JsonValue,
  };
}

export function jobLines(job: JobRecord, exports: readonly JobRecord[]): readonly string[] {
  const { result, error } = job;
  const file = result?.resultFile;
  const lines: (readonly [string, string])[] = [
    ['job', job.id],
    ['name', job.name],
    ['kind', `${job.kind}, by ${job.trigger}`],
    ['status', `${job.status}${job.killRequested && job.status === 'running' ? ', to be killed' : ''}`],
    ['tries', `${job.attempts} of ${job.maxAttempts}`],
    ...(job.nominalTime === null ? [] : [['for', `${formatTime(job.nominalTime)} UTC`] as const]),
    ['created', `${formatTime(job.createdAt)} UTC`],
    ...(job.status === 'queued' && job.notBefore > job.createdAt ? [['not before', `${formatTime(job.notBefore)} UTC`] as const] : []),
    ...(job.startedAt === null ? [] : [['started', `${formatTime(job.startedAt)} UTC`] as const]),
    ...(job.finishedAt === null ? [] : [['finished', `${formatTime(job.finishedAt)} UTC${tookOf(job)}`] as const]),
    ...(result ? [['rows', figuresOf(job)] as const] : []),
    ...(result?.cpuSeconds === undefined ? [] : [['CPU', formatSeconds(result.cpuSeconds)] as const]),
    ...(result && result.runIds.length > 0 ? [['runs', result.runIds.join(', ')] as const] : []),
    ...(file ? [['result', `${formatCountOf(file.rows, 'row')}, kept until ${formatTime(file.expiresAt)} UTC`] as const] : []),
    ...(job.parentId === null ? [] : [['result of', job.parentId] as const]),
    ...exports.map((each) => ['export', `${each.id}, ${each.status}`] as const),
    ...(error ? [['error', `${error.code}: ${error.message}`] as const] : []),
    ...(error?.hint === undefined ? [] : [['hint', error.hint] as const]),
  ];
  return lines.map(([name, value]) => `${name.padEnd(12)}${value}`);
}

/** Headers and cells of the list. */
export const JOB_HEADERS = ['job', 'name', 'kind', 'status', 'for (UTC)', 'started (UTC)', 'time', 'written', 'error'];

export function jobCells(job: JobRecord): readonly string[] {
  return [
    job.id,
    job.name,
    job.kind,
    job.status,
    job.nominalTime === null ? '' : formatTime(job.nominalTime),
    job.startedAt === null ? '' : formatTime(job.startedAt),
    tookOf(job).replace(', after ', ''),
    job.result?.rowsWritten === undefined ? '' : formatCount(job.result.rowsWritten),
    job.error?.code ?? '',
  ];
}

function tookOf({ startedAt, finishedAt }: JobRecord): string {
  return startedAt === null || finishedAt === null ? '' : `, after ${formatSeconds(Math.max(0, finishedAt - startedAt) / 1000)}`;
}

function figuresOf({ result }: JobRecord): string {
  const parts = [
    `${formatCount(result?.rowsRead ?? 0)} read (${formatBytes(result?.bytesRead ?? 0)})`,
    `${formatCount(result?.rowsWritten ?? 0)} written (${formatBytes(result?.bytesWritten ?? 0)})`,
    ...((result?.rowsRejected ?? 0) > 0 ? [`${formatCount(result?.rowsRejected ?? 0)} rejected`] : []),
  ];
  return parts.join(', ');
}
