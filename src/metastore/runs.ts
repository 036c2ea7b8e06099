import { BugError, ConflictError } from '../core/spi/index.js';
import type { JsonObject, Lease, RunRecord, RunStatus, RunStore, StateKey } from '../core/spi/index.js';
import { numberOf, optionalText, sqlOf, textOf } from './connection.js';
import type { Connection, OpenTransaction, SqlRow, SqlValue } from './connection.js';
import { KEY_COLUMNS, KEY_MATCH, describeKey, keyOf, keyParams } from './key.js';
import { requireLease } from './lease-check.js';
import { findState, storeState } from './states.js';

type RunCalls = Pick<RunStore, 'createRun' | 'unfinishedRun' | 'getRun' | 'listRuns' | 'finishRun' | 'completeRun'>;

/** Runs and their one commit. */
export function createRuns(connection: Connection, projectId: string): RunCalls {
  const { reader, dialect } = connection;
  return {
    createRun: (run, lease) =>
      connection.transaction(async (tx) => {
        await requireLease(tx, dialect, lease);
        requireSamePipeline(run.runId, run.key, lease);
        const before = await findState(tx, run.key);
        await tx.run(
          `INSERT INTO sluice_runs (run_id, ${KEY_COLUMNS}, status, target_name, started_at, config_hash, plan, state_before, state_before_run)
           VALUES ($1, $2, $3, $4, $5, 'running', $6, $7, $8, $9, $10, $11)`,
          [
            run.runId,
            ...keyParams(run.key),
            run.targetName,
            run.startedAt,
            run.configHash,
            JSON.stringify(run.plan),
            before?.state ?? null,
            before?.runId ?? null,
          ],
        );
      }),

    unfinishedRun: async (key) => {
      const row = await reader.get(
        `SELECT * FROM sluice_runs WHERE ${KEY_MATCH} AND status NOT IN ('committed', 'discarded') ORDER BY seq DESC LIMIT 1`,
        keyParams(key),
      );
      return row === undefined ? undefined : runOf(row);
    },

    getRun: async (runId) => {
      const row = await reader.get('SELECT * FROM sluice_runs WHERE run_id = $1', [runId]);
      return row === undefined ? undefined : runOf(row);
    },

    listRuns: async ({ pipeline, status, limit }) => {
      const params: SqlValue[] = [projectId];
      let sql = 'SELECT * FROM sluice_runs WHERE project = $1';
      if (pipeline !== undefined) sql += ` AND pipeline = $${params.push(pipeline)}`;
      if (status !== undefined) sql += ` AND status = $${params.push(status)}`;
      sql += ' ORDER BY seq DESC';
      if (limit !== undefined) sql += ` LIMIT $${params.push(limit)}`;
      return (await reader.all(sql, params)).map(runOf);
    },

    finishRun: (runId, status, end, lease) =>
      connection.transaction(async (tx) => {
        await requireLease(tx, dialect, lease);
        const finishedAt = status === 'running' || status === 'held' ? 'NULL' : dialect.now;
        const changed = await tx.run(
          `UPDATE sluice_runs SET status = $2, summary = $3, error = $4, finished_at = ${finishedAt}
           WHERE run_id = $1 AND status NOT IN ('committed', 'discarded')`,
          [runId, status, jsonOrNull(end.summary), jsonOrNull(end.error)],
        );
        if (changed === 0) throw await whyClosed(tx, runId);
      }),

    completeRun: async (transaction, runId, lease, end) => {
      const tx = sqlOf(transaction);
      await requireLease(tx, dialect, lease);
      const changed = await tx.run(
        `UPDATE sluice_runs SET status = 'committed', summary = $2, commit_facts = $3, error = NULL, finished_at = ${dialect.now}
         WHERE run_id = $1 AND status NOT IN ('committed', 'discarded')`,
        [runId, JSON.stringify(end.summary), JSON.stringify(end.commit)],
      );
      if (changed === 0) throw await whyClosed(tx, runId);
      const run = await tx.get('SELECT * FROM sluice_runs WHERE run_id = $1', [runId]);
      if (run === undefined) throw unknownRun(runId);
      requireSamePipeline(runId, keyOf(run), lease);
      const key = { ...keyOf(run), ...(end.target === undefined ? {} : { target: end.target }) };
      await tx.run('UPDATE sluice_runs SET target = $2 WHERE run_id = $1', [runId, key.target]);
      // The primary key is the last guard: whatever happens above, no run commits twice.
      await tx.run(`INSERT INTO sluice_commits (run_id, fence, committed_at) VALUES ($1, $2, ${dialect.now})`, [runId, lease.fence]);
      if (end.state !== undefined) await storeState(tx, dialect, key, textOf(run, 'target_name'), JSON.stringify(end.state), runId);
      await tx.run('DELETE FROM sluice_staging WHERE run_id = $1', [runId]);
    },
  };
}

/** The lease may name the target differently (by name, where the run has its identity); everything else must agree. */
function requireSamePipeline(runId: string, key: StateKey, lease: Lease): void {
  if (key.project === lease.key.project && key.pipeline === lease.key.pipeline && key.stream === lease.key.stream) return;
  throw new BugError({
    code: 'LEASE_OF_OTHER_RUN',
    message: `run ${runId}: expected the lease of ${describeKey(key)}, found that of ${describeKey(lease.key)}`,
  });
}

async function whyClosed(tx: OpenTransaction, runId: string): Promise<Error> {
  const row = await tx.get('SELECT status FROM sluice_runs WHERE run_id = $1', [runId]);
  if (row === undefined) return unknownRun(runId);
  return textOf(row, 'status') === 'committed'
    ? new ConflictError({
        code: 'RUN_COMMITTED',
        message: `run ${runId}: expected an open run, found one that had committed`,
        hint: 'nothing is left to do for it; run the pipeline again for newer data',
      })
    : new ConflictError({
        code: 'RUN_DISCARDED',
        message: `run ${runId}: expected an open run, found one that was discarded`,
        hint: 'run the pipeline again; it starts a new run',
      });
}

function unknownRun(runId: string): BugError {
  return new BugError({ code: 'RUN_UNKNOWN', message: `run ${runId}: expected a stored run, found none` });
}

function runOf(row: SqlRow): RunRecord {
  return {
    runId: textOf(row, 'run_id'),
    key: keyOf(row),
    status: textOf(row, 'status') as RunStatus,
    targetName: textOf(row, 'target_name'),
    startedAt: numberOf(row, 'started_at'),
    finishedAt: row['finished_at'] === null ? null : numberOf(row, 'finished_at'),
    configHash: textOf(row, 'config_hash'),
    plan: JSON.parse(textOf(row, 'plan')) as JsonObject,
    summary: parseOrNull<JsonObject>(row, 'summary'),
    error: parseOrNull<NonNullable<RunRecord['error']>>(row, 'error'),
    commit: parseOrNull<JsonObject>(row, 'commit_facts'),
  };
}

function jsonOrNull(value: JsonObject | RunRecord['error']): string | null {
  return value === null ? null : JSON.stringify(value);
}

function parseOrNull<T>(row: SqlRow, column: string): T | null {
  const text = optionalText(row, column);
  return text === null ? null : (JSON.parse(text) as T);
}
