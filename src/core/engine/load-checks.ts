import { BugError, ConflictError, type Check, type SqlConnection, type StageReport } from '../spi/index.js';
import { checkLoad, compileChecks } from './checks.js';
import { copiedRows } from './load-copy.js';
import type { Pipeline } from './pipeline.js';
import type { RunPlan } from './run-plan.js';

/** The config's checks as they are now, for the rows of this plan. */
export function checksOf(pipeline: Pipeline, plan: RunPlan, scheduledTime = plan.scheduledTime): readonly Check[] {
  return compileChecks(pipeline.checks ?? [], plan.schema, scheduledTime ?? plan.startedAt, pipeline.output.plugin, plan.output);
}

export function asksLoad(checks: readonly Check[]): boolean {
  return checks.some((check) => check.on === 'load');
}

/** Asks the checks of the load of all rows that were staged. */
export async function checkStagedLoad(
  checks: readonly Check[],
  { pipeline, plan, stages }: { readonly pipeline: Pipeline; readonly plan: RunPlan; readonly stages: readonly StageReport[] },
  connect: () => Promise<SqlConnection>,
  warn: (text: string) => void,
): Promise<void> {
  if (!asksLoad(checks)) return;
  const rows = stagedRows(pipeline, plan, stages);
  if (rows === undefined) throw new BugError({ code: 'LOAD_NOT_KEPT', message: `${plan.output.name}: no copy of the load was kept for its checks` });
  const sql = await connect();
  try {
    await checkLoad(checks, rows, plan.output.name, sql, warn);
  } finally {
    sql.close();
  }
}

/** Checks of the load that came to the config after a run was held need its rows, which not every output can give again. */
export function refuseLackingRows(checks: readonly Check[], pipeline: Pipeline, plan: RunPlan, stages: readonly StageReport[], runId: string): void {
  if (!asksLoad(checks) || stagedRows(pipeline, plan, stages) !== undefined) return;
  throw new ConflictError({
    code: 'CHECKS_WITHOUT_ROWS',
    message: `run ${runId}: checks of the load were added since it was held, and it kept no rows for them`,
    hint: `\`sluice discard ${runId}\` and run again, or take the new checks out until it is committed`,
  });
}

function stagedRows({ output }: Pipeline, plan: RunPlan, stages: readonly StageReport[]): string | undefined {
  return output.plugin.stagedRows?.(plan.output, stages, output.config) ?? copiedRows(plan.schema, stages);
}
