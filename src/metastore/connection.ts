import { AsyncLocalStorage } from 'node:async_hooks';

import { BugError } from '../core/spi/index.js';
import type { StoreTransaction } from '../core/spi/index.js';

/** What our columns hold. Integers stay below 2^53; JSON is text. */
export type SqlValue = string | number | null;
export type SqlRow = Readonly<Record<string, SqlValue>>;

export interface SqlReader {
  /** The first row. Parameters are written `$1`, `$2`, … */
  get(sql: string, params?: readonly SqlValue[]): Promise<SqlRow | undefined>;
  all(sql: string, params?: readonly SqlValue[]): Promise<readonly SqlRow[]>;
}

/** A transaction with its SQL, which only the metastore uses. Unusable once its `transaction` call has ended. */
export interface OpenTransaction extends StoreTransaction, SqlReader {
  /** Returns how many rows were changed. */
  run(sql: string, params?: readonly SqlValue[]): Promise<number>;
}

/** The few places where SQLite and PostgreSQL need different SQL. */
export interface Dialect {
  readonly kind: 'sqlite' | 'postgresql';
  /** Expression: the database's clock in milliseconds since 1970. */
  readonly now: string;
  /** Column type of a primary key that counts up. */
  readonly countingKey: string;
  /** Suffix that locks a lease's row against its renewals and checks; empty where one writer has the whole database. */
  readonly lockRow: string;
  /** Suffix that lets a lease's row be renewed, but not taken over, until the transaction ends. */
  readonly pinRow: string;
  /** Waits for everybody else who locked `name`, until the transaction ends. */
  lockName(tx: OpenTransaction, name: string): Promise<void>;
  hasTable(reader: SqlReader, table: string): Promise<boolean>;
  hasColumn(reader: SqlReader, table: string, column: string): Promise<boolean>;
}

/** One database behind a thin layer, so that every statement above is written once. */
export interface Connection {
  readonly dialect: Dialect;
  /** Committed data only, one statement at a time, not waiting for writers. */
  readonly reader: SqlReader;
  /** Runs `work` in one transaction. SQLite has one writer: keep unrelated waiting out of `work`. */
  transaction<T>(work: (tx: OpenTransaction) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

const openTransactions = new WeakSet<OpenTransaction>();
const insideTransaction = new AsyncLocalStorage<ReadonlyMap<object, OpenTransaction>>();
let transactions = 0;

/** The SQL side of a transaction that came through the public contract. */
export function sqlOf(tx: StoreTransaction): OpenTransaction {
  const open = tx as OpenTransaction;
  if (!openTransactions.has(open)) {
    throw new BugError({
      code: 'METASTORE_TRANSACTION_ENDED',
      message: 'metastore: expected an open transaction, found one that had ended',
      hint: 'await every call inside the transaction',
    });
  }
  return open;
}

/** Makes `tx` usable while `work` runs, and turns a nested transaction, which would wait for itself, into an error. */
export async function runInside<T>(connection: object, tx: OpenTransaction, work: (tx: OpenTransaction) => Promise<T>): Promise<T> {
  openTransactions.add(tx);
  transactions++;
  try {
    const outer = insideTransaction.getStore() ?? [];
    return await insideTransaction.run(new Map([...outer, [connection, tx]]), () => work(tx));
  } finally {
    openTransactions.delete(tx);
    // As long as it is in use, Node has work with every promise of the process.
    if (--transactions === 0) insideTransaction.disable();
  }
}

/** Fails where the caller already is inside a transaction of this connection. */
export function refuseNested(connection: object): void {
  const outer = insideTransaction.getStore()?.get(connection);
  // What was started inside a transaction, but outlived it, may write.
  if (outer === undefined || !openTransactions.has(outer)) return;
  throw new BugError({
    code: 'METASTORE_TRANSACTION_NESTED',
    message: 'metastore: a write was started inside an open transaction and would wait for itself',
    hint: 'use the calls that take the transaction, or make the call before or after it',
  });
}

/** The number in `column`; our own rows always have it. */
export function numberOf(row: SqlRow | undefined, column: string): number {
  const value = row?.[column];
  if (typeof value !== 'number') throw damaged(column, 'a number', value);
  return value;
}

export function textOf(row: SqlRow | undefined, column: string): string {
  const value = row?.[column];
  if (typeof value !== 'string') throw damaged(column, 'text', value);
  return value;
}

export function optionalText(row: SqlRow, column: string): string | null {
  return row[column] === null ? null : textOf(row, column);
}

function damaged(column: string, expected: string, found: SqlValue | undefined): BugError {
  return new BugError({
    code: 'METASTORE_ROW',
    message: `metastore: column ${column}: expected ${expected}, found ${found === undefined ? 'nothing' : found === null ? 'NULL' : typeof found}`,
    hint: 'the sluice_* tables were changed by something else; restore them from a backup',
  });
}

/** Inserts many rows, up to a hundred a statement. `head` ends before VALUES, `tail` follows the rows. */
export async function insertRows(tx: OpenTransaction, head: string, rows: readonly (readonly SqlValue[])[], tail: string): Promise<void> {
  for (let from = 0; from < rows.length; from += 100) {
    const chunk = rows.slice(from, from + 100);
    let next = 0;
    const values = chunk.map((row) => `(${row.map(() => `$${++next}`).join(', ')})`).join(', ');
    await tx.run(`${head} VALUES ${values} ${tail}`, chunk.flat());
  }
}

/**
 * Runs `sql` with `values` as the list in place of `(*)`, after the `fixed` parameters, up to a hundred values a statement. Returns
 * how many rows were changed.
 */
export async function runForEach(tx: OpenTransaction, sql: string, fixed: readonly SqlValue[], values: readonly SqlValue[]): Promise<number> {
  let changed = 0;
  for (let from = 0; from < values.length; from += 100) {
    const chunk = values.slice(from, from + 100);
    const list = chunk.map((_, i) => `$${fixed.length + i + 1}`).join(', ');
    changed += await tx.run(sql.replace('(*)', `(${list})`), [...fixed, ...chunk]);
  }
  return changed;
}
