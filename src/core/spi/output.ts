import type { PluginContext, TaskContext } from './context.js';
import type { JsonObject, JsonValue } from './json.js';
import type { ConfigPlace, PluginDeclaration } from './plugin.js';
import type { StoreTransaction } from './run-store.js';
import type { Schema } from './schema.js';

export interface OutputPlanContext extends PluginContext {
  readonly place: ConfigPlace;
  readonly fullRefresh: boolean;
  /** The run's start in milliseconds since 1970; the same after a resume. */
  readonly startedAt: number;
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
}

/** Inside the commit: call `complete` in the target's own transaction, exactly once. */
export interface CommitContext extends PluginContext {
  readonly runId: string;
  /** Marks the run committed with `facts` and stores the new state. Throws when the lease's fence is stale. */
  complete(tx: StoreTransaction, facts: JsonObject): Promise<void>;
}

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
   * The target before anything is planned: its identity in the state key, or for a target that does not exist yet
   * `new:<name>`. Cheap, changes nothing.
   */
  identify(config: C, ctx: OutputPlanContext): Promise<{ readonly target: string; readonly name: string; readonly ignoresState: boolean }>;
  plan(config: C, schema: Schema, ctx: OutputPlanContext): Promise<OutputPlan>;
  /** Deletes what `stage` of a run that will not commit had recorded. Missing paths are fine. */
  remove(paths: readonly string[], ctx: PluginContext): Promise<void>;
  stage(plan: OutputPlan, relation: StagedRelation, ctx: StageContext): Promise<StageReport>;
  /** Stages rejected records (NDJSON file with the columns of the rejects table) so that they commit with the rows. */
  stageRejects(plan: OutputPlan, rejects: { readonly path: string; readonly rows: number }, ctx: StageContext): Promise<StageReport>;
  commit(plan: OutputPlan, reports: readonly StageReport[], rejects: readonly StageReport[], ctx: CommitContext): Promise<CommitReport>;
}

export interface StageContext extends TaskContext {
  readonly runId: string;
  /** Records paths (files or folders, as URIs) in the metastore before they are written, so that a crash leaves nothing unknown. */
  record(paths: readonly string[]): Promise<void>;
}

export function defineOutput<C>(plugin: OutputPlugin<C>): OutputPlugin<C> {
  return plugin;
}
