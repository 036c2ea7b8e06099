import { mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConflictError } from '../../core/spi/index.js';
import type { QueryOptions, Warehouse } from '../../warehouse/index.js';
import type { SqlPayload } from '../job-payload.js';
import { findCommitted } from './earlier-tries.js';
import { guardCommit, scheduledText, type JobContext } from './job-context.js';
import { payloadError } from './job-error.js';
import { loadSqlPipeline } from './job-pipelines.js';
import { resultPath } from './kept-results.js';
import { runPipelines } from './run-pipelines.js';

/** The name under which statements that write stand among the runs. */
const SQL_PIPELINE = 'sql';

/** A SELECT into a table or an output is a pipeline; other statements run one by one, and a SELECT's result is kept. */
export async function runSqlJob(context: JobContext, payload: SqlPayload): Promise<void> {
  const sql = fillTime(context, payload.sql);
  if (payload.into || payload.out) return runPipelines(context, await loadSqlPipeline(context, payload, sql));
  const { job, session } = context;
  if (payload.checks && payload.checks.length > 0)
    throw payloadError(job, 'checks need a table', 'give into:, or check the table in its own pipeline');
  const warehouse = await session.warehouse();
  const statements = warehouse.splitStatements(sql);
  if (statements.length === 0) throw payloadError(job, 'there is no statement to run', 'give one in sql:');
  const queries = statements.filter((statement) => warehouse.isQuery(statement)).length;
  if (queries > 1) throw payloadError(job, `expected one SELECT at most, found ${queries}`, 'make a job of each');
  for (const [i, statement] of statements.entries()) {
    context.signal.throwIfAborted();
    if (warehouse.isQuery(statement)) await keepResult(context, payload, warehouse, statement);
    else await runStatement(context, payload, warehouse, statement, `statement ${i + 1}`);
  }
}

function fillTime({ scheduledTime, job }: JobContext, sql: string): string {
  return sql.replaceAll(/\{\{\s*scheduled_time\s*\}\}/g, () => scheduledText(scheduledTime ?? job.createdAt));
}

function optionsOf(context: JobContext, payload: SqlPayload): QueryOptions {
  return {
    signal: context.signal,
    // Of a job without a period: when it was asked for, so that a further try gives the same.
    scheduledTime: context.scheduledTime ?? context.job.createdAt,
    params: (payload.params ?? {}) as NonNullable<QueryOptions['params']>,
    ...(payload.access === undefined ? {} : { access: payload.access }),
  };
}

async function runStatement(context: JobContext, payload: SqlPayload, warehouse: Warehouse, statement: string, part: string): Promise<void> {
  const { job, session, log, totals } = context;
  const store = await session.metastore();
  const skip = async (): Promise<boolean> => {
    const runId = await findCommitted(store, job, SQL_PIPELINE, part);
    if (runId !== undefined) log('info', `${part}: an earlier try of this job committed it`);
    if (runId !== undefined) totals.add({}, runId);
    return runId !== undefined;
  };
  if (await skip()) return;
  const beforeCommit = await guardCommit(context, SQL_PIPELINE, part);
  try {
    const outcome = await warehouse.execute(statement, { ...optionsOf(context, payload), origin: { job: job.id, part }, beforeCommit });
    if (outcome.kind === 'rows') return await outcome.result.close();
    totals.add({ rowsWritten: outcome.rows }, outcome.runId);
    log('info', outcome.message);
  } catch (error) {
    if (!(error instanceof ConflictError) || error.code !== 'JOB_PART_COMMITTED' || !(await skip())) throw error;
  }
}

async function keepResult(context: JobContext, payload: SqlPayload, warehouse: Warehouse, statement: string): Promise<void> {
  const { job, session, log, totals } = context;
  const path = resultPath(session.project, job.id);
  await mkdir(dirname(path), { recursive: true });
  // An earlier try may have ended after it had written its result.
  await rm(path, { force: true });
  const written = await warehouse.writeFile(statement, { path, format: 'parquet' }, optionsOf(context, payload));
  const now = await (await session.metastore()).now();
  const expiresAt = now + (payload.keepResultMs ?? session.project.serve.resultRetentionMs);
  const columns = written.columns.map(({ name }) => name);
  totals.keep({ uri: pathToFileURL(path).href, rows: written.rows, columns, expiresAt });
  totals.add({
    rowsRead: written.stats.tables.reduce((sum, table) => sum + table.rowsKept, 0),
    bytesRead: written.stats.bytesKept,
    rowsWritten: written.rows,
    bytesWritten: written.bytes,
  });
  log('info', `${written.rows} rows, ${written.bytes} bytes; kept until ${new Date(expiresAt).toISOString()}`);
}
