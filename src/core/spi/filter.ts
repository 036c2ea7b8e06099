import type { PluginContext, ScalarFunction } from './context.js';
import type { JsonObject } from './json.js';
import type { ConfigPlace, PluginDeclaration } from './plugin.js';
import type { ColumnType, Schema, TextFormat } from './schema.js';

/** A conversion that the engine makes with its own strict rules; see docs/reference/types.md. */
export interface FilterCast {
  /** An input column, SQL over the input's columns with the type it has, or the result of another cast. */
  readonly from: string | { readonly sql: string; readonly type: ColumnType } | FilterCast;
  readonly to: ColumnType;
  readonly text?: TextFormat;
  /** For rows where `from` is NULL: text that is converted like any other. A value that does not convert is still rejected. */
  readonly whenNull?: string;
}

/** Rows where `sql` is true are rejected with the reason. */
export interface RowRefusal {
  readonly sql: string;
  /** The column to blame, where there is one. */
  readonly column: string | null;
  readonly reason: string;
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
  /** Rows where a predicate is true are rejected with its reason. */
  readonly rejectWhen?: RowRefusal | readonly RowRefusal[];
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
  /** Functions the SQL calls. */
  readonly functions?: readonly ScalarFunction[];
}

export type FilterStep = RowFilter | WholeFilter | ExpandingFilter;

/** What is wrong with a SQL text, as a sentence without a place. */
export interface SqlProblem {
  readonly problem: string;
}

/** A SQL expression that may stand in a filter's `sql`, in parentheses, with the type of its values (cast to it where needed). */
export interface CheckedExpression {
  readonly sql: string;
  readonly type: ColumnType;
}

export interface CheckedSelect {
  /** Columns of the result; names are as the SELECT gives them. */
  readonly schema: Schema;
  /** SQL that casts the result to `schema`, given the user's SELECT: wrap it as `wrap(text)`. */
  wrap(select: string): string;
}

/** Looks at SQL that a user wrote, without running it. It may only compute: no files, no settings, no other tables. */
export interface SqlCheck {
  /** One scalar expression over the columns of `input`: no subquery, aggregate, window or star. */
  expression(text: string, input: Schema): Promise<CheckedExpression | SqlProblem>;
  /** The tables that one SELECT names (parts of each name, e.g. `['shop', 'orders']`), its own CTEs left out. */
  tables(text: string): Promise<readonly (readonly string[])[] | SqlProblem>;
  /** One SELECT over tables with these schemas, by name as written. */
  select(text: string, tables: ReadonlyMap<string, Schema>): Promise<CheckedSelect | SqlProblem>;
}

export interface FilterPlanContext extends PluginContext {
  readonly place: ConfigPlace;
  /** The run's start in milliseconds since 1970; the same after a resume. */
  readonly startedAt: number;
  /** For filters that take SQL from the user. */
  readonly check: SqlCheck;
}

export interface FilterPlugin<C = JsonObject> extends PluginDeclaration {
  readonly kind: 'filter';
  plan(config: C, input: Schema, ctx: FilterPlanContext): Promise<FilterStep>;
}

export function defineFilter<C>(plugin: FilterPlugin<C>): FilterPlugin<C> {
  return plugin;
}
