import type { JsonObject, JsonValue } from './json.js';

/** Names one cursor: (project, pipeline, input stream, target). `target` is a table UUID or a connection identity. */
export interface StateKey {
  readonly project: string;
  readonly pipeline: string;
  /** Table or object name of multi-stream inputs, else empty. */
  readonly stream: string;
  readonly target: string;
}

/** A held lease. Its fence grows with every holder; commits check it. */
export interface Lease {
  readonly key: StateKey;
  readonly holder: string;
  readonly fence: number;
}

export type RunStatus = 'running' | 'held' | 'committed' | 'failed' | 'cancelled' | 'discarded';

export interface RunRecord {
  readonly runId: string;
  readonly key: StateKey;
  readonly status: RunStatus;
  /** Target's name for people. */
  readonly targetName: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly finishedAt: number | null;
  /** Hash of everything in the config but `exec`. */
  readonly configHash: string;
  /** The whole plan: input, filters, output, tasks. Holds no secret. */
  readonly plan: JsonObject;
  /** Rows, bytes, seconds, schema changes, state old and new. */
  readonly summary: JsonObject | null;
  readonly error: RunFailure | null;
  /** Facts of the commit, e.g. the snapshot id. */
  readonly commit: JsonObject | null;
}

/** How a run failed. */
export interface RunFailure {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  /** All was read, and what was read could not be loaded: the rows of its finished tasks are of no use as they are. */
  readonly rowsAtFault?: boolean;
}

export interface StoredTask {
  readonly task: number;
  readonly report: JsonObject;
}

export interface StateRecord {
  readonly key: StateKey;
  readonly targetName: string;
  readonly state: JsonValue;
  readonly runId: string | null;
  /** Milliseconds since 1970. */
  readonly updatedAt: number;
}

/** An open transaction of the metastore. Opaque; only its makers look inside. */
export interface StoreTransaction {
  readonly store: 'sqlite' | 'postgresql';
}

/** The end of a committed run. */
export interface CompletedRun {
  readonly state: JsonValue | undefined;
  readonly summary: JsonObject;
  readonly commit: JsonObject;
  /** The target's identity when the run's key still holds `new:<name>`: run and state are stored under it. */
  readonly target?: string;
}

/**
 * Where runs, task reports, states, leases and staging paths live. The engine talks to this port; the metastore
 * implements it. Times are the database's clock where fencing depends on them.
 */
export interface RunStore {
  /** This project's id, made once. */
  projectId(): Promise<string>;

  /** Takes the lease or throws ConflictError LEASE_HELD that names the holder. Renewal runs by itself until `releaseLease`. */
  acquireLease(key: StateKey, holder: string): Promise<Lease>;
  releaseLease(lease: Lease): Promise<void>;
  /** Aborts when the lease could not be renewed in time or was taken over. */
  leaseLost(lease: Lease): AbortSignal;

  createRun(run: Omit<RunRecord, 'status' | 'finishedAt' | 'summary' | 'error' | 'commit'>, lease: Lease): Promise<void>;
  /** The newest run of this key that is not committed or discarded, or undefined. */
  unfinishedRun(key: StateKey): Promise<RunRecord | undefined>;
  getRun(runId: string): Promise<RunRecord | undefined>;
  /** Newest first. */
  listRuns(filter: { readonly pipeline?: string; readonly status?: RunStatus; readonly limit?: number }): Promise<readonly RunRecord[]>;
  /** Ends or holds a run without a commit. */
  finishRun(
    runId: string,
    status: Exclude<RunStatus, 'committed'>,
    end: { readonly summary: JsonObject | null; readonly error: RunRecord['error'] },
    lease: Lease,
  ): Promise<void>;

  finishTask(runId: string, task: number, report: JsonObject, lease: Lease): Promise<void>;
  finishedTasks(runId: string): Promise<readonly StoredTask[]>;

  /** Paths that a task is about to write. */
  recordStaging(runId: string, task: number, paths: readonly string[], lease: Lease): Promise<void>;
  stagedPaths(runId: string): Promise<readonly { readonly task: number; readonly path: string }[]>;
  forgetStaging(runId: string, paths: readonly string[]): Promise<void>;

  /** The first rejected records of a run that did not commit, for `sluice rejects`. At most 1,000 are kept. */
  keepRejects(runId: string, rejects: readonly JsonObject[]): Promise<void>;
  keptRejects(runId: string): Promise<readonly JsonObject[]>;

  getState(key: StateKey): Promise<StateRecord | undefined>;
  listStates(filter: { readonly pipeline?: string }): Promise<readonly StateRecord[]>;
  /** Stores a state by hand (`state set`); undefined removes it (`state reset`). */
  setState(key: StateKey, targetName: string, state: JsonValue | undefined): Promise<void>;
  /** Every state this key ever had, newest first: tells a copy of an older state from a foreign one. */
  stateHistory(key: StateKey): Promise<readonly { readonly state: JsonValue; readonly runId: string | null; readonly at: number }[]>;
  /** Gives all states and runs of pipeline `from` to `to`; fails when `to` has states of its own. Returns how many moved. */
  movePipeline(from: string, to: string): Promise<number>;

  /** Runs `work` in one transaction; rolled back when it throws. */
  transaction<T>(work: (tx: StoreTransaction) => Promise<T>): Promise<T>;
  /** Within a commit: checks the fence, marks the run committed, stores its state (undefined leaves it as it is) and forgets its staging. */
  completeRun(tx: StoreTransaction, runId: string, lease: Lease, end: CompletedRun): Promise<void>;

  close(): Promise<void>;
}
