import { rm } from 'node:fs/promises';
import {
  ConfigError,
  ConflictError,
  type Check,
  type JsonObject,
  type JsonValue,
  type PluginContext,
  type RunRecord,
  type StageReport,
} from '../spi/index.js';
import { commitRun } from './commit-run.js';
import type { RunSummary } from './events.js';
import { openRunDatabase } from './execute.js';
import { sumExecution } from './execution.js';
import { runTempDir } from './file-source.js';
import { asksLoad, checksOf, checkStagedLoad, refuseLackingRows } from './load-checks.js';
import type { Pipeline } from './pipeline.js';
import { discardUnfinished } from './resume.js';
import { taskCount, type RunPlan } from './run-plan.js';
import type { TaskReport } from './run-task.js';
import type { EngineServices } from './services.js';
import { join } from 'node:path';

/** Commits a run that `--hold` stopped before its commit. */
export async function commitHeld(pipeline: Pipeline, runId: string, services: EngineServices): Promise<RunSummary> {
  return withHeldRun(pipeline, runId, services, async (run, plan, lease, ctx) => {
    checkCommittable(run);
    const finished = await services.store.finishedTasks(runId);
    const reports = finished.map((task) => task.report as unknown as TaskReport);
    const held = run.summary as unknown as RunSummary & { readonly state: JsonValue };
    const { state, ...summary } = held;
    const notes: string[] = [];
    const warn = (text: string): void => {
      notes.push(text);
      services.onEvent({ event: 'note', pipeline: pipeline.name, message: text });
    };
    const summarise = (commit: JsonObject): RunSummary => ({ ...summary, status: 'committed', commit, notes: [...summary.notes, ...notes] });
    const execution = sumExecution(reports, taskCount(plan), []);
    const checks = checksOf(pipeline, plan);
    // They may have been edited since the run was held; those of the load decide as they are now, too.
    await checkAgain(checks, { pipeline, plan, stages: execution.outputStages }, run, ctx.tempDir, warn);
    const { report, facts } = await commitRun(
      {
        pipeline,
        run,
        plan,
        execution,
        state: state ?? undefined,
        lease,
        ctx,
        checks,
        warn,
        summarise: (commit) => summarise(commit) as unknown as JsonObject,
      },
      services,
    );
    await rm(ctx.tempDir, { recursive: true, force: true });
    await report.after?.();
    return summarise(facts);
  });
}

async function checkAgain(
  checks: readonly Check[],
  load: { readonly pipeline: Pipeline; readonly plan: RunPlan; readonly stages: readonly StageReport[] },
  { runId }: RunRecord,
  tempDir: string,
  warn: (text: string) => void,
): Promise<void> {
  if (!asksLoad(checks)) return;
  refuseLackingRows(checks, load.pipeline, load.plan, load.stages, runId);
  const database = await openRunDatabase(load.pipeline, tempDir);
  try {
    await checkStagedLoad(checks, load, () => database.connect(), warn);
  } finally {
    database.close();
  }
}

/** Ends a held, failed or cancelled run without a commit: its files go, the state stays. */
export async function discardRun(pipeline: Pipeline, runId: string, services: EngineServices): Promise<void> {
  await withHeldRun(pipeline, runId, services, async (run, plan, lease, ctx) => {
    checkDiscardable(run);
    await discardUnfinished(pipeline, run, plan, lease, services, ctx);
  });
}

async function withHeldRun<T>(
  pipeline: Pipeline,
  runId: string,
  services: EngineServices,
  work: (run: RunRecord, plan: RunPlan, lease: Awaited<ReturnType<EngineServices['store']['acquireLease']>>, ctx: PluginContext) => Promise<T>,
): Promise<T> {
  const { store } = services;
  const known = await store.getRun(runId);
  if (!known) throw unknownRun(runId);
  const lease = await store.acquireLease({ ...known.key, target: `${pipeline.output.plugin.type}:${known.targetName}` }, services.holder);
  try {
    const run = (await store.getRun(runId)) ?? known;
    const tempDir = runTempDir(pipeline.exec.tempDir ?? join(pipeline.root, '.sluice', 'tmp'), runId);
    const ctx: PluginContext = {
      signal: AbortSignal.any([services.signal, store.leaseLost(lease)]),
      log: services.log,
      clock: services.clock,
      root: pipeline.root,
      tempDir,
      reach: (point) => services.reach(point),
      resource: (name) => services.resource(name),
    };
    return await work(run, run.plan['plan'] as unknown as RunPlan, lease, ctx);
  } finally {
    await store.releaseLease(lease);
  }
}

export function unknownRun(runId: string): ConfigError {
  return new ConfigError({ code: 'RUN_UNKNOWN', message: `no run ${runId}`, hint: '`sluice runs` lists them' });
}

/** Throws ConflictError RUN_ENDED or RUN_NOT_HELD for a run that no `commit` can end. */
export function checkCommittable(run: RunRecord): void {
  if (run.status === 'held') return;
  checkDiscardable(run);
  throw new ConflictError({
    code: 'RUN_NOT_HELD',
    message: `run ${run.runId} is ${run.status}: only a run that --hold stopped can be committed`,
    hint: 'run its pipeline again: it goes on with what is finished, and commits',
  });
}

/** Throws ConflictError RUN_ENDED for a run that has an end. */
export function checkDiscardable(run: RunRecord): void {
  if (run.status !== 'committed' && run.status !== 'discarded') return;
  const undone = run.commit?.['undone'] === true;
  throw new ConflictError({
    code: 'RUN_ENDED',
    message: `run ${run.runId} is ${undone ? 'undone' : run.status}, so there is nothing to commit or discard`,
    hint:
      run.status === 'committed' && !undone
        ? `\`sluice undo ${run.runId}\` takes a committed run back out of the tables of the warehouse`
        : '`sluice runs` shows the state of all runs',
  });
}
