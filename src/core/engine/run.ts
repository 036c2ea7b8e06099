import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  ConfigError,
  ConflictError,
  type Check,
  type CommitReport,
  type JsonObject,
  type JsonValue,
  type Lease,
  type OutputPlanContext,
  type PluginContext,
  type RunRecord,
  type RunWriter,
  type StateKey,
} from '../spi/index.js';
import { openDatabase, type Database } from '../duckdb/index.js';
import type { RunSummary } from './events.js';
import { withRetry, type RetryContext } from './retry.js';
import { assertBalance, begunRun, recordFailure, refuseEmptyReplace } from './run-failures.js';
import { combineSummaries, summariseRun, summaryFacts } from './run-summary.js';
import { stateToStartFrom } from './start-state.js';
import { commitRun } from './commit-run.js';
import { executeTasks, openRunDatabase } from './execute.js';
import { sumExecution, type Execution } from './execution.js';
import { runTempDir } from './file-source.js';
import { judgeLedger } from './ledger.js';
import { asksLoad, checksOf, checkStagedLoad } from './load-checks.js';
import type { Pipeline } from './pipeline.js';
import { planRun } from './plan-run.js';
import { asJson, planFilters, sourceSchema, stateAfter, taskCount, type PlannedFilters, type RunPlan } from './run-plan.js';
import { checkResume, discardUnfinished, lacksRows, removeStaging, TEMP_PREFIX } from './resume.js';
import type { TaskReport } from './run-task.js';
import { refuseReplayInto } from './replay.js';
import { openRejectStore } from './staged-paths.js';
import { unobserved, type ObserveStep } from './steps.js';
import { makeTempFolder, removeTemp, sweepTempFolders } from './temp-folders.js';
import type { EngineServices, RunOptions } from './services.js';

/**
 * Runs one pipeline: lease, plan or resume, tasks, one commit, report. A run that failed is continued by simply running
 * again; what arrived meanwhile belongs to the run after it, which follows in the same call.
 */
export async function runPipeline(pipeline: Pipeline, options: RunOptions, services: EngineServices): Promise<RunSummary> {
  const run = new PipelineRun(pipeline, options, services);
  const { name, stream } = pipeline;
  return (services.observe ?? unobserved)({ step: 'run', pipeline: name, stream }, () => run.run(), summaryFacts);
}

class PipelineRun {
  readonly #pipeline: Pipeline;
  readonly #options: RunOptions;
  readonly #services: EngineServices;
  readonly #observe: ObserveStep;
  #signal: AbortSignal;
  readonly #notes: string[] = [];
  /** A run that some of several targets hold already. */
  #begun: string | undefined;
  /** Of the run at hand: a continued one keeps its own. */
  #scheduledTime: number | undefined;

  constructor(pipeline: Pipeline, options: RunOptions, services: EngineServices) {
    this.#pipeline = pipeline;
    this.#options = options;
    this.#services = services;
    this.#observe = services.observe ?? unobserved;
    this.#signal = services.signal;
    this.#scheduledTime = options.scheduledTime;
  }

  async run(): Promise<RunSummary> {
    const { store } = this.#services;
    const { plugin, config } = this.#pipeline.output;
    const identity = await plugin.identify(config, this.#outputContext(this.#services.clock.now(), this.#planTempDir()));
    const key: StateKey = {
      project: await store.projectId(),
      pipeline: this.#pipeline.name,
      stream: this.#streamKey(),
      target: identity.target,
    };
    if (identity.ignoresState && this.#options.origin['replay_of'] !== undefined) throw refuseReplayInto(this.#pipeline, identity.name);
    const ignoresState = identity.ignoresState || this.#options.fullRefresh;
    if (this.#options.dryRun) return this.#dryRun(key, ignoresState);
    // The lease is on the target's name: two first runs into a table that does not exist yet must meet as well.
    const lease = await store.acquireLease({ ...key, target: `${plugin.type}:${identity.name}` }, this.#services.holder);
    this.#signal = AbortSignal.any([this.#services.signal, store.leaseLost(lease)]);
    try {
      this.#services.reach('lease.acquired');
      await sweepTempFolders(this.#tempBase(), this.#services);
      const recovered = await this.#recover(key, identity.name, lease, !ignoresState);
      const resumed = recovered ?? (await this.#resume(key, identity.name, lease, ignoresState));
      // Without a state the next run would read everything again.
      const samePeriod = this.#scheduledTime === this.#options.scheduledTime;
      if (resumed && (this.#options.hold || (samePeriod && (ignoresState || resumed.state_after === null)))) return resumed;
      this.#scheduledTime = this.#options.scheduledTime;
      const key2 = resumed
        ? { ...key, target: (await plugin.identify(config, this.#outputContext(this.#services.clock.now(), this.#planTempDir()))).target }
        : key;
      const fresh = await this.#start(key2, lease, ignoresState);
      return resumed ? combineSummaries(resumed, fresh) : fresh;
    } finally {
      await removeTemp(this.#planTempDir(), this.#services);
      await this.#release(lease);
      this.#services.reach('lease.released');
    }
  }

  /** Further attempts at a period are recorded apart from the pipeline's ordinary runs, each period by itself. */
  #streamKey(): string {
    const stream = this.#pipeline.stream ?? '';
    if (this.#options.movesState !== false) return stream;
    const { scheduledTime } = this.#options;
    return `${stream}@${scheduledTime === undefined ? 'apart' : new Date(scheduledTime).toISOString()}`;
  }

  /** A lease that cannot be given back runs out by itself; that must not hide how the run ended. */
  async #release(lease: Lease): Promise<void> {
    try {
      await this.#services.store.releaseLease(lease);
    } catch (error) {
      this.#services.log.log('warn', 'the lease could not be released; it runs out within 30 seconds', { error: (error as Error).message });
    }
  }

  async #dryRun(key: StateKey, ignoresState: boolean): Promise<RunSummary> {
    const database = await openDatabase({ threads: 1 });
    try {
      const { plan } = await this.#plan(key, ignoresState, database, this.#planTempDir());
      this.#tellPlan(plan);
      return this.#summary('planned', null, plan, undefined, null, null);
    } finally {
      database.close();
      await rm(this.#planTempDir(), { recursive: true, force: true });
    }
  }

  /** Asks the target's own ledger, before anything is compared or planned; a run that it holds is completed here. */
  async #recover(key: StateKey, name: string, lease: Lease, usesState: boolean): Promise<RunSummary | undefined> {
    const { plugin, config } = this.#pipeline.output;
    if (!plugin.recover) return undefined;
    const { store, clock } = this.#services;
    const answer = await plugin.recover(config, key, this.#outputContext(clock.now(), this.#planTempDir()));
    const verdict = await judgeLedger(answer, key, name, usesState, this.#services);
    if (verdict.kind === 'state') this.#note(verdict.note);
    if (verdict.kind === 'begun') this.#begun = verdict.runId;
    if (verdict.kind !== 'committed') return undefined;
    const { run, entry } = verdict;
    const plan = run.plan['plan'] as unknown as RunPlan;
    this.#scheduledTime = plan.scheduledTime;
    const reports = (await store.finishedTasks(run.runId)).map(({ report }) => report as unknown as TaskReport);
    const execution = sumExecution(reports, taskCount(plan), []);
    const commit: JsonObject = { recovered: true };
    const summary = this.#summary('committed', run.runId, plan, execution, entry.state ?? null, commit);
    await store.transaction((tx) =>
      store.completeRun(tx, run.runId, lease, { state: entry.state, summary: summary as unknown as JsonObject, commit, target: key.target }),
    );
    this.#note(`run ${run.runId} had committed in ${name} before it was cut off; its record was completed`);
    await removeTemp(this.#runTempDir(run.runId), this.#services);
    return summary;
  }

  /** Continues the run that did not finish, when it still fits. */
  async #resume(key: StateKey, name: string, lease: Lease, ignoresState: boolean): Promise<RunSummary | undefined> {
    const { store } = this.#services;
    // Another pipeline may have made the table since the unfinished run was planned.
    const unfinished = (await store.unfinishedRun(key)) ?? (await store.unfinishedRun({ ...key, target: `new:${name}` }));
    if (!unfinished) {
      if (this.#options.resume === 'required') {
        throw new ConfigError({
          code: 'NOTHING_TO_RESUME',
          message: `${this.#pipeline.name}: no unfinished run to resume`,
          hint: 'run without --resume',
        });
      }
      return undefined;
    }
    if (unfinished.status === 'held') {
      throw new ConflictError({
        code: 'RUN_HELD',
        message: `${this.#pipeline.name}: run ${unfinished.runId} is held before its commit`,
        hint: `\`sluice commit ${unfinished.runId}\` or \`sluice discard ${unfinished.runId}\` ends it`,
      });
    }
    await makeTempFolder(this.#planTempDir());
    const finished = await store.finishedTasks(unfinished.runId);
    const plan = unfinished.plan['plan'] as unknown as RunPlan;
    const options = { ...this.#options, begun: this.#begun === unfinished.runId };
    const changed = await checkResume(this.#pipeline, unfinished, plan, options, this.#base(this.#planTempDir()));
    const difference = changed ?? lacksRows(this.#checksOf(unfinished.runId, plan), finished, this.#pipeline);
    if (difference !== undefined && this.#begun === unfinished.runId) throw begunRun(unfinished.runId, difference);
    if (difference !== undefined) {
      if (this.#options.resume === 'required') {
        throw new ConflictError({
          code: 'RESUME_MISMATCH',
          message: `run ${unfinished.runId} cannot be resumed: ${difference}`,
          hint: 'run without --resume to start anew',
        });
      }
      const share = finished.length / Math.max(1, taskCount(plan));
      if (share > 0.1)
        this.#note(`run ${unfinished.runId} is not continued (${difference}); ${finished.length} of ${taskCount(plan)} finished tasks are discarded`);
      await discardUnfinished(this.#pipeline, unfinished, plan, lease, this.#services, this.#base(this.#planTempDir()));
      return undefined;
    }
    await removeStaging(
      this.#pipeline,
      unfinished.runId,
      plan,
      new Set(finished.map((f) => f.task)),
      this.#services,
      this.#base(this.#planTempDir()),
    );
    this.#services.onEvent({
      event: 'resume',
      pipeline: this.#pipeline.name,
      run_id: unfinished.runId,
      finished_tasks: finished.length,
      tasks: taskCount(plan),
    });
    const tempDir = this.#runTempDir(unfinished.runId);
    const database = await openRunDatabase(this.#pipeline, tempDir);
    this.#scheduledTime = plan.scheduledTime;
    try {
      const ctx = { ...this.#base(tempDir), sql: await database.connect() };
      const filters = await planFilters(this.#pipeline, sourceSchema(plan.input), plan.startedAt, ctx);
      ctx.sql.close();
      return await this.#runTasks(unfinished, plan, filters, lease, database, ignoresState);
    } finally {
      database.close();
    }
  }

  async #start(key: StateKey, lease: Lease, ignoresState: boolean): Promise<RunSummary> {
    const { store } = this.#services;
    const runId = newRunId(this.#services.clock.now());
    const tempDir = this.#runTempDir(runId);
    const database = await openRunDatabase(this.#pipeline, tempDir);
    let recorded = false;
    try {
      const { plan, filters } = await this.#plan(key, ignoresState, database, tempDir);
      this.#tellPlan(plan);
      if (taskCount(plan) === 0) {
        if (ignoresState) refuseEmptyReplace(this.#pipeline, plan);
        if (!ignoresState) {
          await rm(tempDir, { recursive: true, force: true });
          return this.#summary('up-to-date', null, plan, undefined, null, null);
        }
      }
      const run: RunRecord = {
        runId,
        key,
        status: 'running',
        targetName: plan.output.name,
        startedAt: plan.startedAt,
        finishedAt: null,
        configHash: this.#pipeline.hash,
        plan: { plan: asJson(plan), origin: this.#options.origin, full_refresh: this.#options.fullRefresh },
        summary: null,
        error: null,
        commit: null,
      };
      await store.createRun(run, lease);
      recorded = true;
      await store.recordStaging(runId, -1, [TEMP_PREFIX + tempDir], lease);
      this.#services.reach('run.recorded');
      return await this.#runTasks(run, plan, filters, lease, database, ignoresState);
    } catch (error) {
      if (!recorded) await removeTemp(tempDir, this.#services);
      throw error;
    } finally {
      database.close();
    }
  }

  #plan(key: StateKey, ignoresState: boolean, database: Database, tempDir: string): Promise<{ plan: RunPlan; filters: PlannedFilters }> {
    return this.#observe(
      { step: 'plan', pipeline: this.#pipeline.name },
      () => this.#planAnew(key, ignoresState, database, tempDir),
      ({ plan }) => ({ tasks: taskCount(plan), bytes: plan.bytes }),
    );
  }

  async #planAnew(key: StateKey, ignoresState: boolean, database: Database, tempDir: string): Promise<{ plan: RunPlan; filters: PlannedFilters }> {
    const { store, clock } = this.#services;
    await makeTempFolder(tempDir);
    const apart = this.#options.movesState === false;
    const given = this.#options.initialState;
    const state = apart ? given : await stateToStartFrom(this.#pipeline, key, given, store, (text) => this.#note(text));
    const startedAt = clock.now();
    const sql = await database.connect();
    try {
      const ctx = { ...this.#base(tempDir), sql };
      const start = {
        state: ignoresState ? undefined : state,
        usesState: !ignoresState && !apart,
        fullRefresh: this.#options.fullRefresh,
        startedAt,
      };
      const { plan, filters } = await planRun(this.#pipeline, start, ctx);
      const rejects = this.#pipeline.output.plugin.stageRejects ? undefined : await (await openRejectStore(ctx)).plan(this.#pipeline.name);
      const more = {
        stateBefore: state ?? null,
        ...(this.#scheduledTime === undefined ? {} : { scheduledTime: this.#scheduledTime }),
        ...(rejects ? { rejects } : {}),
      };
      return { plan: { ...plan, ...more }, filters };
    } finally {
      sql.close();
    }
  }

  async #runTasks(
    run: RunRecord,
    plan: RunPlan,
    filters: PlannedFilters,
    lease: Lease,
    database: Database,
    ignoresState: boolean,
  ): Promise<RunSummary> {
    const { store } = this.#services;
    const tempDir = this.#runTempDir(run.runId);
    let writer: RunWriter | undefined;
    try {
      const finished = await store.finishedTasks(run.runId);
      const checks = this.#checksOf(run.runId, plan);
      const keepsLoad = asksLoad(checks);
      if (finished.length === 0 && !this.#options.hold) writer = this.#openWriter(run, plan, lease, checks);
      const input = { pipeline: this.#pipeline, plan, filters, runId: run.runId, lease, tempDir, finished, keepsLoad, writer };
      const execution = await executeTasks(input, database, this.#services, this.#signal);
      this.#services.reach('run.tasks_done');
      assertBalance(execution, this.#pipeline.name);
      if (ignoresState && execution.totals.read === 0) refuseEmptyReplace(this.#pipeline, plan);
      const state = this.#options.movesState === false ? undefined : stateAfter(this.#pipeline, plan, execution.facts, !ignoresState);
      if (keepsLoad)
        await this.#observe({ step: 'checks', pipeline: this.#pipeline.name, run_id: run.runId }, () =>
          this.#checkLoad(checks, plan, execution, database),
        );
      if (this.#options.hold) {
        const summary = this.#summary('held', run.runId, plan, execution, state ?? null, null);
        await store.finishRun(run.runId, 'held', { summary: { ...summary, state: state ?? null } as unknown as JsonObject, error: null }, lease);
        return summary;
      }
      return await this.#commit(run, plan, execution, state, lease, checks, writer);
    } catch (error) {
      await recordFailure(run.runId, error, lease, this.#services);
      throw error;
    } finally {
      await writer?.close();
    }
  }

  #openWriter(run: RunRecord, plan: RunPlan, lease: Lease, checks: readonly Check[]): RunWriter | undefined {
    const { plugin, config } = this.#pipeline.output;
    const key = { ...run.key, target: plan.output.target };
    const asksTable = checks.some((check) => check.on === 'table');
    return plugin.openRun?.(
      plan.output,
      { ...this.#base(this.#runTempDir(run.runId)), runId: run.runId, key, fence: lease.fence, asksTable },
      config,
    );
  }

  /** The config's checks as they are now. A run that some of several targets hold was checked before and must be completed. */
  #checksOf(runId: string, plan: RunPlan): readonly Check[] {
    if (this.#begun === runId) return [];
    return checksOf(this.#pipeline, plan, this.#scheduledTime);
  }

  async #checkLoad(checks: readonly Check[], plan: RunPlan, execution: Execution, database: Database): Promise<void> {
    const load = { pipeline: this.#pipeline, plan, stages: execution.outputStages };
    await checkStagedLoad(
      checks,
      load,
      () => database.connect(),
      (text) => this.#note(text),
    );
  }

  async #commit(
    run: RunRecord,
    plan: RunPlan,
    execution: Execution,
    state: JsonValue | undefined,
    lease: Lease,
    checks: readonly Check[],
    writer: RunWriter | undefined,
  ): Promise<RunSummary> {
    const { store } = this.#services;
    this.#services.reach('commit.started');
    this.#services.onEvent({ event: 'commit', pipeline: this.#pipeline.name, run_id: run.runId });
    const tempDir = this.#runTempDir(run.runId);
    const summarise = (facts: JsonObject): RunSummary => this.#summary('committed', run.runId, plan, execution, state ?? null, facts);
    const work = {
      pipeline: this.#pipeline,
      run,
      plan,
      execution,
      state,
      lease,
      ctx: this.#base(tempDir),
      beforeCommit: this.#options.beforeCommit,
      checks,
      writer,
    };
    const done = await withRetry(this.#pipeline.exec.retry, this.#retryContext(), async (attempt) => {
      // The answer to a COMMIT may have been lost; the stored run tells what became of it.
      const stored = attempt > 1 ? await store.getRun(run.runId) : undefined;
      if (stored?.status === 'committed') return { facts: stored.commit ?? {}, report: undefined };
      const target = { step: 'commit', run_id: run.runId, target: plan.output.name, type: this.#pipeline.output.plugin.type } as const;
      return this.#observe(target, () =>
        commitRun({ ...work, warn: (text) => this.#note(text), summarise: (facts) => summarise(facts) as unknown as JsonObject }, this.#services),
      );
    });
    this.#services.reach('commit.done');
    await this.#observe({ step: 'clean-up', run_id: run.runId }, () => this.#cleanUp(tempDir, done.report));
    return summarise(done.facts);
  }

  async #cleanUp(tempDir: string, report: CommitReport | undefined): Promise<void> {
    this.#services.reach('cleanup.started');
    await removeTemp(tempDir, this.#services);
    try {
      await report?.after?.();
    } catch (error) {
      // The commit stands; upkeep is tried again after the next one.
      this.#services.log.log('warn', 'upkeep after the commit failed', { error: (error as Error).message });
    }
    this.#services.reach('cleanup.done');
  }

  #retryContext(): RetryContext {
    return {
      clock: this.#services.clock,
      signal: this.#signal,
      random: this.#services.random,
      onRetry: ({ error, wait_ms: wait }) => this.#note(`the commit is tried again in ${Math.ceil(Number(wait) / 1000)} s: ${String(error)}`),
    };
  }

  #summary(
    status: RunSummary['status'],
    runId: string | null,
    plan: RunPlan,
    execution: Execution | undefined,
    stateAfterRun: JsonValue,
    commit: JsonObject | null,
  ): RunSummary {
    const { name } = this.#pipeline;
    const end = { status, runId, stateAfter: stateAfterRun, commit, notes: this.#notes, at: this.#services.clock.now() };
    return summariseRun(name, plan, execution, end);
  }

  #note(message: string): void {
    this.#notes.push(message);
    this.#services.onEvent({ event: 'note', pipeline: this.#pipeline.name, message });
  }

  #tellPlan(plan: RunPlan): void {
    this.#services.onEvent({
      event: 'plan',
      pipeline: this.#pipeline.name,
      target: plan.output.name,
      tasks: taskCount(plan),
      bytes: plan.bytes,
      notes: plan.notes,
      schema_changes: plan.output.schemaChanges,
    });
  }

  #tempBase(): string {
    return this.#pipeline.exec.tempDir ?? join(this.#pipeline.root, '.sluice', 'tmp');
  }

  #runTempDir(runId: string): string {
    return runTempDir(this.#tempBase(), runId);
  }

  #planTempDir(): string {
    return join(this.#tempBase(), `plan-${process.pid}`);
  }

  #base(tempDir: string): PluginContext {
    return {
      signal: this.#signal,
      log: this.#services.log,
      clock: this.#services.clock,
      scheduledTime: this.#scheduledTime,
      root: this.#pipeline.root,
      tempDir,
      reach: (point) => this.#services.reach(point),
      resource: (name) => this.#services.resource(name),
    };
  }

  #outputContext(startedAt: number, tempDir: string): OutputPlanContext {
    return { ...this.#base(tempDir), place: this.#pipeline.output.place, fullRefresh: this.#options.fullRefresh, startedAt };
  }
}

/** Sorts by time: `20240131T093000-1f2e3d4c`. */
function newRunId(now: number): string {
  const time = new Date(now).toISOString().replace(/[-:]/g, '').slice(0, 15);
  return `${time}-${randomUUID().slice(0, 8)}`;
}
