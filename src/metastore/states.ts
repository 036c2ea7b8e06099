import { ConfigError, BugError } from '../core/spi/index.js';
import type { JsonObject, JsonValue, RunStore, StateKey, StateRecord } from '../core/spi/index.js';
import { numberOf, optionalText, sqlOf, textOf } from './connection.js';
import type { Connection, Dialect, OpenTransaction, SqlRow, SqlValue } from './connection.js';
import { KEY_COLUMNS, KEY_MATCH, keyOf, keyParams } from './key.js';
import { refuseHeld } from './lease-check.js';
import type { Metastore } from './types.js';

type StateCalls = Pick<RunStore, 'getState' | 'listStates' | 'setState' | 'stateHistory' | 'movePipeline'> &
  Pick<Metastore, 'statesOfTarget' | 'restoreStateBefore'>;

/** States, and every state that a key ever had. */
export function createStates(connection: Connection, projectId: string): StateCalls {
  const { reader, dialect } = connection;
  return {
    getState: async (key) => {
      const row = await reader.get(`SELECT * FROM sluice_states WHERE ${KEY_MATCH}`, keyParams(key));
      return row === undefined ? undefined : stateOf(row);
    },

    listStates: async ({ pipeline }) => {
      const params: SqlValue[] = [projectId];
      const filter = pipeline === undefined ? '' : ` AND pipeline = $${params.push(pipeline)}`;
      return (await reader.all(`SELECT * FROM sluice_states WHERE project = $1${filter} ORDER BY pipeline, stream, target_name, target`, params)).map(
        stateOf,
      );
    },

    setState: (key, targetName, state) =>
      connection.transaction(async (tx) => {
        if (state === undefined) await removeState(tx, key);
        else await storeState(tx, dialect, key, targetName, JSON.stringify(state), null);
      }),

    stateHistory: async (key) => {
      const rows = await reader.all(`SELECT state, run_id, at FROM sluice_state_history WHERE ${KEY_MATCH} ORDER BY seq DESC`, keyParams(key));
      return rows.map((row) => ({
        state: JSON.parse(textOf(row, 'state')) as JsonValue,
        runId: optionalText(row, 'run_id'),
        at: numberOf(row, 'at'),
      }));
    },

    movePipeline: (from, to) => connection.transaction((tx) => movePipeline(tx, dialect, projectId, from, to)),

    statesOfTarget: async (target) => {
      const rows = await reader.all(
        'SELECT pipeline, stream, state FROM sluice_states WHERE project = $1 AND target = $2 ORDER BY pipeline, stream',
        [projectId, target],
      );
      return rows.map((row) => ({
        pipeline: textOf(row, 'pipeline'),
        stream: textOf(row, 'stream'),
        state: JSON.parse(textOf(row, 'state')) as JsonValue,
      }));
    },

    restoreStateBefore: async (transaction, runId) => {
      const tx = sqlOf(transaction);
      const run = await tx.get('SELECT * FROM sluice_runs WHERE run_id = $1', [runId]);
      if (run === undefined) throw new BugError({ code: 'RUN_UNKNOWN', message: `run ${runId}: expected a stored run, found none` });
      const before = optionalText(run, 'state_before');
      const facts = { ...(JSON.parse(optionalText(run, 'commit_facts') ?? '{}') as JsonObject), undone: true };
      await tx.run('UPDATE sluice_runs SET commit_facts = $2 WHERE run_id = $1', [runId, JSON.stringify(facts)]);
      if (before === null) await removeState(tx, keyOf(run));
      else await storeState(tx, dialect, keyOf(run), textOf(run, 'target_name'), before, optionalText(run, 'state_before_run'));
    },
  };
}

/** The state of a key as JSON text, as the transaction sees it. */
export async function findState(tx: OpenTransaction, key: StateKey): Promise<{ readonly state: string; readonly runId: string | null } | undefined> {
  const row = await tx.get(`SELECT state, run_id FROM sluice_states WHERE ${KEY_MATCH}`, keyParams(key));
  return row === undefined ? undefined : { state: textOf(row, 'state'), runId: optionalText(row, 'run_id') };
}

export async function storeState(
  tx: OpenTransaction,
  dialect: Dialect,
  key: StateKey,
  targetName: string,
  state: string,
  runId: string | null,
): Promise<void> {
  const params = [...keyParams(key), targetName, state, runId];
  await tx.run(
    `INSERT INTO sluice_states (${KEY_COLUMNS}, target_name, state, run_id, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, ${dialect.now})
     ON CONFLICT (${KEY_COLUMNS}) DO UPDATE SET target_name = excluded.target_name, state = excluded.state, run_id = excluded.run_id, updated_at = excluded.updated_at`,
    params,
  );
  await tx.run(
    `INSERT INTO sluice_state_history (${KEY_COLUMNS}, target_name, state, run_id, at) VALUES ($1, $2, $3, $4, $5, $6, $7, ${dialect.now})`,
    params,
  );
}

/** The history keeps what was removed. */
async function removeState(tx: OpenTransaction, key: StateKey): Promise<void> {
  await tx.run(`DELETE FROM sluice_states WHERE ${KEY_MATCH}`, keyParams(key));
}

async function movePipeline(tx: OpenTransaction, dialect: Dialect, project: string, from: string, to: string): Promise<number> {
  await dialect.lockName(tx, `pipeline ${project} ${to}`);
  const taken = await tx.get('SELECT stream FROM sluice_states WHERE project = $1 AND pipeline = $2 LIMIT 1', [project, to]);
  if (taken !== undefined) {
    throw new ConfigError({
      code: 'STATE_EXISTS',
      message: `state move ${from} ${to}: expected no state of ${to}, found one`,
      hint: `look at it with "sluice state show ${to}"; if it is not needed, remove it with "sluice state reset ${to}"`,
    });
  }
  await refuseHeld(tx, dialect, project, [from, to]);
  const moved = await tx.run('UPDATE sluice_states SET pipeline = $3 WHERE project = $1 AND pipeline = $2', [project, from, to]);
  // Fences must not start again: ledgers of external targets remember the highest one.
  await tx.run(
    `INSERT INTO sluice_leases (${KEY_COLUMNS}, holder, machine, pid, process_started, fence, acquired_at, renewed_at, expires_at)
     SELECT project, $3, stream, target, holder, machine, pid, process_started, fence, acquired_at, renewed_at, 0 FROM sluice_leases WHERE project = $1 AND pipeline = $2
     ON CONFLICT (${KEY_COLUMNS}) DO UPDATE SET fence = CASE WHEN excluded.fence > sluice_leases.fence THEN excluded.fence ELSE sluice_leases.fence END`,
    [project, from, to],
  );
  await tx.run('UPDATE sluice_state_history SET pipeline = $3 WHERE project = $1 AND pipeline = $2', [project, from, to]);
  await tx.run('UPDATE sluice_runs SET pipeline = $3 WHERE project = $1 AND pipeline = $2', [project, from, to]);
  return moved;
}

function stateOf(row: SqlRow): StateRecord {
  return {
    key: keyOf(row),
    targetName: textOf(row, 'target_name'),
    state: JSON.parse(textOf(row, 'state')) as JsonValue,
    runId: optionalText(row, 'run_id'),
    updatedAt: numberOf(row, 'updated_at'),
  };
}
