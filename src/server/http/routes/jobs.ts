import type { JobKind, JobRecord, JobStatus, JsonObject } from '../../../core/spi/index.js';
import { hasScope } from '../../keys/api-key.js';
import { HttpError, notFound } from '../problem.js';
import { formatTime } from '../read-time.js';
import { answerResult } from '../result-file.js';
import type { Call, Route } from '../route.js';
import { FORMAT_TYPES, JOB_STATUSES, RESULT_FORMATS, count, flag, id, limit, list, name, object, oneOf, orNull, text } from '../schemas.js';

const KINDS = ['pipeline', 'sql', 'export', 'maintain'] as const;
const ID = { type: 'object', additionalProperties: false, required: ['id'], properties: { id: id('Of the job.') } } as const;
/** Jobs that are looked at for a key that may see few of them. */
const MOST_SCANNED = 10_000;

const JOB = object(
  {
    id: text('Sorts by time of creation.'),
    kind: oneOf(KINDS, 'What it does.'),
    name: text('Of its schedule or pipeline.'),
    status: oneOf(JOB_STATUSES, 'Where it stands.'),
    trigger: text('What made it: timer, manual, backfill, retry, api or job.'),
    nominal_time: orNull(text('Of its schedule.')),
    priority: count('Higher first.'),
    attempts: count('Tries so far.'),
    max_attempts: count('Tries in all.'),
    kill_requested: flag('Whether it shall end.'),
    created_at: text('ISO 8601.'),
    started_at: orNull(text('ISO 8601.')),
    finished_at: orNull(text('ISO 8601.')),
    parent_id: orNull(text('The query job whose result it exports.')),
    tags: list(text(''), 'For lists.'),
    sql: text('Of a SQL job.'),
    result: orNull({ type: 'object', description: 'Figures of its end: runs, rows, bytes, CPU seconds; columns and expiry of a kept result.' }),
    error: orNull(object({ code: text(''), message: text(''), hint: text('') }, ['hint'])),
  },
  ['sql'],
);

export const JOB_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/api/v1/jobs',
    name: 'listJobs',
    tag: 'jobs',
    summary: 'List jobs, newest first.',
    description: 'A key that is limited to databases sees the jobs that such keys made with `async` queries over its databases.',
    scope: 'read',
    query: {
      type: 'object',
      additionalProperties: false,
      properties: {
        status: oneOf(JOB_STATUSES, 'Only these.'),
        kind: oneOf(KINDS, 'Only these.'),
        name: name('Only of this schedule or pipeline.'),
        tag: name('Only with this tag.'),
        before: id('Only older ones than this job: `next` of the answer before.'),
        limit: limit(1000, 100),
      },
    },
    answer: {
      status: 200,
      description: 'Jobs.',
      schema: object({ jobs: list(JOB, 'Newest first.'), next: orNull(text('`before` of the next page; null: there is none.')) }),
    },
    async handle(call) {
      const { jobs, next } = await visibleJobs(call);
      return { json: { jobs: jobs.map(jobFacts), next } };
    },
  },
  {
    method: 'GET',
    path: '/api/v1/jobs/{id}',
    name: 'getJob',
    tag: 'jobs',
    summary: 'Show a job.',
    scope: 'read',
    params: ID,
    answer: { status: 200, description: 'The job.', schema: JOB },
    handle: async (call) => ({ json: jobFacts(await findJob(call)) }),
  },
  {
    method: 'GET',
    path: '/api/v1/jobs/{id}/log',
    name: 'getJobLog',
    tag: 'jobs',
    summary: 'What a job said. To follow it, ask again with `after` set to `next`, until `ended`.',
    scope: 'read',
    params: ID,
    query: {
      type: 'object',
      additionalProperties: false,
      properties: {
        after: { type: 'integer', minimum: 0, maximum: 2_000_000_000, default: 0, description: 'Only lines after this one.' },
        limit: limit(10_000, 1000),
      },
    },
    answer: {
      status: 200,
      description: 'Lines in their order.',
      schema: object({
        lines: list(
          object({ seq: count(''), at: text('ISO 8601.'), attempt: count(''), level: text('debug, info, warn or error.'), text: text('') }),
          'Lines.',
        ),
        next: count('`after` of the next request.'),
        ended: flag('Whether the job has ended and these are its last lines.'),
      }),
    },
    async handle(call) {
      const job = await findJob(call);
      const after = Number(call.query['after']);
      const most = Number(call.query['limit']);
      const lines = await call.services.store.readLog(job.id, after, most);
      return {
        json: {
          lines: lines.map(({ seq, at, attempt, level, text: said }) => ({ seq, at: formatTime(at), attempt, level, text: said })),
          next: lines.at(-1)?.seq ?? after,
          ended: hasEnded(job) && lines.length < most,
        },
      };
    },
  },
  {
    method: 'GET',
    path: '/api/v1/jobs/{id}/result',
    name: 'getJobResult',
    tag: 'jobs',
    summary: 'The rows of a SQL job, as long as they are kept.',
    scope: 'read',
    params: ID,
    query: {
      type: 'object',
      additionalProperties: false,
      properties: { format: { ...oneOf([...RESULT_FORMATS, 'parquet'], 'Default: jsonl.'), default: 'jsonl' } },
    },
    answer: {
      status: 200,
      description: 'The rows.',
      types: [...new Set(Object.values(FORMAT_TYPES).map((type) => (type.split(';')[0] ?? '').trim()))],
    },
    refusals: [409, 410],
    async handle(call) {
      const job = await findJob(call);
      checkRejects(call, job);
      return answerResult(call, job, String(call.query['format']));
    },
  },
  {
    method: 'POST',
    path: '/api/v1/jobs/{id}/kill',
    name: 'killJob',
    tag: 'jobs',
    summary: 'End a job: a queued one at once, a running one soon.',
    scope: 'write',
    params: ID,
    answer: { status: 202, description: 'It will end.', schema: object({ id: text(''), killed: flag('Always true.') }) },
    refusals: [409],
    async handle(call) {
      const job = await findJob(call);
      if (!(await call.services.store.killJob(job.id)))
        throw new HttpError(409, { code: 'JOB_ENDED', message: `job ${job.id} had ended`, hint: 'nothing is left to do' });
      return { json: { id: job.id, killed: true } };
    },
  },
  {
    method: 'POST',
    path: '/api/v1/jobs/{id}/retry',
    name: 'retryJob',
    tag: 'jobs',
    summary: 'Make a fresh copy of a job that ended.',
    scope: 'write',
    params: ID,
    answer: { status: 202, description: 'The copy is queued.', schema: object({ job_id: text('Of the copy.') }) },
    refusals: [409],
    async handle(call) {
      const job = await findJob(call);
      checkRejects(call, job);
      return { json: { job_id: await call.services.store.retryJob(job.id) } };
    },
  },
];

/** The job, unless the key may not know of it. Errors: HttpError 404. */
async function findJob(call: Call): Promise<JobRecord> {
  const wanted = call.params['id'] ?? '';
  const job = await call.services.store.getJob(wanted);
  if (!job || !mayKnow(call, job)) throw notFound(`job ${wanted}`, 'GET /api/v1/jobs lists those that this key may see');
  return job;
}

/**
 * What a job of a schedule reads is not known to its record, so a key that is limited to databases knows only jobs whose
 * statement was limited to databases it has.
 */
function mayKnow({ key }: Call, job: JobRecord): boolean {
  if (key.databases === null) return true;
  const made = accessOfJob(job)?.databases;
  return made !== undefined && made.every((database) => key.databases?.includes(database) === true);
}

/** A statement that could read rejects is for keys that may. What schedules publish is for everyone who sees their jobs. */
function checkRejects({ key }: Call, job: JobRecord): void {
  if (accessOfJob(job)?.rejects !== true || hasScope(key, 'rejects')) return;
  throw new HttpError(403, {
    code: 'SCOPE_MISSING',
    message: 'this job was made by a key that may read rejects',
    hint: 'use a key with the scope rejects',
  });
}

function accessOfJob(job: JobRecord): { readonly databases?: readonly string[]; readonly rejects?: boolean } | undefined {
  return job.payload['access'] as { readonly databases?: readonly string[]; readonly rejects?: boolean } | undefined;
}

async function visibleJobs(call: Call): Promise<{ readonly jobs: readonly JobRecord[]; readonly next: string | null }> {
  const { status, kind, name: wanted, tag, before } = call.query;
  const most = Number(call.query['limit']);
  const page = call.key.databases === null ? most : 1000;
  const jobs: JobRecord[] = [];
  let at = before as string | undefined;
  for (let scanned = 0; scanned < MOST_SCANNED;) {
    const found = await call.services.store.listJobs({
      limit: page,
      ...(status === undefined ? {} : { status: status as JobStatus }),
      ...(kind === undefined ? {} : { kind: kind as JobKind }),
      ...(wanted === undefined ? {} : { name: String(wanted) }),
      ...(tag === undefined ? {} : { tag: String(tag) }),
      ...(at === undefined ? {} : { before: at }),
    });
    for (const job of found) {
      at = job.id;
      if (mayKnow(call, job)) jobs.push(job);
      if (jobs.length === most) return { jobs, next: job.id };
    }
    if (found.length < page) return { jobs, next: null };
    scanned += found.length;
  }
  return { jobs, next: at ?? null };
}

function hasEnded(job: JobRecord): boolean {
  return job.status !== 'queued' && job.status !== 'running';
}

function jobFacts(job: JobRecord): JsonObject {
  const { sql } = job.payload;
  return {
    id: job.id,
    kind: job.kind,
    name: job.name,
    status: job.status,
    trigger: job.trigger,
    nominal_time: formatTime(job.nominalTime),
    priority: job.priority,
    attempts: job.attempts,
    max_attempts: job.maxAttempts,
    kill_requested: job.killRequested,
    created_at: formatTime(job.createdAt),
    started_at: formatTime(job.startedAt),
    finished_at: formatTime(job.finishedAt),
    parent_id: job.parentId,
    tags: [...job.tags],
    ...(job.kind === 'sql' && typeof sql === 'string' ? { sql } : {}),
    result: resultFacts(job),
    error: job.error && { code: job.error.code, message: job.error.message, ...(job.error.hint === undefined ? {} : { hint: job.error.hint }) },
  };
}

function resultFacts({ result }: JobRecord): JsonObject | null {
  if (!result) return null;
  const figures = {
    rows_read: result.rowsRead,
    rows_written: result.rowsWritten,
    rows_rejected: result.rowsRejected,
    bytes_read: result.bytesRead,
    bytes_written: result.bytesWritten,
    cpu_seconds: result.cpuSeconds,
  };
  const file = result.resultFile;
  return {
    runs: [...result.runIds],
    ...(Object.fromEntries(Object.entries(figures).filter(([, value]) => value !== undefined)) as JsonObject),
    ...(file ? { rows: file.rows, columns: [...file.columns], expires_at: formatTime(file.expiresAt) } : {}),
  };
}
