import type { PluginContext } from './context.js';
import type { JsonObject } from './json.js';
import type { ConfigPlace, PluginDeclaration } from './plugin.js';
import type { ColumnType, Schema, TextFormat } from './schema.js';

/** The engine's way from values to text; what it writes, the strict conversion of the same type reads back. */
export interface ValueText {
  /** SQL of VARCHAR for the typed expression `ref` (evaluated several times: pass a column). NULL stays NULL. */
  sql(ref: string, type: ColumnType, text?: TextFormat): string;
  /** What is wrong with `text` for this type, as a sentence without a place. */
  problem(type: ColumnType, text: TextFormat): string | undefined;
}

export interface FormatContext {
  readonly text: ValueText;
  /** Paths start at the formatter's own section. */
  readonly place: ConfigPlace;
}

/** Text files: one SQL expression makes each record's text; DuckDB writes one a line. Plain JSON, stored with the run. */
export interface LinesPlan {
  readonly form: 'lines';
  /** SQL of VARCHAR over the relation's columns: a record without its end. Must not be NULL. */
  readonly record: string;
  /** The first line, also of a file without records; null for none. */
  readonly header: string | null;
  readonly newline: '\n' | '\r\n' | '\r';
  /** The records are elements of one JSON array; such a file cannot be split or partitioned. */
  readonly array?: boolean;
  /** The formatter's `transform` must see the bytes. */
  readonly transform?: boolean;
}

/** Binary files that DuckDB writes by itself. */
export interface CopyPlan {
  readonly form: 'copy';
  readonly columns: readonly { readonly name: string; readonly sql: string }[];
  /** Options of COPY, `FORMAT parquet, …`. */
  readonly options: string;
}

export type FormatPlan = LinesPlan | CopyPlan;

/**
 * What a file's bytes look like. Values never pass through JavaScript: a formatter answers SQL. A ConfigError says what of
 * the config does not fit the schema.
 */
export interface FormatterPlugin<C = JsonObject> extends PluginDeclaration {
  readonly kind: 'formatter';
  /** File name ending, e.g. `.csv`. */
  readonly extension: string;
  plan(config: C, schema: Schema, ctx: FormatContext): FormatPlan;
  /** For plans with `transform`: what DuckDB wrote (UTF-8) as the bytes of the file (another charset, a byte order mark). */
  transform?(source: AsyncIterable<Uint8Array>, config: C, ctx: PluginContext): AsyncIterable<Uint8Array>;
}

export function defineFormatter<C>(plugin: FormatterPlugin<C>): FormatterPlugin<C> {
  return plugin;
}

/** Encodes bytes, streaming: the counterpart of a decoder. */
export interface EncoderPlugin<C = JsonObject> extends PluginDeclaration {
  readonly kind: 'encoder';
  /** File name ending, e.g. `.gz`. */
  readonly extension: string;
  /** Options of DuckDB's COPY that give the same encoding, e.g. `COMPRESSION gzip`; undefined where this config needs `encode`. */
  copyOptions?(config: C): string | undefined;
  /** Says why `encode` cannot be used here, as a sentence. */
  unavailable?(config: C): string | undefined;
  /** A chunk is only valid until the next one is asked for. */
  encode(source: AsyncIterable<Uint8Array>, config: C, ctx: PluginContext): AsyncIterable<Uint8Array>;
}

export function defineEncoder<C>(plugin: EncoderPlugin<C>): EncoderPlugin<C> {
  return plugin;
}

/** How the files of an output look, decided for one schema. Plain JSON, stored with the run. */
export interface FilePlan {
  readonly format: FormatPlan;
  /** Of formatter and encoders together, e.g. `.csv.gz`. */
  readonly extension: string;
  /** COPY's own compression options; empty where there are none. */
  readonly copyOptions: string;
  /** The bytes that COPY wrote must pass through {@link FileFormat.encode}. */
  readonly encoded: boolean;
}

/**
 * Formatter and encoders of one output, configured: the key `format` of an output's config when the plugin has
 * `takesFormat`. (The keys `formatter` and `encoders` are what users write.)
 */
export interface FileFormat {
  readonly text: ValueText;
  /** ConfigErrors place themselves in the formatter's or encoder's section. */
  plan(schema: Schema): FilePlan;
  /** What COPY wrote by this plan as the bytes of the finished file. */
  encode(source: AsyncIterable<Uint8Array>, plan: FilePlan, ctx: PluginContext): AsyncIterable<Uint8Array>;
}
