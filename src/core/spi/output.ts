import type { TableChecks } from './check.js';
import type { PluginContext, TaskContext } from './context.js';
import type { RowRefusal, SqlCheck } from './filter.js';
import type { JsonObject, JsonValue } from './json.js';
import type { ConfigPlace, PluginDeclaration } from './plugin.js';
import type { StateKey, StoreTransaction } from './run-store.js';
import type { Schema } from './schema.js';

export interface OutputPlanContext extends PluginContext {
  readonly place: ConfigPlace;
  readonly fullRefresh: boolean;
  /** The run's start in milliseconds since 1970; the same after a resume. */
  readonly startedAt: number;
  /** For outputs that take SQL from the user; only there in `plan`. */
  readonly check?: SqlCheck;
}

/** What the output will do; stored with the run, so plain JSON. */
export interface OutputPlan {
  /** Identity of the target in the state key: table UUID, connection identity or path. */
  readonly target: string;
  /** The target's name for people, e.g. `shop.orders`. */
  readonly name: string;
  /** True for modes that replace what was there: the input then ignores its state. */
  readonly ignoresState: boolean;
  /** Changes of the target's schema, one sentence each. */
  readonly schemaChanges: readonly string[];
  readonly notes: readonly string[];
  /** Rows that are read a second time take the place of the first ones (merge, replace of a range): an input may re-read. */
  readonly absorbsRereads?: boolean;
  /** Over the run's final columns: rows that the target cannot take unchanged, NULL keys and the like, rejected before anything is staged. */
  readonly refusals?: readonly RowRefusal[];
  /** All columns of the target as it will be, where checks may ask it and they are known. */
  readonly tableColumns?: readonly string[];
  /** The plugin's own part. */
  readonly details: JsonObject;
}

/**
 * The typed rows of one task. `select` has the columns of `schema` plus the INTEGER column `statusColumn`:
 * 0 = write; any other value = do not write (filtered or rejected), but count.
 */
export interface StagedRelation {
  readonly select: string;
  readonly schema: Schema;
  readonly statusColumn: string;
  /** Status of the rows that the first of the plan's `refusals` meets; those of the others follow. */
  readonly refusalStatus?: number;
  /** The lowest (at most 0) and the highest (at least 0) status there can be, where it is known. */
  readonly statuses?: { readonly lowest: number; readonly highest: number };
}

export interface StageReport {
  /** Rows written (status 0). */
  readonly rows: number;
  /** Rows per other status value. */
  readonly statuses: { readonly [status: string]: number };
  readonly bytes: number;
  readonly files: number;
  /** What `commit` needs to make this visible. */
  readonly staged: JsonValue;
  /** Parquet files with the task's rows and their status, kept for checks of the load: see {@link StageContext.keepsLoad}. */
  readonly load?: readonly string[];
}

/** Inside the commit: call `complete` or `completeAlone` exactly once. */
export interface CommitContext extends PluginContext {
  readonly runId: string;
  /** Whose state this run moves; `target` is the plan's. */
  readonly key: StateKey;
  /** The lease's fence: a target with a ledger refuses a run whose fence is below the last one it holds. */
  readonly fence: number;
  /** The state after this run, for the target's own ledger; undefined leaves the old one. */
  readonly state: JsonValue | undefined;
  /** To be asked before the commit is final: in the target's own transaction, or again when another commit came first. */
  readonly tableChecks: TableChecks;
  /** Marks the run committed with `facts` and stores the new state in the metastore's open transaction. Throws when the lease's fence is stale. */
  complete(tx: StoreTransaction, facts: JsonObject): Promise<void>;
  /** The same in a transaction of its own: for targets elsewhere, once their own transaction has committed. */
  completeAlone(facts: JsonObject): Promise<void>;
}

/** What an output learns of a run before its first task; `target` of the key is the plan's. */
export interface OpenRunContext extends PluginContext {
  readonly runId: string;
  readonly key: StateKey;
  readonly fence: number;
  /** Whether the commit will ask checks of the table. */
  readonly asksTable: boolean;
}

/**
 * One process's work on a run, from its first task to its commit, for an output that holds something open meanwhile, such as a
 * transaction of its target. It takes the place of the plugin's `stage` and `commit`. What it holds is lost with the process, so
 * what it staged must be enough for the plugin's own `commit`.
 */
export interface RunWriter {
  /** A task that is tried again is staged again. */
  stage(relation: StagedRelation, ctx: StageContext): Promise<StageReport>;
  commit(reports: readonly StageReport[], rejects: readonly StageReport[], ctx: CommitContext): Promise<CommitReport>;
  /** Once, however the run ended; gives up what is still open. Never throws. */
  close(): Promise<void>;
}

/** The last run that a target's own ledger holds for a state key. */
export interface LedgerEntry {
  readonly runId: string;
  readonly fence: number;
  /** The state that run stored; undefined: it stored none. */
  readonly state: JsonValue | undefined;
  /** Milliseconds since 1970, on the target's clock. */
  readonly committedAt: number;
}

/** What a target knows of its own commits. `kept: false`: it keeps no ledger, so only the metastore knows. */
export type LedgerAnswer =
  | { readonly kept: false; /** A run that one of several targets holds, while others may not yet. */ readonly begun?: string }
  | { readonly kept: true; readonly last: LedgerEntry | undefined };

export interface CommitReport {
  /** Facts for the run's record: snapshot id and so on. */
  readonly details: JsonObject;
  /** Upkeep and similar work that may follow the commit and whose failure changes nothing. */
  after?(): Promise<void>;
}

/**
 * An output. Life: `plan`, then per task `stage` (invisible to readers), then one `commit`, or `discard`.
 * Every path written by `stage` must have been passed to `record` before.
 */
export interface OutputPlugin<C = JsonObject> extends PluginDeclaration {
  readonly kind: 'output';
  /**
   * The output takes deletes: with mode `merge` and the key `delete_column: NAME` in its config, rows where that BOOLEAN column of
   * the load is true take the row with their keys out of the target; they count as written, and the column itself is not.
   */
  readonly deletes?: boolean;
  /**
   * The output writes files: its section takes `formatter` and `encoders`, and its config holds a {@link FileFormat} as
   * `format` (not in the schema). `default` is the formatter of a config that names none.
   */
  readonly takesFormat?: { readonly default?: string };
  /**
   * The target before anything is planned: its identity in the state key, or for a target that does not exist yet
   * `new:<name>`. Cheap, changes nothing.
   */
  identify(config: C, ctx: OutputPlanContext): Promise<{ readonly target: string; readonly name: string; readonly ignoresState: boolean }>;
  /**
   * Reads the target's own ledger; asked at every start, before anything is compared or planned. The ledger wins over the
   * metastore: a run it holds is completed, a state it holds is taken over. Left out: the target commits with the metastore.
   */
  recover?(config: C, key: StateKey, ctx: OutputPlanContext): Promise<LedgerAnswer>;
  plan(config: C, schema: Schema, ctx: OutputPlanContext): Promise<OutputPlan>;
  /** Deletes what `stage` of a run that will not commit had recorded. Missing paths are fine. */
  remove(paths: readonly string[], ctx: PluginContext, config: C): Promise<void>;
  stage(plan: OutputPlan, relation: StagedRelation, ctx: StageContext, config: C): Promise<StageReport>;
  /**
   * Stages rejected records (NDJSON file with the columns of the rejects table) so that they commit with the rows. Left out:
   * they go to `sluice_rejects.<pipeline>` of the project's warehouse, stored before `commit` is called.
   */
  stageRejects?(plan: OutputPlan, rejects: RejectFile, ctx: StageContext, config: C): Promise<StageReport>;
  /** The same for rejects that the run's DuckDB can read at once; beside `stageRejects`, which gets all others. */
  stageRejectRelation?(plan: OutputPlan, rejects: RejectRelation, ctx: StageContext, config: C): Promise<StageReport>;
  /**
   * May be called again for a run whose commit failed half-way or whose answer was lost, also by a later process: a target
   * with a ledger looks there first, and calls `completeAlone` for what it already holds.
   */
  commit(plan: OutputPlan, reports: readonly StageReport[], rejects: readonly StageReport[], ctx: CommitContext, config: C): Promise<CommitReport>;
  /** Asked before the first task of a run of which nothing is staged yet and that goes on to its commit. */
  openRun?(plan: OutputPlan, ctx: OpenRunContext, config: C): RunWriter;
  /**
   * Commits several targets of this plugin in one transaction, with one `ctx.complete`. Offered by outputs that commit with the
   * metastore; in an `out` list they come last.
   */
  commitTogether?(parts: readonly CommitPart<C>[], ctx: CommitContext): Promise<CommitReport>;
  /** Whether `commit` asks `ctx.tableChecks`; without it checks of the table are refused, and all others are asked of the load. */
  readonly checksTable?: true;
  /**
   * The staged rows as a FROM clause for the run's DuckDB, columns named as in the load. Left out: where checks of the load
   * are asked, the engine keeps a copy of the rows and `stage` reads that.
   */
  stagedRows?(plan: OutputPlan, reports: readonly StageReport[], config: C): string;
  /** Connects and names what answered, e.g. `PostgreSQL 15.18`; for `sluice conns test`. */
  probe?(config: C, ctx: PluginContext): Promise<string>;
}

/** One target's part of a common commit. */
export interface CommitPart<C = JsonObject> {
  readonly plan: OutputPlan;
  readonly reports: readonly StageReport[];
  readonly config: C;
}

export interface StageContext extends TaskContext {
  readonly runId: string;
  /** Records paths (files or folders, as URIs) in the metastore before they are written, so that a crash leaves nothing unknown. */
  record(paths: readonly string[]): Promise<void>;
  /** Checks of the load will be asked: a copy of the rows stays until the run has ended. */
  readonly keepsLoad?: boolean;
}

/** Rejected records of a task: an NDJSON file with the columns of the rejects table. */
export interface RejectFile {
  readonly path: string;
  readonly rows: number;
  /** Bytes of the longest line, or somewhat more, where they are known. */
  readonly longestLine?: number;
}

/** Rejected records of a task as a relation of `ctx.sql`, with the columns of the rejects table; `rejected_at` is ISO 8601 text. */
export interface RejectRelation {
  readonly select: string;
  readonly rows: number;
}

/** Where rejected records go when the output keeps none itself: `sluice_rejects.<pipeline>`; the resource `rejects`. */
export interface RejectStore {
  /** Plain JSON, stored with the run. */
  plan(pipeline: string): Promise<JsonObject>;
  stage(plan: JsonObject, rejects: RejectFile | RejectRelation, ctx: StageContext): Promise<StageReport>;
  /** Once per run, however often it is called. Answers the table's name. */
  commit(plan: JsonObject, reports: readonly StageReport[], ctx: PluginContext & { readonly runId: string }): Promise<string>;
  /** Removes what was staged, unless it was committed. */
  remove(plan: JsonObject, paths: readonly string[], runId: string): Promise<void>;
}

export function defineOutput<C>(plugin: OutputPlugin<C>): OutputPlugin<C> {
  return plugin;
}
