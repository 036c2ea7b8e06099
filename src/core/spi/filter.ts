import type { PluginContext, ScalarFunction, SqlConnection } from './context.js';
import type { JsonObject } from './json.js';
import type { ConfigPlace, PluginDeclaration } from './plugin.js';
import type { ColumnType, Schema, TextFormat } from './schema.js';

/** A conversion that the engine makes with its own strict rules; see docs/reference/types.md. */
export interface FilterCast {
  /** An input column, or SQL over the input's columns with the type it has. */
  readonly from: string | { readonly sql: string; readonly type: ColumnType };
  readonly to: ColumnType;
  readonly text?: TextFormat;
  /** SQL of type `to` for rows where `from` is NULL. A value that does not convert is still rejected. */
  readonly whenNull?: string;
}

/** One output column of a row-wise filter: exactly one of `sql` and `cast`. */
export interface FilterColumn {
  readonly name: string;
  readonly type: ColumnType;
  /** SQL over the input's columns (quote them with quoteIdentifier). */
  readonly sql?: string;
  readonly cast?: FilterCast;
  /**
   * SQL predicate over the input's columns: where it is true and the value is NULL, the row is rejected with `reason`.
   * Set by the engine for `cast`.
   */
  readonly rejectNullWhen?: string;
  readonly reason?: string;
}

/** A filter that maps each row to one row or none. The engine fuses a chain of them into one SELECT. */
export interface RowFilter {
  readonly form: 'rows';
  readonly columns: readonly FilterColumn[];
  /** SQL predicate over the input's columns; rows where it is not true count as filtered. */
  readonly keep?: string;
  /** Rows where this predicate is true are rejected with the reason. */
  readonly rejectWhen?: { readonly sql: string; readonly column: string | null; readonly reason: string };
  /** Functions the SQL calls. */
  readonly functions?: readonly ScalarFunction[];
  /** The original text of these rows must not be kept with rejects (mask, hash, remove_columns). */
  readonly hidesValues?: boolean;
}

/**
 * A filter over the whole run, never a segment: a SELECT over `input`. It reports rows in and out: `added` = out - in
 * where that is positive, else filtered.
 */
export interface WholeFilter {
  readonly form: 'whole';
  readonly schema: Schema;
  /** SELECT whose columns are exactly `schema`, given the quoted name of the input relation. */
  select(input: string): string;
  /** Runs before `select`, on the same connection (for example to attach warehouse tables as views). */
  prepare?(run: (sql: string) => Promise<void>): Promise<void>;
  readonly functions?: readonly ScalarFunction[];
  readonly hidesValues?: boolean;
}

/** One row in, any number of rows out (explode): a SELECT over the input relation, without a barrier. */
export interface ExpandingFilter {
  readonly form: 'expand';
  readonly schema: Schema;
  /** SQL expression over the input's columns that gives the LIST whose elements become rows; empty and NULL give no row. */
  readonly list: string;
  /** Output columns; `__element` names the current element. */
  readonly columns: readonly FilterColumn[];
}

export type FilterStep = RowFilter | WholeFilter | ExpandingFilter;

export interface FilterPlanContext extends PluginContext {
  readonly place: ConfigPlace;
  /** The run's start in milliseconds since 1970; the same after a resume. */
  readonly startedAt: number;
  /** A connection without data, to look at SQL with (syntax, types). Absent where none can be had, e.g. while docs are made. */
  readonly sql?: SqlConnection;
}

export interface FilterPlugin<C = JsonObject> extends PluginDeclaration {
  readonly kind: 'filter';
  plan(config: C, input: Schema, ctx: FilterPlanContext): Promise<FilterStep>;
}

export function defineFilter<C>(plugin: FilterPlugin<C>): FilterPlugin<C> {
  return plugin;
}
