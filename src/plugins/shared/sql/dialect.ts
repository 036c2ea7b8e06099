/** How much of a cursor is read again. */
export type Lag = { readonly form: 'amount'; readonly amount: string } | { readonly form: 'time'; readonly seconds: number };

/** A column that rows are compared by. */
export interface CursorColumn {
  readonly name: string;
  /** The server's spelling of the type, for casts. */
  readonly sqlType: string;
  readonly kind: 'number' | 'time' | 'other';
  /** False only where the server rules out NULL. */
  readonly nullable: boolean;
}

/** What differs between the SQL of two products. Cursor values travel as the text that the server gave. */
export interface SqlDialect {
  /** `PostgreSQL`, for messages. */
  readonly product: string;
  quoteIdentifier(name: string): string;
  /** A text literal, safe whatever the session's settings are. */
  quoteLiteral(text: string): string;
  /** A cursor's value, given as text, as an expression of the column's own type. */
  valueOf(text: string, column: CursorColumn): string;
  /** An expression of the column's type as text that gives the same value back exactly. */
  textOf(expression: string, column: CursorColumn): string;
  /** An expression of the column's type less the lag. */
  minus(expression: string, column: CursorColumn, lag: Lag): string;
  /** Predicate: the row of these columns is one of `rows` (never empty). */
  isOneOf(columns: readonly CursorColumn[], rows: readonly (readonly string[])[]): string;
}

/** `["sales", "orders"]` as a quoted name. */
export function quoteTable(dialect: SqlDialect, parts: readonly string[]): string {
  return parts.map((part) => dialect.quoteIdentifier(part)).join('.');
}
