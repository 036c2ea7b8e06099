import type { RunPlan } from '../core/engine/run-plan.js';
import type { TaskReport } from '../core/engine/run-task.js';
import { ConfigError, type RunRecord } from '../core/spi/index.js';
import type { StagedSql, Warehouse, WritePlan } from '../warehouse/index.js';
import type { Session } from './session.js';
import { sqlLimits } from './sql-limits.js';

/** Runs `use` with SELECTs that see the tables, and the rejects, as they would be after `sluice commit RUN`. */
export async function withHeldRun<T>(session: Session, run: RunRecord, signal: AbortSignal, use: (sql: StagedSql) => Promise<T>): Promise<T> {
  if (run.status !== 'held')
    throw new ConfigError({
      code: 'RUN_NOT_HELD',
      message: `run ${run.runId} is ${run.status}; only a run that --hold stopped before its commit can be looked into`,
      hint: run.status === 'committed' ? 'its rows are in the table: leave --run out' : '`sluice runs` shows the state of all runs',
    });
  const plan = run.plan['plan'] as unknown as RunPlan;
  const write = plan.output.details['write'] as unknown as WritePlan | undefined;
  if (write === undefined)
    throw new ConfigError({
      code: 'RUN_NOT_IN_WAREHOUSE',
      message: `run ${run.runId} writes to ${run.targetName}, which is no table of the warehouse`,
      hint: '`sluice rejects RUN` shows what it rejected; `sluice commit` or `sluice discard` ends it',
    });
  const reports = (await (await session.metastore()).finishedTasks(run.runId)).map((task) => task.report as unknown as TaskReport);
  const rejects = reports.flatMap((report) => (report.rejects === null ? [] : [report.rejects]));
  const warehouse: Warehouse = await session.warehouse();
  const { tempDir } = sqlLimits(session.project);
  const options = { runId: run.runId, signal, ...(tempDir === undefined ? {} : { tempDir }) };
  return warehouse.queryStaged({ plan: write, staged: reports.map((report) => report.stage), rejects }, options, use);
}
