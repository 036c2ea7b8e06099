import type { JsonObject, SqlValue, StoreTransaction } from '../../core/spi/index.js';
import type { PruneStats } from './plan-files.js';

export type QueryParameter = string | number | bigint | boolean | null;

/** What a statement may touch. Everything else does not exist for it; see restrict-source.ts. */
export interface QueryAccess {
  /** Namespaces of tables and views; undefined: all. */
  readonly databases?: readonly string[];
  /** Whether tables of rejected records are among them. */
  readonly rejects: boolean;
}

export interface QueryOptions {
  /** Values of `$name` (or of `$1`, keyed "1") in the text; bound, never spliced. */
  readonly params?: Readonly<Record<string, QueryParameter>>;
  /** Namespace of unqualified names; default `main`. */
  readonly namespace?: string;
  /** Read tables as of this snapshot id, unless the text says otherwise. */
  readonly snapshot?: bigint;
  /** What TD_SCHEDULED_TIME() gives, and `now` of TD_INTERVAL: epoch milliseconds, cut to seconds. Default: the time the statement starts. */
  readonly scheduledTime?: number;
  /** Read tables as of this time: text that DuckDB reads as TIMESTAMPTZ (UTC without a zone). */
  readonly asOf?: string;
  /** Default: everything. */
  readonly access?: QueryAccess;
  /** Stored with the run of a statement that writes: who asked for it. */
  readonly origin?: JsonObject;
  /** Runs in the transaction of a statement's commit; throwing undoes the commit. */
  readonly beforeCommit?: (tx: StoreTransaction) => Promise<void>;
  readonly signal?: AbortSignal;
  /** Bytes the engine may hold for this query; default DuckDB's own. */
  readonly maxMemory?: number;
  readonly threads?: number;
  /** The reader does not mind in which order many rows come that no ORDER BY puts into one; see {@link QueryEngine.writeFile}. */
  readonly anyOrder?: true;
  /** Parent of the query's private folder; default the system's. */
  readonly tempDir?: string;
}

export interface ResultColumn {
  readonly name: string;
  /** DuckDB's type, e.g. `DECIMAL(12,2)`. */
  readonly type: string;
}

export interface TableScanStats extends PruneStats {
  /** `shop.orders`. */
  readonly table: string;
  /** How often the plan reads it; 0: not at all. */
  readonly scans: number;
}

export interface QueryStats {
  readonly tables: readonly TableScanStats[];
  /** Sums over all tables. */
  readonly filesTotal: number;
  readonly filesKept: number;
  readonly bytesKept: number;
  /** Rows given out so far. */
  readonly rows: number;
  /** Milliseconds: opening the engine, resolving and planning, pruning, binding; together the price before the first row. */
  readonly openMs: number;
  readonly planMs: number;
  readonly pruneMs: number;
  readonly bindMs: number;
}

/** A running query. Read `chunks` once, then `close` (also after an error). */
export interface QueryResult {
  readonly columns: readonly ResultColumn[];
  /** Column arrays, chunk by chunk; values as SqlConnection gives them. Memory stays constant. */
  chunks(): AsyncIterable<SqlValue[][]>;
  stats(): QueryStats;
  close(): Promise<void>;
}

export type ResultFormat = 'parquet' | 'csv' | 'json';
