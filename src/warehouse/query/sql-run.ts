import { createHash, randomUUID } from 'node:crypto';
import {
  ConflictError,
  SluiceError,
  type Clock,
  type JsonObject,
  type Lease,
  type RunRecord,
  type StateKey,
  type StoreTransaction,
} from '../../core/spi/index.js';
import type { Metastore } from '../../metastore/types.js';
import type { QueryOptions } from './query-options.js';

/** The pipeline name under which SQL statements that write appear among the runs. */
export const SQL_PIPELINE = 'sql';
const LEASE_TRIES = 100;
const LEASE_WAIT_MS = 100;

export interface RunTools {
  readonly metastore: Metastore;
  readonly clock: Clock;
  removeStaged(paths: readonly string[]): Promise<void>;
}

/** A writing statement as a run: its files are recorded before they exist, so that a crash leaves nothing unknown. */
export interface SqlRun {
  readonly runId: string;
  record(paths: readonly string[]): Promise<void>;
  /** Deletes recorded files that the statement will not use after all. */
  forget(paths: readonly string[]): Promise<void>;
  /** Inside the commit's transaction. */
  complete(tx: StoreTransaction, summary: JsonObject, commit: JsonObject): Promise<void>;
}

/**
 * Runs a writing statement under the lease of its table's SQL writes. What an earlier statement left behind when it crashed is
 * removed first. A statement that fails removes its own files and ends as discarded, unless it had committed.
 */
export async function asRun<T>(
  tools: RunTools,
  table: string,
  statement: string,
  options: Pick<QueryOptions, 'origin' | 'beforeCommit'>,
  work: (run: SqlRun) => Promise<T>,
): Promise<T> {
  const { metastore, clock } = tools;
  const key: StateKey = { project: await metastore.projectId(), pipeline: SQL_PIPELINE, stream: '', target: table };
  const lease = await takeLease(tools, key);
  try {
    const left = await metastore.unfinishedRun(key);
    if (left) await discard(tools, left.runId, lease, null);
    const runId = randomUUID();
    const text = statement.trim().slice(0, 10_000);
    await metastore.createRun(
      {
        runId,
        key,
        targetName: table,
        startedAt: clock.now(),
        configHash: createHash('sha256').update(text).digest('hex'),
        plan: { sql: text, ...(options.origin ? { origin: options.origin } : {}) },
      },
      lease,
    );
    let committed = false;
    try {
      return await work({
        runId,
        record: (paths) => metastore.recordStaging(runId, 0, paths, lease),
        async forget(paths) {
          await tools.removeStaged(paths);
          await metastore.forgetStaging(runId, paths);
        },
        async complete(tx, summary, commit) {
          await options.beforeCommit?.(tx);
          await metastore.completeRun(tx, runId, lease, { state: undefined, summary, commit });
          committed = true;
        },
      });
    } catch (error) {
      // After `complete` only the database knows whether the transaction went through.
      if (!committed || !(await hasCommitted(metastore, runId, lease, error))) await discard(tools, runId, lease, error);
      throw error;
    }
  } finally {
    await metastore.releaseLease(lease);
  }
}

async function takeLease(tools: RunTools, key: StateKey): Promise<Lease> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await tools.metastore.acquireLease(key, `sql statement (process ${process.pid})`);
    } catch (error) {
      if (!(error instanceof ConflictError) || attempt >= LEASE_TRIES) throw error;
      await tools.clock.sleep(LEASE_WAIT_MS);
    }
  }
}

/** A COMMIT that was not answered may still be under way: reading the run would not see it, changing its row waits for it. */
async function hasCommitted(metastore: Metastore, runId: string, lease: Lease, error: unknown): Promise<boolean> {
  try {
    await metastore.finishRun(runId, 'failed', { summary: null, error: reasonOf(error) }, lease);
    return false;
  } catch (refused) {
    if (refused instanceof ConflictError && refused.code === 'RUN_COMMITTED') return true;
    throw refused;
  }
}

async function discard(tools: RunTools, runId: string, lease: Lease, error: unknown): Promise<void> {
  const { metastore } = tools;
  const paths = (await metastore.stagedPaths(runId)).map((p) => p.path);
  await tools.removeStaged(paths);
  await metastore.forgetStaging(runId, paths);
  await metastore.finishRun(runId, 'discarded', { summary: null, error: reasonOf(error) }, lease);
}

function reasonOf(error: unknown): RunRecord['error'] {
  if (!(error instanceof SluiceError)) return null;
  return { code: error.code, message: error.message, ...(error.hint === undefined ? {} : { hint: error.hint }) };
}
