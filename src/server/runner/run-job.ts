import { redactUrls, RemoteError, type JobRecord, type JobResult, type JsonObject } from '../../core/spi/index.js';
import type { ExportPayload, JobPayload } from '../job-payload.js';
import type { JobContext, JobServices, OnLog } from './job-context.js';
import { payloadError } from './job-error.js';
import { loadDefinition, loadJobPipelines } from './job-pipelines.js';
import { JobTotals } from './job-totals.js';
import { findResult } from './kept-results.js';
import { runPipelines } from './run-pipelines.js';
import { runSqlJob } from './run-sql.js';

/**
 * Runs one try of a job in this process. What an earlier try of the same job committed is not done again. The result holds what was
 * done until then also when it throws: see {@link JobTotals}.
 */
export async function runJob(
  job: JobRecord,
  services: JobServices,
  signal: AbortSignal,
  onLog: OnLog,
  totals: JobTotals = new JobTotals(),
): Promise<JobResult> {
  const payload = job.payload as unknown as JobPayload;
  const period = payload as { scheduledTime?: number };
  const started = process.cpuUsage();
  const context: JobContext = {
    ...services,
    job,
    payload,
    scheduledTime: period.scheduledTime ?? job.nominalTime ?? undefined,
    signal,
    totals,
    log: (level, text) => onLog(level, redactUrls(text)),
  };
  await runPayload(context);
  return totals.result(cpuSince(started));
}

/** CPU seconds of this process since `started`. */
export function cpuSince(started: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(started);
  return (user + system) / 1e6;
}

async function runPayload(context: JobContext): Promise<void> {
  const { payload, job } = context;
  switch (payload.kind) {
    case 'pipeline':
      return runPipelines(context, await loadJobPipelines(context, payload));
    case 'sql':
      return runSqlJob(context, payload);
    case 'export':
      return exportResult(context, payload);
    case 'maintain':
      return maintainTables(context);
    default:
      throw payloadError(
        job,
        `expected a pipeline, sql, export or maintain, found ${String((payload as JsonObject)['kind'])}`,
        'is this serve older than who made the job?',
      );
  }
}

async function exportResult(context: JobContext, payload: ExportPayload): Promise<void> {
  const store = await context.session.metastore();
  const source = await store.getJob(payload.fromJob);
  if (!source) throw payloadError(context.job, `there is no job ${payload.fromJob} any more`, '`sluice jobs` lists them');
  const { path } = await findResult(source, await store.now());
  const definition: JsonObject = {
    name: `export:${context.job.id}`,
    in: { type: 'file', paths: [path], incremental: false, hive_partitioning: false, parser: { type: 'parquet' } },
    out: payload.out,
  };
  await runPipelines(context, await loadDefinition(context, definition));
}

async function maintainTables({ session, signal, log, totals }: JobContext): Promise<void> {
  const warehouse = await session.warehouse();
  const report = await warehouse.maintain({ signal });
  const problems = [...report.tables.flatMap((t) => t.problems), ...report.dropped.flatMap((d) => (d.problem ? [d.problem] : []))];
  for (const table of report.tables) {
    const { compaction, snapshotsExpired } = table;
    if (compaction.filesBefore > 0) log('info', `${table.table}: ${compaction.filesBefore} files compacted into ${compaction.filesAfter}`);
    if (snapshotsExpired > 0) log('info', `${table.table}: ${snapshotsExpired} snapshots expired`);
  }
  for (const problem of problems) log('error', `${problem.code}: ${problem.message}`);
  totals.detail({ tables: report.tables.length, problems: problems.length, garbage_files: report.garbageFiles });
  if (problems.length > 0)
    throw new RemoteError({
      code: 'MAINTAIN_INCOMPLETE',
      message: `upkeep: ${problems.length} of its steps failed; the others were done`,
      hint: 'the log of the job names them',
      retryable: true,
    });
}
