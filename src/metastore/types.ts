import type { JobStore, JsonObject, RunStore, StoreTransaction } from '../core/spi/index.js';

/** A row of Iceberg's `iceberg_tables` (JDBC catalog, schema V1). */
export interface TablePointer {
  readonly namespace: string;
  readonly name: string;
  readonly metadataLocation: string;
  readonly previousMetadataLocation: string | null;
  /** `TABLE`, another engine's `VIEW`, or null (read as TABLE). */
  readonly icebergType: string | null;
}

/** A view of ours: SQL text and the dialect it is written in. */
export interface ViewRecord {
  readonly namespace: string;
  readonly name: string;
  readonly sql: string;
  readonly dialect: string;
  readonly comment: string | null;
}

/** A table that `drop` took out of the catalog; its files stay for the snapshot period. */
export interface DroppedTable {
  readonly tableUuid: string;
  readonly namespace: string;
  readonly name: string;
  readonly metadataLocation: string;
  /** Milliseconds since 1970. */
  readonly droppedAt: number;
}

/**
 * Table pointers of the SQL catalog, shared with Trino, Spark and PyIceberg. Every write happens in a transaction, so
 * that a commit moves pointers, state and run record together. Only rows with iceberg_type TABLE or NULL are tables.
 */
export interface CatalogStore {
  /** Value of `catalog_name` in all rows; the name other engines give this catalog. */
  readonly catalogName: string;
  listNamespaces(): Promise<readonly string[]>;
  createNamespace(tx: StoreTransaction, namespace: string): Promise<void>;
  listTables(namespace?: string): Promise<readonly TablePointer[]>;
  getTable(namespace: string, name: string, tx?: StoreTransaction): Promise<TablePointer | undefined>;
  /** False when the name is taken by any catalog row or view. */
  insertTable(tx: StoreTransaction, namespace: string, name: string, metadataLocation: string): Promise<boolean>;
  /** The compare-and-swap of a commit: false when the pointer is no longer `from`. */
  swapTable(tx: StoreTransaction, namespace: string, name: string, from: string, to: string): Promise<boolean>;
  /** Takes the row out; false when the pointer is no longer `from`. */
  deleteTable(tx: StoreTransaction, namespace: string, name: string, from: string): Promise<boolean>;
  renameTable(tx: StoreTransaction, from: { namespace: string; name: string }, to: { namespace: string; name: string }): Promise<boolean>;

  putView(tx: StoreTransaction, view: ViewRecord, replace: boolean): Promise<boolean>;
  getView(namespace: string, name: string): Promise<ViewRecord | undefined>;
  listViews(): Promise<readonly ViewRecord[]>;
  deleteView(tx: StoreTransaction, namespace: string, name: string): Promise<boolean>;

  recordDropped(tx: StoreTransaction, table: DroppedTable): Promise<void>;
  listDropped(): Promise<readonly DroppedTable[]>;
  /** False when it was not (or no longer) among the dropped ones. */
  forgetDropped(tx: StoreTransaction, tableUuid: string): Promise<boolean>;

  /**
   * Files that are no longer referenced and may be deleted after `notBefore` (expired snapshots, old metadata, results of
   * lost commits): recorded in the commit's transaction, deleted later, so that a crash in between loses no name.
   */
  recordGarbage(tx: StoreTransaction, paths: readonly string[], notBefore: number): Promise<void>;
  dueGarbage(now: number, limit: number): Promise<readonly string[]>;
  /** Within `tx` for files that a commit takes into use after all. Answers how many of the names were recorded. */
  forgetGarbage(paths: readonly string[], tx?: StoreTransaction): Promise<number>;
}

export interface Metastore extends RunStore, JobStore {
  readonly kind: 'sqlite' | 'postgresql';
  /** This metastore's id (UUID), also written into the storage's marker file. */
  readonly id: string;
  readonly catalog: CatalogStore;
  /** The database's clock, milliseconds since 1970. */
  now(): Promise<number>;
  /** State keys of a target move with `undo`, `drop` and `swap`: see docs/guarantees.md. */
  statesOfTarget(target: string): Promise<readonly { readonly pipeline: string; readonly stream: string; readonly state: JsonObject[string] }[]>;
  /** Sets, within a transaction, the state of a key back to what run `runId` had found when it started (`undo`). */
  restoreStateBefore(tx: StoreTransaction, runId: string): Promise<void>;
  /** After a rename: the name for people in all states and runs of the target. */
  renameTarget(tx: StoreTransaction, target: string, name: string): Promise<void>;
  /** After two targets changed names: states and runs follow the name, so each gets the other's target. */
  swapTargets(tx: StoreTransaction, a: string, b: string): Promise<void>;
}

/** `sqlite:<absolute path>` or `postgresql://user@host/db`; `catalogName` defaults to `sluice`. */
export interface MetastoreOptions {
  readonly url: string;
  readonly catalogName?: string;
  /** Password for PostgreSQL, resolved from a secret reference; never part of `url`. */
  readonly password?: string;
  /** How long a lease outlives its last renewal; 30 unless given. */
  readonly leaseSeconds?: number;
  /** PostgreSQL only: a statement that is not answered for so long has failed; 120 unless given. */
  readonly answerSeconds?: number;
  /** SQLite only: what time it is, in place of the database's clock; a program that simulates time gives it. */
  readonly clock?: () => number;
}
