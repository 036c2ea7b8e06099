import type { Point } from './points.js';

/** Injected so that tests decide what time it is. Milliseconds since 1970. */
export interface Clock {
  now(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFields = { readonly [key: string]: string | number | boolean | undefined };

/** Key/value logging; only the CLI decides where and how it is printed. Never pass a secret. */
export interface Logger {
  log(level: LogLevel, message: string, fields?: LogFields): void;
}

/** What every plugin call gets. Nothing is global, so tests need no mocks. */
export interface PluginContext {
  /** Aborted on Ctrl-C, on a failing sibling task and on timeouts. Long work must stop on it. */
  readonly signal: AbortSignal;
  readonly log: Logger;
  readonly clock: Clock;
  /** Nominal time of the schedule's period that the run is for, milliseconds since 1970: what TD_SCHEDULED_TIME() gives. */
  readonly scheduledTime?: number | undefined;
  /** Project root; relative paths of a config start here. */
  readonly root: string;
  /** A folder for temporary files that is removed with the run. Absolute. */
  readonly tempDir: string;
  /** Announces a named point, so that tests can crash or fail there. Does nothing in production. */
  reach(point: Point): void;
  /**
   * A service that the composition offers by name; `warehouse` is the project's warehouse (see warehouse/index.ts).
   * Throws BugError RESOURCE_MISSING for a name that is not offered.
   */
  resource(name: string): Promise<unknown>;
}

/** The run's DuckDB, one connection per role. Values come back as JavaScript values: bigint for BIGINT, string for DECIMAL. */
export interface SqlConnection {
  run(sql: string): Promise<void>;
  /** All rows of a small result, by column name. */
  rows(sql: string): Promise<Record<string, SqlValue>[]>;
  /** Column arrays, chunk by chunk, for results of any size. */
  chunks(sql: string): AsyncIterable<SqlValue[][]>;
  /** Stops the statement that is running on this connection. */
  interrupt(): void;
  /** Makes a JavaScript function callable from SQL on this connection's database; see filter-javascript. */
  registerFunction(fn: ScalarFunction): void;
  close(): void;
}

export type SqlValue = null | boolean | number | bigint | string | Uint8Array | SqlValue[] | { [key: string]: SqlValue };

/** A scalar SQL function written in JavaScript; called with the values of one row. */
export interface ScalarFunction {
  readonly name: string;
  readonly parameters: readonly string[];
  readonly returns: string;
  call(args: readonly SqlValue[]): SqlValue;
}

/** A task's context: its own connection, temp folder and progress. */
export interface TaskContext extends PluginContext {
  readonly task: number;
  readonly sql: SqlConnection;
  /** Opens a further connection to the same DuckDB; close it. */
  connect(): Promise<SqlConnection>;
  progress(done: { rows?: number; bytes?: number }): void;
  /** A sentence for the run's report: what the user should know of this source. Kept with the task, also when the run is continued. */
  note?(text: string): void;
  /** Reports rejects found while still reading (a running total of this task), so that a run over its limit stops early. */
  rejectsSoFar(total: number): void;
  /** A new spool below this run's temp folder; `extension` such as `csv`. */
  spool(extension: string): Spool;
  /** Set for previews: a source that spools by itself may stop once it has spooled so much. */
  readonly sampleBytes?: number;
}

/** Temporary segment files (about 64 MB each). Every `write` must be record-aligned: a segment may end after it. */
export interface Spool {
  write(bytes: Uint8Array): Promise<void>;
  /** Bytes written so far. */
  readonly bytes: number;
  /** Closes the last segment; absolute paths in order. No write: no path. */
  finish(): Promise<readonly string[]>;
  /**
   * A path that gives all that is written, from the first byte on, while it is still being written: its end is that of `finish`. It can be
   * opened some times, by one reader at a time; after `remove` a reader gets less, without an error. Undefined where there are no named pipes.
   */
  follow?(): Promise<string | undefined>;
  /** Deletes all segments. Safe to call at any time, also twice. */
  remove(): Promise<void>;
}
