import { CancelledError, type JsonObject } from '../../../core/spi/index.js';
import type { QueryOptions, QueryParameter } from '../../../warehouse/index.js';
import { hasScope } from '../../keys/api-key.js';
import type { SqlPayload } from '../../job-payload.js';
import { answerRows } from '../answer-rows.js';
import { HttpError, invalidRequest } from '../problem.js';
import { readTime } from '../read-time.js';
import type { Answer, Call, Route } from '../route.js';
import { FORMAT_TYPES, PARAMS, RESULT_FORMATS, flag, name, object, oneOf, text, time, type TextFormat } from '../schemas.js';
import { jobRequest } from '../new-job.js';

interface QueryBody {
  readonly sql: string;
  readonly params?: Readonly<Record<string, QueryParameter>>;
  readonly database?: string;
  readonly format?: TextFormat;
  readonly limit?: number;
  readonly snapshot?: string;
  readonly as_of?: string;
  readonly scheduled_time?: string;
  readonly async?: boolean;
  readonly priority?: number;
}

export const QUERY_ROUTES: readonly Route[] = [
  {
    method: 'POST',
    path: '/api/v1/query',
    name: 'runQuery',
    tag: 'query',
    summary: 'Run one SQL statement.',
    description:
      'A SELECT is answered at once, row by row as it is computed; it ends at the time limit of the server, and when the client goes away. ' +
      'An answer that cannot be finished is cut off: a client must treat a broken transfer as an error. ' +
      'With `async` the statement becomes a job, whose result is kept; statements that write run as jobs only and need the scope `write`.',
    scope: 'read',
    body: {
      type: 'object',
      additionalProperties: false,
      required: ['sql'],
      properties: {
        sql: { type: 'string', minLength: 1, maxLength: 1_000_000, description: 'One statement, in DuckDB’s dialect.' },
        params: PARAMS,
        database: name('Database (namespace) of tables that are named without one. Default: main.', 128),
        format: oneOf(RESULT_FORMATS, 'Of an answer at once. Default: jsonl.'),
        limit: { type: 'integer', minimum: 1, maximum: 1_000_000_000, description: 'Answer with so many rows at most.' },
        snapshot: { type: 'string', pattern: '^\\d{1,18}$', description: 'Read tables as of this snapshot.' },
        as_of: time('Read tables as of this time.'),
        scheduled_time: time('What TD_SCHEDULED_TIME() gives. Default: now.'),
        async: flag('Make a job of it.'),
        priority: { type: 'integer', minimum: -2, maximum: 2, description: 'Of the job. Default: 0.' },
      },
    },
    answer: {
      status: 200,
      description: 'The rows; with `async` 202 and the id of the job.',
      schema: object({ job_id: text('Of the job that was made.') }),
      types: [...new Set(RESULT_FORMATS.map((format) => (FORMAT_TYPES[format].split(';')[0] ?? '').trim()))].filter(
        (type) => type !== 'application/json',
      ),
    },
    refusals: [404, 422],
    handle: (call) => {
      const body = call.body as unknown as QueryBody;
      return body.async === true ? enqueueQuery(call, body) : answerQuery(call, body);
    },
  },
];

async function answerQuery(call: Call, body: QueryBody): Promise<Answer> {
  const { services } = call;
  const { query: limits } = services.config;
  if (body.priority !== undefined) throw invalidRequest('body.priority: expected it with "async" only', 'leave it out, or add "async": true');
  const sql = oneStatement(call, body.sql);
  if (!services.warehouse.isQuery(sql))
    throw new HttpError(400, { code: 'SQL_REFUSED', message: 'a statement that writes runs as a job', hint: 'send it with "async": true' });
  const timeout = AbortSignal.timeout(limits.timeoutSecs * 1000);
  const signal = AbortSignal.any([call.signal, timeout]);
  const timed = (error: unknown): unknown => (timeout.aborted ? tooSlow(limits.timeoutSecs) : error);
  try {
    const release = await services.slots.take(signal);
    try {
      const rows = await services.warehouse.query(sql, { ...optionsOf(call, body), signal });
      const limit = body.limit === undefined ? {} : { wanted: body.limit };
      return await answerRows(rows, body.format ?? 'jsonl', { ...limit, most: limits.maxRows }, (n) => {
        services.metrics.rows(n);
        release();
      });
    } catch (error) {
      release();
      throw error;
    }
  } catch (error) {
    throw timed(error);
  }
}

function tooSlow(seconds: number): CancelledError {
  return new CancelledError({
    code: 'QUERY_TIMEOUT',
    message: `the query took longer than ${seconds} s`,
    hint: 'read less, or run it as a job with "async": true',
  });
}

async function enqueueQuery(call: Call, body: QueryBody): Promise<Answer> {
  const { services, key, access } = call;
  for (const name of ['format', 'limit', 'snapshot', 'as_of', 'database'] as const)
    if (body[name] !== undefined)
      throw invalidRequest(
        `body.${name}: expected it without "async" only`,
        'name tables with their database; formats are chosen when the result is fetched',
      );
  const sql = oneStatement(call, body.sql);
  if (services.warehouse.isQuery(sql)) {
    // Wrong text is told now rather than by a job that fails.
    await services.warehouse.explain(sql, { ...optionsOf(call, body), signal: call.signal });
  } else if (!hasScope(key, 'write')) {
    throw new HttpError(403, {
      code: 'SCOPE_MISSING',
      message: 'a statement that writes needs a key with the scope write',
      hint: `this one has ${key.scopes.join(', ')}`,
    });
  }
  const scheduledTime = readTime(body.scheduled_time, 'body.scheduled_time');
  const payload: SqlPayload = {
    kind: 'sql',
    sql,
    access,
    ...(body.params === undefined ? {} : { params: body.params as JsonObject }),
    ...(scheduledTime === undefined ? {} : { scheduledTime }),
    ...(services.keepResultMs === undefined ? {} : { keepResultMs: services.keepResultMs }),
  };
  const job = jobRequest({ kind: 'sql', name: `query by ${key.id}`, payload, nominalTime: null, notBefore: await services.store.now() });
  const id = await services.enqueue({ ...job, priority: body.priority ?? 0 });
  return { status: 202, json: { job_id: id } };
}

function oneStatement({ services }: Call, sql: string): string {
  const statements = services.warehouse.splitStatements(sql);
  const [only] = statements;
  if (only === undefined || statements.length > 1)
    throw new HttpError(400, {
      code: only === undefined ? 'SQL_EMPTY' : 'SQL_REFUSED',
      message: `body.sql: expected one statement, found ${statements.length}`,
      hint: 'send each statement as a request of its own',
    });
  return only;
}

function optionsOf({ services, access }: Call, body: QueryBody): QueryOptions {
  const scheduledTime = readTime(body.scheduled_time, 'body.scheduled_time');
  readTime(body.as_of, 'body.as_of');
  return {
    access,
    params: body.params ?? {},
    maxMemory: services.config.query.memoryLimitBytes,
    ...(body.database === undefined ? {} : { namespace: body.database }),
    ...(body.snapshot === undefined ? {} : { snapshot: BigInt(body.snapshot) }),
    ...(body.as_of === undefined ? {} : { asOf: body.as_of }),
    ...(scheduledTime === undefined ? {} : { scheduledTime }),
  };
}
