import type { JsonObject, RunStore } from '../core/spi/index.js';
import { insertRows, numberOf, runForEach, textOf } from './connection.js';
import type { Connection } from './connection.js';
import { requireLease } from './lease-check.js';

type TaskCalls = Pick<RunStore, 'finishTask' | 'finishedTasks' | 'recordStaging' | 'stagedPaths' | 'forgetStaging' | 'keepRejects' | 'keptRejects'>;

const KEPT_REJECTS = 1000;

/** Task reports, the paths that tasks write, and rejected records of runs that did not commit. */
export function createTasks(connection: Connection): TaskCalls {
  const { reader, dialect } = connection;
  return {
    finishTask: (runId, task, report, lease) =>
      connection.transaction(async (tx) => {
        await requireLease(tx, dialect, lease);
        await tx.run(
          `INSERT INTO sluice_tasks (run_id, task, report, finished_at) VALUES ($1, $2, $3, ${dialect.now})
           ON CONFLICT (run_id, task) DO UPDATE SET report = excluded.report, finished_at = excluded.finished_at`,
          [runId, task, JSON.stringify(report)],
        );
      }),

    finishedTasks: async (runId) => {
      const rows = await reader.all('SELECT task, report FROM sluice_tasks WHERE run_id = $1 ORDER BY task', [runId]);
      return rows.map((row) => ({ task: numberOf(row, 'task'), report: JSON.parse(textOf(row, 'report')) as JsonObject }));
    },

    recordStaging: (runId, task, paths, lease) =>
      connection.transaction(async (tx) => {
        await requireLease(tx, dialect, lease);
        // One statement may name a path once only.
        const rows = [...new Set(paths)].map((path) => [runId, path, task]);
        await insertRows(
          tx,
          'INSERT INTO sluice_staging (run_id, path, task)',
          rows,
          'ON CONFLICT (run_id, path) DO UPDATE SET task = excluded.task',
        );
      }),

    stagedPaths: async (runId) => {
      const rows = await reader.all('SELECT task, path FROM sluice_staging WHERE run_id = $1 ORDER BY task, path', [runId]);
      return rows.map((row) => ({ task: numberOf(row, 'task'), path: textOf(row, 'path') }));
    },

    forgetStaging: (runId, paths) =>
      connection.transaction(
        async (tx) => void (await runForEach(tx, 'DELETE FROM sluice_staging WHERE run_id = $1 AND path IN (*)', [runId], paths)),
      ),

    keepRejects: (runId, rejects) =>
      connection.transaction(async (tx) => {
        const kept = numberOf(await tx.get('SELECT COUNT(*) AS kept FROM sluice_rejects WHERE run_id = $1', [runId]), 'kept');
        const rows = rejects.slice(0, Math.max(0, KEPT_REJECTS - kept)).map((record, i) => [runId, kept + i, JSON.stringify(record)]);
        await insertRows(tx, 'INSERT INTO sluice_rejects (run_id, position, record)', rows, 'ON CONFLICT DO NOTHING');
      }),

    keptRejects: async (runId) => {
      const rows = await reader.all('SELECT record FROM sluice_rejects WHERE run_id = $1 ORDER BY position', [runId]);
      return rows.map((row) => JSON.parse(textOf(row, 'record')) as JsonObject);
    },
  };
}
