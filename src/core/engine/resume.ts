import { rm } from 'node:fs/promises';
import type { Check, FileInputPlugin, Lease, OutputPlugin, PluginContext, RunRecord, StoredTask } from '../spi/index.js';
import { isOutputList, tellsItsRuns } from './many-outputs.js';
import type { Configured, Pipeline } from './pipeline.js';
import type { RunPlan } from './run-plan.js';
import type { TaskReport } from './run-task.js';
import type { EngineServices, RunOptions } from './services.js';
import { removeStagedPaths } from './staged-paths.js';

/** Marks a run's own temp folder among its recorded staging paths; everything else belongs to the output. */
export const TEMP_PREFIX = 'temp:';

/** The first difference that forbids continuing a stored plan, or undefined when it still fits. */
export async function checkResume(
  pipeline: Pipeline,
  run: RunRecord,
  plan: RunPlan,
  options: RunOptions & { readonly begun: boolean },
  ctx: PluginContext,
): Promise<string | undefined> {
  if (run.configHash !== pipeline.hash) return 'the config changed (only exec.* and checks may differ)';
  if ((run.plan['full_refresh'] === true) !== options.fullRefresh) return options.fullRefresh ? 'this is a full refresh' : 'it was a full refresh';
  // Its stored plan would meet the same refusal each time; only a new one takes in what the table has become.
  if (run.error?.code === 'TABLE_CHANGED' && !options.begun) return 'its table has changed since it was planned';
  // What some of several targets hold already must be completed with the rows it has.
  if (run.error?.rowsAtFault === true && !options.begun && !showsChanges(pipeline, plan, run.error.code))
    return `its rows were refused (${run.error.code}), so they are read again`;
  // Files go on being loaded for their own period, and the new one's run follows; everything else is read for its period.
  if (plan.input.form !== 'files') return plan.scheduledTime === options.scheduledTime ? undefined : 'it was for another period';
  const input = pipeline.input as Configured<FileInputPlugin>;
  for (const { file, end } of plan.input.tasks.flat()) {
    const now = await input.plugin.stat(file, input.config, ctx);
    if (!now) return `${file.name} vanished`;
    const same = file.version !== undefined ? now.version === file.version : now.size === file.size && now.modified === file.modified;
    if (!same && !(end !== undefined && now.size >= file.size)) return `${file.name} changed`;
  }
  return undefined;
}

/** Found before anything commits. */
const BEFORE_COMMIT = new Set(['CHECK_FAILED', 'NOTHING_READ', 'TOO_MANY_REJECTS']);

/** Whether to go on all the same: the comparison with what was planned tells that the source was mended, or the target may hold part of the run. */
function showsChanges(pipeline: Pipeline, plan: RunPlan, code: string): boolean {
  if (!isAtomic(pipeline.output.plugin) && !BEFORE_COMMIT.has(code)) return true;
  return plan.input.form === 'files' && plan.input.tasks.flat().every(({ file }) => file.modified !== undefined || file.path !== undefined);
}

/** Whether a commit that failed has left nothing, unless a target's ledger tells of it: each was one transaction, of the metastore or of the target. */
function isAtomic(plugin: OutputPlugin): boolean {
  return isOutputList(plugin) ? tellsItsRuns(plugin) : plugin.recover !== undefined || plugin.commitTogether !== undefined;
}

/** Checks that came into the config since need the rows of finished tasks, which not every output can give again. */
export function lacksRows(checks: readonly Check[], finished: readonly StoredTask[], pipeline: Pipeline): string | undefined {
  if (pipeline.output.plugin.stagedRows || !checks.some((check) => check.on === 'load')) return undefined;
  const lacking = finished.some(({ report }) => (report as unknown as TaskReport).stage.load === undefined);
  return lacking ? 'checks of the load were added, and its finished tasks kept no rows for them' : undefined;
}

/** Deletes what unfinished tasks had staged; finished tasks' files stay. */
export async function removeStaging(
  pipeline: Pipeline,
  runId: string,
  plan: RunPlan | undefined,
  keep: ReadonlySet<number>,
  services: EngineServices,
  ctx: PluginContext,
): Promise<void> {
  const staged = await services.store.stagedPaths(runId);
  const doomed = staged.filter(({ task, path }) => !keep.has(task) && !(task === -1 && keep.size > 0) && path !== '').map(({ path }) => path);
  const temps = doomed.filter((path) => path.startsWith(TEMP_PREFIX));
  const others = doomed.filter((path) => !path.startsWith(TEMP_PREFIX));
  if (others.length > 0) await removeStagedPaths(pipeline.output, plan, others, { ...ctx, runId });
  for (const path of temps) await rm(path.slice(TEMP_PREFIX.length), { recursive: true, force: true });
  // The temp folder itself stays recorded: the continued run writes there again.
  await services.store.forgetStaging(runId, others);
}

/** Ends a run for good: all its files go. */
export async function discardUnfinished(
  pipeline: Pipeline,
  run: RunRecord,
  plan: RunPlan | undefined,
  lease: Lease,
  services: EngineServices,
  ctx: PluginContext,
): Promise<void> {
  const staged = await services.store.stagedPaths(run.runId);
  await removeStaging(pipeline, run.runId, plan, new Set(), services, ctx);
  await services.store.forgetStaging(
    run.runId,
    staged.map(({ path }) => path),
  );
  await services.store.finishRun(run.runId, 'discarded', { summary: run.summary, error: run.error }, lease);
}
