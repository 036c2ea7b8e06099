import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openDatabase, type Database, type DuckConnection } from '../duckdb/index.js';
import {
  BugError,
  CancelledError,
  ownValue,
  quoteIdentifier,
  quotePaths,
  type FileFact,
  type FileInputPlugin,
  type InputPlugin,
  type JsonObject,
  type Lease,
  type PluginContext,
  type Reading,
  type RejectFile,
  type RejectRelation,
  type RunWriter,
  type Schema,
  type SourceColumn,
  type SqlConnection,
  type StageContext,
  type StageReport,
  type StoredTask,
  type WholeFilter,
} from '../spi/index.js';
import { bytesReadBy, sumExecution, taskFacts, type Execution } from './execution.js';
import { assertUnchanged, openParserFile, removeFetched, type TaskFile } from './file-source.js';
import { hashOf } from './file-plan.js';
import { PROCESS_RESERVE, type Configured, type Pipeline } from './pipeline.js';
import { RunProgress } from './progress.js';
import { RejectBudget, tooManyRejects } from './reject-budget.js';
import type { RejectRow } from './rejects.js';
import { stageWithCopy } from './load-copy.js';
import { isOutputList } from './many-outputs.js';
import { withRetry } from './retry.js';
import { sourceSchema, taskCount, type PlannedFilters, type RunPlan, type Segment } from './run-plan.js';
import { buildSelect, refusalsAsFilter } from './select.js';
import { RejectsExceeded, runTask, type Sink, type TaskReport, type TaskResult, type TaskWork } from './run-task.js';
import type { EngineServices } from './services.js';
import { createSpool } from './spool.js';
import { spoolSink } from './spool-sink.js';
import { unobserved } from './steps.js';
import { openRejectStore, REJECTS_PREFIX, removeStagedPaths } from './staged-paths.js';
import { runPool } from './task-pool.js';
import { toReading } from './task-reading.js';
import { makeTempFolder } from './temp-folders.js';

/** Rows at the start of a large file that tell whether nearly all of it would be rejected. */
const PROBE_ROWS = 2048;
/** Files that are looked at together after reading. */
const STATS_AT_ONCE = 32;
const PROBE_FROM_BYTES = 1024 * 1024 * 1024;

export interface ExecutionInput {
  readonly pipeline: Pipeline;
  readonly plan: RunPlan;
  readonly filters: PlannedFilters;
  readonly runId: string;
  readonly lease: Lease;
  readonly tempDir: string;
  readonly finished: readonly StoredTask[];
  /** Checks of the load follow. */
  readonly keepsLoad: boolean;
  /** Stages instead of the plugin. */
  readonly writer?: RunWriter | undefined;
}

/** Opens the run's DuckDB with its share of the process' memory. */
export async function openRunDatabase(pipeline: Pipeline, tempDir: string): Promise<Database> {
  const spill = join(tempDir, 'spill');
  await makeTempFolder(spill);
  return openDatabase({
    memoryLimit: Math.max(128 * 1024 * 1024, pipeline.exec.memoryLimit - PROCESS_RESERVE),
    threads: pipeline.exec.maxThreads,
    tempDirectory: spill,
  });
}

/** The engine looks at each file of a statement whenever it estimates, thousands of times: for a thousand files that is a fiftieth of the load. */
const FILES_ESTIMATED = 256;

/** Runs all unfinished tasks of a plan, then the whole-run filters, and stores each task's report at once. */
export async function executeTasks(input: ExecutionInput, database: Database, services: EngineServices, signal: AbortSignal): Promise<Execution> {
  const executor = new Executor(input, database, services, signal);
  return executor.run();
}

class Executor {
  readonly #in: ExecutionInput;
  readonly #database: Database;
  readonly #services: EngineServices;
  readonly #abort = new AbortController();
  readonly #signal: AbortSignal;
  readonly #budget: RejectBudget;
  readonly #progress: RunProgress;
  readonly #reports = new Map<number, TaskReport>();
  readonly #firstRejects: RejectRow[] = [];
  readonly #running = new Set<DuckConnection>();

  constructor(input: ExecutionInput, database: Database, services: EngineServices, signal: AbortSignal) {
    this.#in = input;
    this.#database = database;
    this.#services = services;
    this.#signal = AbortSignal.any([signal, this.#abort.signal]);
    this.#budget = new RejectBudget(input.pipeline.exec.maxRejects);
    const tasks = taskCount(input.plan) + input.filters.segments.length - 1;
    this.#progress = new RunProgress(input.pipeline.name, tasks, input.plan.bytes, (event) => services.onEvent(event));
    for (const { task, report } of input.finished) this.#adopt(task, report as unknown as TaskReport);
  }

  async run(): Promise<Execution> {
    const stopAll = (): void => this.#running.forEach((connection) => connection.interrupt());
    this.#signal.addEventListener('abort', stopAll);
    const ticker = setInterval(() => this.#tick(), 250);
    try {
      const count = taskCount(this.#in.plan);
      const open = Array.from({ length: count }, (_, i) => i).filter((i) => !this.#reports.has(i));
      const width = Math.min(2, this.#in.pipeline.exec.maxThreads);
      await runPool(
        open,
        width,
        (task) => this.#completeTask(task),
        (reason) => this.#abort.abort(reason),
      );
      for (let k = 0; k < this.#in.filters.segments.length - 1; k++) {
        if (!this.#reports.has(count + k)) await this.#completeTask(count + k);
      }
      this.#signal.throwIfAborted();
      if (this.#budget.isExceeded(true)) throw this.#overLimit();
      return this.#result(count);
    } catch (error) {
      throw error instanceof RejectsExceeded ? this.#overLimit(error.first) : this.#cancelled(error);
    } finally {
      clearInterval(ticker);
      this.#signal.removeEventListener('abort', stopAll);
      this.#progress.tell();
    }
  }

  get firstRejects(): readonly RejectRow[] {
    return this.#firstRejects;
  }

  #cancelled(error: unknown): unknown {
    if (!this.#services.signal.aborted || (error instanceof CancelledError && error.code === 'CANCELLED')) return error;
    return new CancelledError({
      code: 'CANCELLED',
      message: 'the run was stopped',
      hint: 'run the same command again to continue from the finished tasks',
      cause: error,
    });
  }

  #overLimit(first: readonly RejectRow[] = []): unknown {
    this.#firstRejects.push(...first);
    const error = tooManyRejects(this.#budget, this.#firstRejects, { plugin: `input ${this.#in.pipeline.input.plugin.type}` });
    return Object.assign(error, { rejects: this.#firstRejects });
  }

  #adopt(task: number, report: TaskReport): void {
    this.#reports.set(task, report);
    this.#budget.report(task, report.rejected, report.read);
    this.#progress.finish(task, report.read, bytesReadBy(report));
    this.#progress.rejected = this.#budget.rejected;
  }

  #tick(): void {
    // A statement that started just after the signal was not there to be interrupted.
    if (this.#signal.aborted) for (const connection of this.#running) connection.interrupt();
    for (const connection of this.#running) {
      const { percentage } = connection.native.progress;
      const task = this.#taskOf.get(connection);
      if (task !== undefined && percentage > 0) this.#progress.reach(task, percentage / 100);
    }
    this.#progress.tell();
  }

  readonly #taskOf = new WeakMap<DuckConnection, number>();

  /** Stores the report apart from the task's attempts: once it may be stored, its files must stay as they are. */
  async #completeTask(task: number): Promise<void> {
    const { pipeline, runId } = this.#in;
    const step = { step: 'task', pipeline: pipeline.name, run_id: runId, task } as const;
    await (this.#services.observe ?? unobserved)(step, () => this.#finishTask(task), taskFacts);
  }

  async #finishTask(task: number): Promise<TaskReport> {
    const { report, firstRejects } = await this.#withRetry(task, () => this.#attempt(task));
    this.#services.reach('task.staged');
    await this.#withRetry(task, () => this.#services.store.finishTask(this.#in.runId, task, report as unknown as JsonObject, this.#in.lease));
    this.#services.reach('task.report_stored');
    this.#adopt(task, report);
    if (this.#firstRejects.length < 1000) this.#firstRejects.push(...firstRejects.slice(0, 1000 - this.#firstRejects.length));
    return report;
  }

  #withRetry<T>(task: number, work: () => Promise<T>): Promise<T> {
    const { pipeline } = this.#in;
    return withRetry(
      pipeline.exec.retry,
      {
        clock: this.#services.clock,
        signal: this.#signal,
        random: this.#services.random,
        onRetry: (fields) => {
          this.#services.log.log('warn', 'retrying a task', { task, ...fields });
          this.#services.onEvent({
            event: 'retry',
            pipeline: pipeline.name,
            task,
            attempt: Number(fields['attempt']),
            wait_ms: Number(fields['wait_ms']),
            error: String(fields['error']),
          });
        },
      },
      work,
    );
  }

  async #attempt(task: number): Promise<TaskResult> {
    const { input } = this.#in.plan;
    const taskFiles = input.form === 'files' ? input.tasks[task] : undefined;
    const isEstimated = (taskFiles?.length ?? 0) <= FILES_ESTIMATED;
    this.#progress.restart(
      task,
      taskFiles?.reduce((sum, { file, end, offset }) => sum + (end ?? file.size) - offset, 0),
      isEstimated,
    );
    this.#signal.throwIfAborted();
    const connection = await this.#database.connect();
    if (isEstimated) await connection.run('SET enable_progress_bar = true; SET enable_progress_bar_print = false');
    this.#running.add(connection);
    this.#taskOf.set(connection, task);
    const tempDir = await this.#makeTempDir(task);
    const notes: string[] = [];
    const ctx = this.#context(task, tempDir, connection, notes);
    try {
      this.#services.reach('task.started');
      await this.#discardStaged(task, ctx);
      const { reading, work, files } = await this.#openTask(task, ctx);
      const result = await runTask(reading, work, ctx);
      const report = { ...result.report, ...(notes.length === 0 ? {} : { notes }) };
      if (files) await removeFetched(tempDir);
      if (!files) return { ...result, report: { ...report, bytesRead: this.#progress.bytesOf(task) } };
      return { ...result, report: { ...report, files: await this.#verifyFiles(files, report.files, ctx) } };
    } catch (error) {
      await this.#dropAttempt(task, tempDir, ctx);
      throw error;
    } finally {
      this.#running.delete(connection);
      connection.close();
    }
  }

  /** Named by the fence: a holder that lost its lease may still be cleaning up. Half a spool of a killed attempt goes. */
  async #makeTempDir(task: number): Promise<string> {
    const prefix = `task-${task}-`;
    for (const name of await readdir(this.#in.tempDir))
      if (name.startsWith(prefix)) await rm(join(this.#in.tempDir, name), { recursive: true, force: true });
    const folder = join(this.#in.tempDir, `${prefix}${this.#in.lease.fence}`);
    await makeTempFolder(folder);
    return folder;
  }

  /** A failed attempt gives its disk space back at once; what cannot be removed stays recorded for the next run. */
  async #dropAttempt(task: number, tempDir: string, ctx: PluginContext): Promise<void> {
    try {
      await this.#discardStaged(task, ctx);
      await rm(tempDir, { recursive: true, force: true });
    } catch (error) {
      this.#services.log.log('warn', 'the files of a failed task could not be removed yet', {
        task,
        error: error instanceof Error ? error.message : String(error),
      });
    }
  }

  /** A mixture of old and new bytes must never be loaded; followed files are hashed up to where they were read. */
  async #verifyFiles(files: readonly TaskFile[], facts: readonly FileFact[], ctx: PluginContext): Promise<FileFact[]> {
    const input = this.#in.pipeline.input as Configured<FileInputPlugin>;
    const byName = new Map(facts.map((fact) => [fact.source, fact]));
    const verified: FileFact[] = [];
    for (let from = 0; from < files.length; from += STATS_AT_ONCE) {
      await Promise.all(files.slice(from, from + STATS_AT_ONCE).map((file) => assertUnchanged(input, file, ctx)));
    }
    for (const file of files) {
      const fact = byName.get(file.file.name);
      if (file.end === undefined && fact) verified.push(fact);
      else {
        const bytes = file.end ?? file.file.size;
        verified.push({ source: file.file.name, bytes: bytes - file.offset, hash: await hashOf(input, file.file, bytes, ctx) });
      }
    }
    return verified;
  }

  readonly #recorded = new Map<number, string[]>();

  /** What a scan that is thrown away, or a failed attempt, had staged. */
  async #discardStaged(task: number, ctx: PluginContext): Promise<void> {
    const paths = this.#recorded.get(task) ?? [];
    if (paths.length === 0) return;
    await removeStagedPaths(this.#in.pipeline.output, this.#in.plan, paths, { ...ctx, runId: this.#in.runId });
    await this.#services.store.forgetStaging(this.#in.runId, paths);
    this.#recorded.delete(task);
  }

  async #openTask(task: number, ctx: StageContext): Promise<{ reading: Reading; work: TaskWork; files?: readonly TaskFile[] }> {
    const { pipeline, plan } = this.#in;
    const count = taskCount(plan);
    if (task >= count) {
      const { reading, rowsIn } = await this.#wholeReading(task - count, ctx);
      return { reading, work: { ...this.#work(ctx, task - count + 1, pipeline.name, []), rowsIn } };
    }
    if (plan.input.form === 'tasks') {
      const spec = plan.input.plan.tasks[task] as JsonObject;
      const source = await (pipeline.input.plugin as InputPlugin).open(spec, plan.input.plan, pipeline.input.config, ctx);
      return { reading: await toReading(source, ctx), work: this.#work(ctx, 0, source.source ?? pipeline.name, []) };
    }
    const files = plan.input.tasks[task] ?? [];
    const parser = pipeline.parser;
    if (!parser) throw new Error('unreachable: planFileInput checked the parser');
    const parserFiles = await Promise.all(files.map((file) => openParserFile(pipeline, file, ctx, ctx)));
    const reading = await parser.plugin.open(parserFiles, plan.input.parser, parser.config, ctx);
    const partition = files[0]?.file.partition ?? {};
    const constants = plan.input.partitionColumns.map((column): { column: SourceColumn; value: string | null } => ({
      column,
      value: ownValue(partition, column.name) ?? null,
    }));
    return { reading, files, work: this.#work(ctx, 0, files[0]?.file.name ?? pipeline.name, constants) };
  }

  #work(ctx: StageContext, segment: number, source: string, constants: TaskWork['constants']): TaskWork {
    const { pipeline, plan, filters, runId } = this.#in;
    const { task } = ctx;
    const part = filters.segments[segment] as Segment;
    const limit = pipeline.exec.maxRejects;
    const refusals = part.whole ? [] : refusalsAsFilter(filters.schema, plan.output.refusals);
    return {
      source,
      filters: [...part.filters, ...refusals],
      refuses: refusals.length > 0,
      firstFilter: part.firstFilter,
      constants,
      sink: this.#sink(part, task),
      budget: this.#budget,
      runId,
      startedAt: plan.startedAt,
      keepRaw: !filters.hidesValues,
      discard: () => this.#discardStaged(task, ctx),
      probeRows: this.#isLarge(task) && 'rows' in limit && limit.rows < PROBE_ROWS ? PROBE_ROWS : 0,
    };
  }

  /** Small files are scanned as a whole sooner than probed. */
  #isLarge(task: number): boolean {
    const { input } = this.#in.plan;
    const files = input.form === 'files' ? (input.tasks[task] ?? []) : [];
    return files.reduce((sum, file) => sum + file.file.size, 0) > PROBE_FROM_BYTES;
  }

  #sink(part: Segment, task: number): Sink {
    const { pipeline, plan, writer } = this.#in;
    const { plugin, config } = pipeline.output;
    const store = async (rejects: RejectFile | RejectRelation, ctx: StageContext): Promise<StageReport> => {
      if (!plan.rejects) throw new BugError({ code: 'REJECTS_UNPLANNED', message: `${pipeline.name}: the plan has no place for rejects` });
      const record: StageContext['record'] = (paths) => ctx.record(paths.map((path) => REJECTS_PREFIX + path));
      return (await openRejectStore(ctx)).stage(plan.rejects, rejects, { ...ctx, record });
    };
    const { stageRejects, stageRejectRelation } = plugin;
    const rejects: Pick<Sink, 'stageRejects' | 'stageRejectRelation'> = {
      stageRejects: (file, ctx) => (stageRejects ? stageRejects.call(plugin, plan.output, file, ctx, config) : store(file, ctx)),
      ...(stageRejectRelation
        ? { stageRejectRelation: (relation, ctx) => stageRejectRelation.call(plugin, plan.output, relation, ctx, config) }
        : stageRejects
          ? {}
          : { stageRejectRelation: store }),
    };
    if (part.whole) {
      const spool = spoolSink(join(this.#in.tempDir, `whole-${task}-${this.#in.lease.fence}`));
      // Not the load yet.
      return { stage: async (relation, ctx) => ({ ...(await spool(relation, ctx)), load: [] }), ...rejects };
    }
    const stage: Sink['stage'] = (relation, ctx) => (writer ? writer.stage(relation, ctx) : plugin.stage(plan.output, relation, ctx, config));
    const copies = this.#in.keepsLoad && !plugin.stagedRows && !isOutputList(plugin);
    return { stage: copies ? (relation, ctx) => stageWithCopy(relation, ctx, stage) : stage, ...rejects };
  }

  /** The k-th whole-run filter over everything the segment before it spooled. */
  async #wholeReading(k: number, ctx: StageContext): Promise<{ reading: Reading; rowsIn: number }> {
    const count = taskCount(this.#in.plan);
    const previous = k === 0 ? Array.from({ length: count }, (_, i) => i) : [count + k - 1];
    const reports = previous.map((task) => this.#reports.get(task) as TaskReport);
    const paths = reports.flatMap((report) => report.stage.staged as readonly string[]);
    const rowsIn = reports.reduce((sum, report) => sum + report.written, 0);
    const segment = this.#in.filters.segments[k] as Segment;
    const whole = segment.whole as WholeFilter;
    const view = quoteIdentifier(`__input_${k}`);
    const schema = this.#segmentSchema(k);
    const columns = schema.map((c) => quoteIdentifier(c.name)).join(', ');
    const from = paths.length > 0 ? `SELECT ${columns} FROM read_parquet(${quotePaths(paths)}, hive_partitioning = false)` : emptyInput(schema);
    await ctx.sql.run(`CREATE OR REPLACE VIEW ${view} AS ${from}`);
    for (const fn of whole.functions ?? []) ctx.sql.registerFunction(fn);
    await whole.prepare?.((sql) => ctx.sql.run(sql));
    return { reading: wholeReading(whole, view), rowsIn };
  }

  readonly #schemas: Schema[] = [];

  /** Schema in front of whole filter k: what its segment's filters make of what came before. */
  #segmentSchema(k: number): Schema {
    const known = this.#schemas[k];
    if (known) return known;
    const before = k === 0 ? sourceSchema(this.#in.plan.input) : (this.#in.filters.segments[k - 1]?.whole as WholeFilter).schema;
    const segment = this.#in.filters.segments[k] as Segment;
    const { schema } = buildSelect({ from: '(SELECT 1)', columns: before }, segment.filters, { firstFilter: segment.firstFilter });
    this.#schemas[k] = schema;
    return schema;
  }

  #context(task: number, tempDir: string, sql: SqlConnection, notes: string[]): StageContext {
    const { pipeline, runId, lease } = this.#in;
    let spools = 0;
    return {
      signal: this.#signal,
      log: this.#services.log,
      clock: this.#services.clock,
      scheduledTime: this.#in.plan.scheduledTime,
      root: pipeline.root,
      tempDir,
      reach: (point) => this.#services.reach(point),
      resource: (name) => this.#services.resource(name),
      task,
      runId,
      keepsLoad: this.#in.keepsLoad,
      sql,
      note: (text) => notes.push(text),
      connect: () => this.#database.connect(),
      progress: ({ rows = 0, bytes = 0 }) => {
        this.#progress.add(task, rows, bytes);
      },
      rejectsSoFar: (total) => {
        this.#budget.report(task, total, 0);
        this.#progress.rejected = this.#budget.rejected;
      },
      spool: (extension) =>
        createSpool({
          dir: tempDir,
          name: `spool-${spools++}`,
          extension,
          segmentSizeBytes: pipeline.exec.segmentSizeBytes,
          reach: (point) => this.#services.reach(point),
        }),
      record: async (paths) => {
        this.#recorded.set(task, [...(this.#recorded.get(task) ?? []), ...paths]);
        await this.#services.store.recordStaging(runId, task, paths, lease);
        this.#services.reach('task.staging_recorded');
      },
    };
  }

  #result(count: number): Execution {
    const reports = [...this.#reports.entries()].sort(([a], [b]) => a - b).map(([, report]) => report);
    return sumExecution(reports, count, this.#firstRejects);
  }
}

function emptyInput(schema: Schema): string {
  return `SELECT ${schema.map((c) => `NULL::VARCHAR AS ${quoteIdentifier(c.name)}`).join(', ')} LIMIT 0`;
}

function wholeReading(whole: WholeFilter, view: string): Reading {
  return {
    relation: { from: `(${whole.select(view)})`, columns: whole.schema },
    check: async (rows) => ({ keep: true, read: rows, rejected: 0, rejects: async function* () {}, files: [] }),
    close: async () => {},
  };
}
