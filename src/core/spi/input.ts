import type { PluginContext, TaskContext } from './context.js';
import type { GuessResult } from './guess.js';
import type { JsonObject, JsonValue } from './json.js';
import type { ConfigPlace, PluginDeclaration } from './plugin.js';
import type { TaskSource } from './reading.js';
import type { ColumnType, SourceColumn } from './schema.js';

export interface InputPlanContext extends PluginContext {
  readonly place: ConfigPlace;
  /** What the last committed run of this pipeline stored for this stream, or undefined. */
  readonly state: JsonValue | undefined;
  /** False for modes that replace everything (`replace`, `truncate`) and for `--full-refresh`: read all, whatever the state says. */
  readonly useState: boolean;
}

export interface InputPlan {
  readonly columns: readonly SourceColumn[];
  /** Each task is JSON, is run once, and may be resumed as a whole. */
  readonly tasks: readonly JsonObject[];
  /** Sentences for the plan that the user is shown. */
  readonly notes: readonly string[];
  /** Work ahead, for the progress bar. */
  readonly bytes?: number;
  /** Rows of earlier runs come again (a `lag` without a key): refused unless the output merges or replaces their range. */
  readonly rereads?: boolean;
}

/**
 * An input that discovers and reads by itself. Life: `plan` once, then `open` per task (in parallel), then `nextState`
 * once inside the commit. File-like sources implement {@link FileInputPlugin} instead.
 */
export interface InputPlugin<C = JsonObject> extends PluginDeclaration {
  readonly kind: 'input';
  readonly form: 'tasks';
  plan(config: C, ctx: InputPlanContext): Promise<InputPlan>;
  open(task: JsonObject, plan: InputPlan, config: C, ctx: TaskContext): Promise<TaskSource>;
  /** The state after this run, from the plan, the old state and what each task reported; undefined leaves it. */
  nextState?(plan: InputPlan, state: JsonValue | undefined, config: C): JsonValue | undefined;
  /**
   * The streams of a config that names several (`tables: ["shop_*"]`): each is run as a pipeline of its own, with its own
   * state and target, in one report. Undefined: the config is a single stream.
   */
  streams?(config: C, ctx: PluginContext & { readonly place: ConfigPlace }): Promise<readonly InputStream[] | undefined>;
  /** Completes a seed config from the source itself: columns are its own business, so `GuessResult.columns` is not used. */
  guess?(config: JsonObject, ctx: PluginContext): Promise<GuessResult>;
  /** Connects and names what answered, e.g. `PostgreSQL 15.18`; for `sluice conns test`. */
  probe?(config: C, ctx: PluginContext): Promise<string>;
  /** What can be read there, for `sluice conns discover`. */
  discover?(config: C, ctx: PluginContext): Promise<readonly DiscoveredTable[]>;
}

/** One of several streams: its name in state keys and in `${stream_table}`, and the config that reads just it. */
export interface InputStream {
  readonly name: string;
  readonly config: JsonObject;
}

export interface DiscoveredTable {
  /** As a config names it, e.g. `public.orders`. */
  readonly name: string;
  readonly kind: 'table' | 'view' | 'other';
  readonly columns: readonly { readonly name: string; readonly sourceType: string; readonly type: ColumnType; readonly nullable: boolean }[];
  readonly primaryKey: readonly string[];
  /** The source's own estimate, where it has one. */
  readonly rows?: number;
}

/** One file, object or stream of a file-like input. */
export interface SourceFile {
  /** Stable name in state, plans, rejects and logs: path relative to the root where possible, `s3://…`, `-`. */
  readonly name: string;
  /** What a `last_path` of Embulk is compared with, where that is not `name`: an object's key. */
  readonly path?: string;
  readonly size: number;
  /** Milliseconds since 1970; undefined where the source has none. */
  readonly modified?: number;
  /** Version id or ETag where the source has one; replaces hash comparison. */
  readonly version?: string;
  /** Absolute path of the copy an input made of what can be read only once (stdin). Such a source has no state. */
  readonly keptAt?: string;
  /** First byte to read; a file that starts later than 0 has no header. Default 0. */
  readonly startsAt?: number;
  /** Values from hive-style folders (`country=jp/…`), percent-decoded; null for `__HIVE_DEFAULT_PARTITION__`. */
  readonly partition?: { readonly [column: string]: string | null };
}

/**
 * An input made of files: it lists them and opens their raw bytes. Decoders, parser, grouping of small files and the
 * incremental rule by file identity (docs/guarantees.md) are the engine's.
 */
export interface FileInputPlugin<C = JsonObject> extends PluginDeclaration {
  readonly kind: 'input';
  readonly form: 'files';
  /** All files that match, in name order, already loaded ones too. */
  list(config: C, ctx: PluginContext & { readonly place: ConfigPlace }): Promise<readonly SourceFile[]>;
  /** Most files that one run reads; those that were loaded before do not count. */
  mostFiles?(config: C): number | undefined;
  /** A local path where there is one (the fastest lane), else a stream of the raw bytes. */
  open(file: SourceFile, config: C, ctx: PluginContext): Promise<{ readonly path: string } | { readonly stream: AsyncIterable<Uint8Array> }>;
  /**
   * A copy of the whole file in `ctx.tempDir`, for a task: tasks read a file more than once, and a local file in the fastest
   * lane. The engine deletes it when the task has ended. Left out: tasks read what `open` gives.
   */
  fetch?(file: SourceFile, config: C, ctx: TaskContext): Promise<{ readonly path: string }>;
  /** The file as it is now, or undefined when it is gone; compared with the plan before and after reading. */
  stat(file: SourceFile, config: C, ctx: PluginContext): Promise<SourceFile | undefined>;
  /** Connects and names what answered; for `sluice conns test`. */
  probe?(config: C, ctx: PluginContext): Promise<string>;
}

export function defineInput<C>(plugin: InputPlugin<C>): InputPlugin<C> {
  return plugin;
}
export function defineFileInput<C>(plugin: FileInputPlugin<C>): FileInputPlugin<C> {
  return plugin;
}
