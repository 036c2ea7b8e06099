import type { Check, CommitReport, JsonObject, JsonValue, Lease, PluginContext, RunRecord, RunWriter, StoreTransaction } from '../spi/index.js';
import { judgeCheck } from './checks.js';
import type { Execution } from './execution.js';
import { accountTargets } from './many-outputs.js';
import type { Pipeline } from './pipeline.js';
import type { RunPlan } from './run-plan.js';
import type { EngineServices } from './services.js';
import type { ObservedCommit } from './steps.js';
import { openRejectStore } from './staged-paths.js';

export interface CommitWork {
  readonly pipeline: Pipeline;
  readonly run: Pick<RunRecord, 'runId' | 'key'>;
  readonly plan: RunPlan;
  readonly execution: Pick<Execution, 'outputStages' | 'rejectStages' | 'totals'>;
  readonly state: JsonValue | undefined;
  readonly lease: Lease;
  /** Commits instead of the plugin. */
  readonly writer?: RunWriter | undefined;
  readonly ctx: PluginContext;
  readonly beforeCommit?: ((tx: StoreTransaction) => Promise<void>) | undefined;
  readonly checks: readonly Check[];
  /** Tells a warning of a check. */
  warn(text: string): void;
  /** The run's summary, given the facts of its commit. */
  summarise(facts: JsonObject): JsonObject;
}

/** Commits a run's staged rows through its output; rejects that the output does not keep are stored just before. */
export async function commitRun(
  work: CommitWork,
  { store, observe }: EngineServices,
): Promise<{ readonly report: CommitReport; readonly facts: JsonObject }> {
  const { run, plan, execution, state, lease, ctx } = work;
  const { plugin, config } = work.pipeline.output;
  let facts: JsonObject = {};
  const rejects = plan.rejects && execution.rejectStages.some((stage) => stage.rows > 0) ? plan.rejects : undefined;
  const rejectsTable = rejects && (await (await openRejectStore(ctx)).commit(rejects, execution.rejectStages, { ...ctx, runId: run.runId }));
  const complete = async (tx: StoreTransaction, committed: JsonObject): Promise<void> => {
    const accounted = accountTargets(committed, execution.totals);
    facts = rejectsTable === undefined ? accounted : { ...accounted, rejectsTable };
    await work.beforeCommit?.(tx);
    const target = typeof committed['tableUuid'] === 'string' ? committed['tableUuid'] : plan.output.target;
    await store.completeRun(tx, run.runId, lease, { state, summary: work.summarise(facts), commit: facts, target });
    ctx.reach('commit.state_stored');
  };
  const commit: ObservedCommit = {
    ...ctx,
    runId: run.runId,
    key: { ...run.key, target: plan.output.target },
    fence: lease.fence,
    state,
    tableChecks: {
      checks: work.checks.filter((check) => check.on === 'table'),
      judge: (check, faults, table) => judgeCheck(check, faults, table ?? plan.output.name, (text) => work.warn(text)),
    },
    complete,
    completeAlone: (committed) => store.transaction((tx) => complete(tx, committed)),
    observe,
  };
  const stages = execution.outputStages;
  const rejectStages = plugin.stageRejects ? execution.rejectStages : [];
  const report = await (work.writer
    ? work.writer.commit(stages, rejectStages, commit)
    : plugin.commit(plan.output, stages, rejectStages, commit, config));
  return { report, facts };
}
