import { quoteLiteral, type JsonObject, type RunRecord, type RunStatus, type SqlValue } from '../../../core/spi/index.js';
import { findRejectsTable, REJECT_COLUMNS } from '../../../cli/rejects-table.js';
import { mayAccess, splitTableName } from '../../../warehouse/index.js';
import { answerRows, type RowsToSend } from '../answer-rows.js';
import { notFound } from '../problem.js';
import { formatTime } from '../read-time.js';
import type { Call, Route } from '../route.js';
import { FORMAT_TYPES, RESULT_FORMATS, id, limit, list, name, object, oneOf, orNull, text, type TextFormat } from '../schemas.js';

const STATUSES: readonly RunStatus[] = ['running', 'held', 'committed', 'failed', 'cancelled', 'discarded'];
const ID = { type: 'object', additionalProperties: false, required: ['id'], properties: { id: id('Of the run.') } } as const;
const MOST_SCANNED = 1_000;

const RUN = object({
  run_id: text(''),
  pipeline: text(''),
  target: text('Its name.'),
  status: oneOf(STATUSES, ''),
  started_at: text('ISO 8601.'),
  finished_at: orNull(text('ISO 8601.')),
  figures: orNull({ type: 'object', description: 'Rows and bytes.' }),
  error: orNull(object({ code: text(''), message: text(''), hint: text('') }, ['hint'])),
});

export const RUN_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/api/v1/runs',
    name: 'listRuns',
    tag: 'runs',
    summary: 'List runs, newest first.',
    description: 'A key that is limited to databases sees the runs that load one table of them.',
    scope: 'read',
    query: {
      type: 'object',
      additionalProperties: false,
      properties: { pipeline: name('Only of this pipeline.'), status: oneOf(STATUSES, 'Only these.'), limit: limit(1000, 100) },
    },
    answer: { status: 200, description: 'Runs.', schema: object({ runs: list(RUN, 'Newest first.') }) },
    async handle(call) {
      const { pipeline, status } = call.query;
      const most = Number(call.query['limit']);
      const runs = await call.services.store.listRuns({
        limit: call.key.databases === null ? most : MOST_SCANNED,
        ...(pipeline === undefined ? {} : { pipeline: String(pipeline) }),
        ...(status === undefined ? {} : { status: status as RunStatus }),
      });
      return {
        json: {
          runs: runs
            .filter((run) => mayKnow(call, run))
            .slice(0, most)
            .map(runFacts),
        },
      };
    },
  },
  {
    method: 'GET',
    path: '/api/v1/runs/{id}',
    name: 'getRun',
    tag: 'runs',
    summary: 'Show a run.',
    scope: 'read',
    params: ID,
    answer: { status: 200, description: 'The run.', schema: RUN },
    handle: async (call) => ({ json: runFacts(await findRun(call)) }),
  },
  {
    method: 'GET',
    path: '/api/v1/runs/{id}/rejects',
    name: 'getRunRejects',
    tag: 'runs',
    summary: 'The records a run rejected, as they were read, with place and reason.',
    description: 'Of a run that did not commit, the first 1,000 are kept.',
    scope: 'rejects',
    params: ID,
    query: {
      type: 'object',
      additionalProperties: false,
      properties: { format: { ...oneOf(RESULT_FORMATS, 'Default: jsonl.'), default: 'jsonl' }, limit: limit(1_000_000, 1000) },
    },
    answer: {
      status: 200,
      description: 'Rejected records.',
      types: Object.values(FORMAT_TYPES)
        .map((type) => (type.split(';')[0] ?? '').trim())
        .slice(0, 3),
    },
    async handle(call) {
      const run = await findRun(call);
      const format = String(call.query['format']) as TextFormat;
      const most = Number(call.query['limit']);
      const release = await call.services.slots.take(call.signal);
      try {
        const rows = run.status === 'committed' ? await committedRejects(call, run, most) : await keptRejects(call, run, most);
        return await answerRows(rows, format, { most }, release);
      } catch (error) {
        release();
        throw error;
      }
    },
  },
];

async function findRun(call: Call): Promise<RunRecord> {
  const wanted = call.params['id'] ?? '';
  const run = await call.services.store.getRun(wanted);
  if (!run || !mayKnow(call, run)) throw notFound(`run ${wanted}`, 'GET /api/v1/runs lists those that this key may see');
  return run;
}

/** Targets that are tables carry their UUID; names of other systems look like ours and mean something else. */
const OWN_TABLE = /^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$|new:)/;

function mayKnow({ key, access }: Call, run: RunRecord): boolean {
  if (key.databases === null) return true;
  const { namespace, name: table } = splitTableName(run.targetName);
  return OWN_TABLE.test(run.key.target) && mayAccess(access, namespace, table);
}

async function committedRejects({ services, access, signal }: Call, run: RunRecord, most: number): Promise<RowsToSend> {
  const table = await findRejectsTable(services.warehouse, run);
  if (table === undefined) return rowsOf([]);
  const columns = REJECT_COLUMNS.map((column) => column.name).join(', ');
  return services.warehouse.query(
    `SELECT ${columns} FROM ${table} WHERE run_id = ${quoteLiteral(run.runId)} ORDER BY source, record_number LIMIT ${most}`,
    { access, signal, maxMemory: services.config.query.memoryLimitBytes },
  );
}

async function keptRejects({ services }: Call, run: RunRecord, most: number): Promise<RowsToSend> {
  return rowsOf((await services.store.keptRejects(run.runId)).slice(0, most));
}

function rowsOf(records: readonly JsonObject[]): RowsToSend {
  const value = (record: JsonObject, column: string): SqlValue => {
    const given = record[column];
    return given === undefined || given === null ? null : typeof given === 'object' ? JSON.stringify(given) : given;
  };
  return {
    columns: REJECT_COLUMNS,
    async *chunks() {
      if (records.length > 0) yield await Promise.resolve(REJECT_COLUMNS.map((column) => records.map((record) => value(record, column.name))));
    },
    close: () => Promise.resolve(),
  };
}

const FIGURES = ['read', 'added', 'written', 'filtered', 'rejected', 'bytes_read', 'bytes_written', 'files_written', 'seconds'] as const;

/** States and plans stay here: they tell of systems and files that a reader of tables need not know. */
function runFacts(run: RunRecord): JsonObject {
  const { summary } = run;
  const figures = summary && Object.fromEntries(FIGURES.flatMap((key) => (typeof summary[key] === 'number' ? [[key, summary[key]]] : [])));
  return {
    run_id: run.runId,
    pipeline: run.key.pipeline,
    target: run.targetName,
    status: run.status,
    started_at: formatTime(run.startedAt),
    finished_at: formatTime(run.finishedAt),
    figures: figures,
    error: run.error && { code: run.error.code, message: run.error.message, ...(run.error.hint === undefined ? {} : { hint: run.error.hint }) },
  };
}
