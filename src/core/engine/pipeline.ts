import type {
  ErrorPlace,
  ConfigPlace,
  DecoderPlugin,
  FileInputPlugin,
  FilterPlugin,
  InputPlugin,
  JsonObject,
  OutputPlugin,
  ParserPlugin,
} from '../spi/index.js';

/** A plugin with its validated config (secrets resolved) and the place of that config. */
export interface Configured<P> {
  readonly plugin: P;
  readonly config: JsonObject;
  readonly place: ConfigPlace;
}

export interface RetryLimits {
  /** Tries after the first one. */
  readonly limit: number;
  readonly initialWaitMs: number;
  readonly maxWaitMs: number;
}

/** `rows` or `percent`: how many records may be rejected before nothing commits. */
export type RejectLimit = { readonly rows: number } | { readonly percent: number };

export interface ExecOptions {
  readonly maxThreads: number;
  /** Bound of the process' memory in bytes; DuckDB gets it minus {@link PROCESS_RESERVE}. */
  readonly memoryLimit: number;
  readonly maxRejects: RejectLimit;
  readonly tempDir: string | undefined;
  readonly segmentSizeBytes: number;
  readonly retry: RetryLimits;
}

/** What Node itself, buffers and Parquet writers need beside DuckDB's own limit (measured: 30 day partitions at 800, 500 and 300 MB). */
export const PROCESS_RESERVE = 300 * 1024 * 1024;

/** A pipeline up to its filters: what a preview reads. */
export interface SourcePipeline {
  readonly name: string;
  /** Part of the state key: which of several streams of one pipeline this is. Default: the only one. */
  readonly stream?: string;
  /** For messages; undefined for pipelines made from command-line options. */
  readonly file: string | undefined;
  readonly root: string;
  readonly input: Configured<InputPlugin | FileInputPlugin>;
  readonly parser: Configured<ParserPlugin> | undefined;
  /** Given by the config; undefined: chosen by each file's extension from `knownDecoders`. */
  readonly decoders: readonly Configured<DecoderPlugin>[] | undefined;
  readonly knownDecoders: readonly Configured<DecoderPlugin>[];
  readonly filters: readonly Configured<FilterPlugin>[];
  readonly exec: ExecOptions;
}

/** A configured check: `given` holds the keys of its type. Without `on` it is asked of the table, or of the load where there is none. */
export interface CheckSpec {
  readonly type: string;
  readonly name: string;
  readonly on: 'load' | 'table' | undefined;
  readonly severity: 'error' | 'warn';
  readonly given: JsonObject;
  readonly place: ErrorPlace;
}

/** A pipeline, validated and with its plugins loaded; what the engine runs. */
export interface Pipeline extends SourcePipeline {
  readonly output: Configured<OutputPlugin>;
  /** Asked before the commit. */
  readonly checks?: readonly CheckSpec[];
  /** Hash of everything but `exec`, with secrets as references. */
  readonly hash: string;
}
