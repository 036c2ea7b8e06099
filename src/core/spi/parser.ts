import type { PluginContext, TaskContext } from './context.js';
import type { JsonObject } from './json.js';
import type { ConfigPlace, PluginDeclaration } from './plugin.js';
import type { Reading } from './reading.js';
import type { SourceColumn } from './schema.js';

/** A file as a parser sees it. */
export interface ParserFile {
  readonly name: string;
  /** Raw size in bytes (before decoding). */
  readonly size: number;
  /** The raw local file, when there is one. When `decoders` is not empty its bytes are encoded. */
  readonly path?: string;
  /** Types of the decoders between the raw bytes and the text, e.g. `['gzip']`. */
  readonly decoders: readonly string[];
  /** The file is continued at this byte (`on_changed: tail`): no header and no `path`; `open` starts there. */
  readonly offset?: number;
  /** The decoded bytes, from the start (or from `offset`). A chunk is only valid until the next one is asked for. */
  open(): AsyncIterable<Uint8Array>;
  /** The raw bytes, from the start. */
  openRaw(): AsyncIterable<Uint8Array>;
}

/** What a parser remembers about the first file, so that later files are compared with it: CSV header names. */
export type ParserMemory = JsonObject;

export interface ParserPlan {
  readonly columns: readonly SourceColumn[];
  /** Goes into the plan and the state; comes back as `memory` at the next run. */
  readonly memory?: ParserMemory;
  readonly notes?: readonly string[];
}

export interface ParserPlugin<C = JsonObject> extends PluginDeclaration {
  readonly kind: 'parser';
  /** Largest group of files that one task may read together; small files share a task up to it. Default 1. */
  readonly filesPerTask?: number;
  /** A cut file is no file to this parser (Parquet): previews read the whole one. */
  readonly needsWholeFile?: boolean;
  /** The columns this config gives for these files (all that this run would read; may be empty). May look at their first bytes. */
  plan(
    config: C,
    files: readonly ParserFile[],
    ctx: PluginContext & { readonly place: ConfigPlace; readonly memory: ParserMemory | undefined; readonly sql: TaskContext['sql'] },
  ): Promise<ParserPlan>;
  /**
   * How many bytes of a file that grows (from its start, or from `file.offset` on) are complete records; only these are read by
   * `on_changed: tail`. Undefined: such a file cannot be followed. Left out: a record is a line, and `needsWholeFile` cannot be followed.
   */
  completeBytes?(file: ParserFile, config: C): Promise<number | undefined>;
  /** One task: all its files as one relation, in order. */
  open(files: readonly ParserFile[], plan: ParserPlan, config: C, ctx: TaskContext): Promise<Reading>;
}

export function defineParser<C>(plugin: ParserPlugin<C>): ParserPlugin<C> {
  return plugin;
}

/** Turns encoded bytes into decoded ones, streaming. A truncated or corrupt stream must throw a DataError. */
export interface DecoderPlugin<C = JsonObject> extends PluginDeclaration {
  readonly kind: 'decoder';
  /** File name endings that select this decoder when `decoders` is not given, e.g. `['.gz']`. */
  readonly extensions: readonly string[];
  /** First bytes that tell this encoding (guess). */
  readonly magic?: Uint8Array;
  decode(source: AsyncIterable<Uint8Array>, config: C, ctx: PluginContext): AsyncIterable<Uint8Array>;
}

export function defineDecoder<C>(plugin: DecoderPlugin<C>): DecoderPlugin<C> {
  return plugin;
}
