import type { StagedList } from '../core/engine/many-outputs.js';
import type { RunPlan } from '../core/engine/run-plan.js';
import type { TaskReport } from '../core/engine/run-task.js';
import { ConfigError, type OutputPlan, type RunRecord, type StageReport } from '../core/spi/index.js';
import type { StagedSql, StagedTable, Warehouse, WritePlan } from '../warehouse/index.js';
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
  const reports = (await (await session.metastore()).finishedTasks(run.runId)).map((task) => task.report as unknown as TaskReport);
  const tables = stagedTables((run.plan['plan'] as unknown as RunPlan).output, reports);
  if (tables.length === 0)
    throw new ConfigError({
      code: 'RUN_NOT_IN_WAREHOUSE',
      message: `run ${run.runId} writes to ${run.targetName}, which is no table of the warehouse`,
      hint: '`sluice rejects RUN` shows what it rejected; `sluice commit` or `sluice discard` ends it',
    });
  const warehouse: Warehouse = await session.warehouse();
  const { tempDir } = sqlLimits(session.project);
  const options = { runId: run.runId, signal, ...(tempDir === undefined ? {} : { tempDir }) };
  return warehouse.queryStaged(tables, options, use);
}

/** The warehouse's part of a run's output, which may be a list of targets. */
function stagedTables(output: OutputPlan, reports: readonly TaskReport[]): readonly StagedTable[] {
  const targets = output.details['targets'] as unknown as readonly { readonly plan: OutputPlan }[] | undefined;
  const staged = reports.map((report) => report.stage);
  if (targets === undefined) {
    const rejects = reports.flatMap((report) => (report.rejects === null ? [] : [report.rejects]));
    return tableOf(output, staged, rejects);
  }
  // Rejects of a list are no table's own; `sluice rejects` shows them.
  return targets.flatMap(({ plan }, i) =>
    tableOf(
      plan,
      staged.flatMap((stage) => (stage.staged as unknown as StagedList).targets[i] ?? []),
      [],
    ),
  );
}

function tableOf(output: OutputPlan, staged: readonly StageReport[], rejects: readonly StageReport[]): readonly StagedTable[] {
  const plan = output.details['write'] as unknown as WritePlan | undefined;
  return plan === undefined ? [] : [{ plan, staged, rejects }];
}
