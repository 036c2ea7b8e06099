import type { PluginContext, SqlConnection } from './context.js';
import type { JsonObject } from './json.js';
import type { PluginDeclaration } from './plugin.js';

/** Bytes to guess from. `complete` is false when the sample was cut, so that its last record may be partial. */
export interface GuessSample {
  readonly bytes: Uint8Array;
  readonly fileName: string;
  readonly complete: boolean;
  /** Local path of the whole file where there is one (Parquet needs its end). */
  readonly path?: string;
}

/** One decision and its reason, written as a comment beside the key. */
export interface GuessNote {
  /** Path within the `in` section, e.g. `parser.columns[3].type`. */
  readonly path: string;
  readonly text: string;
}

/** A column of the sample, for the engine to type with the run's own strict conversions. */
export interface GuessColumn {
  readonly name: string;
  /** Where the parser finds the values when that is not `name` (JSON: `element_at`). Keys are merged into the column's config. */
  readonly extra?: JsonObject;
  /**
   * What the source says about the values: `text` = nothing (CSV); `number`, `string`, `boolean` = JSON values of that kind;
   * `json` = anything else.
   */
  readonly kind: 'text' | 'number' | 'string' | 'boolean' | 'json';
  readonly values: readonly (string | null)[];
}

export interface GuessResult {
  /** Columns of the sample; the engine types them and writes `parser.columns`, unless the user gave it. */
  readonly columns?: readonly GuessColumn[];
  /** Merged over the `in` section; keys the user gave win. */
  readonly in: JsonObject;
  readonly notes: readonly GuessNote[];
  /** A column that looks like the event time, for `out.time_column`. */
  readonly timeColumn?: string;
  /** What the user must look at, e.g. an ambiguous date. */
  readonly warnings: readonly string[];
}

/**
 * Looks at a sample and the config so far. Returns undefined when it has nothing to say; the engine repeats all guess
 * plugins in order until none changes the config.
 */
export interface GuessPlugin extends PluginDeclaration {
  readonly kind: 'guess';
  /** Ascending order of trial: gzip, bzip2, zstd, parquet, json, regexp, ltsv, csv. */
  readonly order: number;
  guess(config: JsonObject, sample: GuessSample, ctx: PluginContext & { readonly sql: SqlConnection }): Promise<GuessResult | undefined>;
}

export function defineGuess(plugin: GuessPlugin): GuessPlugin {
  return plugin;
}
