import { ConfigError, ConflictError, type RunRecord } from '../../core/spi/index.js';
import {
  formatTableName,
  planRestore,
  rejectsNameOf,
  restoreChange,
  runOf,
  type Restoration,
  type TableChange,
  type TableName,
  type Warehouse,
} from '../../warehouse/index.js';
import type { Metastore } from '../../metastore/types.js';
import { flag, type Command, type CommandContext } from '../command.js';
import { confirm, YES_OPTION } from '../confirm.js';
import { findRun } from '../find-run.js';
import { formatCount, formatCountOf, formatTime } from '../format.js';
import { describeHolder, withSession } from '../session.js';
import { withoutRuns } from '../state-keys.js';
import { findCurrentName } from '../table-by-uuid.js';

/** Runs among which one to take back instead is looked for. */
const RECENT = 100;

export const command: Command = {
  name: 'undo',
  usage: 'RUN',
  summary: 'Take back a committed run: table, rejects and state are as before it, in one step.',
  details: 'Snapshots reach back about 5 days. What was undone can still be read with `sluice query --snapshot` until then. On a terminal it asks.',
  options: {
    'with-later': { help: 'also take back everything that was committed to the table after the run' },
    yes: YES_OPTION,
  },
  examples: ['sluice undo latest', 'sluice undo 20260101T093000-1f2e3d4c --with-later'],
  arity: [1, 1],
  run: (context) =>
    withSession(context, undefined, async (session) => {
      const store = await session.metastore();
      const warehouse = await session.warehouse();
      const run = await findRun(store, context.args[0] ?? '');
      const undo = await planUndo(warehouse, store, run);
      const name = formatTableName(undo.name);
      refuseLater(context, run, name, undo.table);
      if (context.out.isTerminal) await confirm(context, `sluice undo ${run.runId}`, question(name, undo));
      const states = [run, ...undo.runs.filter((other) => other.runId !== run.runId)];
      await withoutRuns(store, describeHolder(), distinctKeys(states), () => restore(warehouse, undo));
      await report(context, run, name, undo);
      return 0;
    }),
};

interface Undo {
  readonly name: TableName;
  readonly table: Restoration;
  readonly changes: readonly TableChange[];
  /** All runs that are taken back, newest first. */
  readonly runs: readonly RunRecord[];
  readonly keepsRejects: boolean;
}

async function planUndo(warehouse: Warehouse, store: Metastore, run: RunRecord): Promise<Undo> {
  if (run.status !== 'committed') throw await notCommitted(store, run);
  const tables = run.commit?.['tables'];
  if (typeof tables === 'number') {
    throw new ConfigError({
      code: 'UNDO_SEVERAL_TABLES',
      message: `run ${run.runId} wrote ${formatCountOf(tables, 'table')} named by values (${run.targetName}); undo takes back runs into one table`,
      hint: 'delete its rows with SQL, or load the tables anew with mode: replace',
    });
  }
  const name = await findCurrentName(warehouse, run);
  const loaded = name && (await warehouse.catalog.findTable(formatTableName(name)));
  if (!loaded) {
    throw new ConfigError({
      code: 'UNDO_TABLE_GONE',
      message: `${run.targetName}, which run ${run.runId} wrote, is not there any more`,
      hint: `if it was dropped: sluice undrop ${run.targetName}`,
    });
  }
  const table = planRestore(loaded.name, loaded.metadata, run.runId);
  if (!table)
    throw nothingToUndo(
      run,
      loaded.metadata.snapshots.map((s) => s['timestamp-ms']),
    );
  const ids = table.undone.flatMap((snapshot) => runOf(snapshot) ?? []);
  const runs: RunRecord[] = [];
  for (const id of new Set(ids)) {
    const known = await store.getRun(id);
    if (known) runs.push(known);
  }
  const changes = [restoreChange(warehouse, loaded.name, run.runId, table)];
  const rejects = await warehouse.catalog.findTable(formatTableName(rejectsNameOf(loaded.name)));
  const rejected = rejects && planRestore(rejects.name, rejects.metadata, run.runId);
  // Rejects of a run that wrote no row and stays must stay, too.
  const keepsRejects = rejected?.later.some((snapshot) => !ids.includes(runOf(snapshot) ?? '')) ?? false;
  if (rejects && rejected && !keepsRejects) changes.push(restoreChange(warehouse, rejects.name, run.runId, rejected));
  return { name: loaded.name, table, changes, runs, keepsRejects };
}

async function notCommitted(store: Metastore, run: RunRecord): Promise<ConfigError> {
  const committed = await store.listRuns({ status: 'committed', limit: RECENT });
  const newest = committed.find(({ commit }) => commit?.['undone'] !== true);
  const instead = newest === undefined ? [] : [`sluice undo ${newest.runId} takes back the newest committed run`];
  const hints = [...(run.status === 'discarded' ? [] : [`sluice discard ${run.runId} ends a run that did not commit`]), ...instead];
  return new ConfigError({
    code: 'UNDO_NOT_COMMITTED',
    message: `run ${run.runId} is ${run.status}, so there is nothing to undo`,
    hint: hints.join('; ') || '`sluice runs` lists the runs',
  });
}

function nothingToUndo(run: RunRecord, times: readonly number[]): ConfigError {
  if (run.commit?.['snapshotId'] === undefined) {
    return new ConfigError({
      code: 'UNDO_NOTHING',
      message: `run ${run.runId} wrote no rows, so there is nothing to undo`,
      hint: `to make its pipeline read everything again: sluice state reset ${run.key.pipeline}`,
    });
  }
  return new ConfigError({
    code: 'UNDO_TOO_OLD',
    message: `the snapshot of run ${run.runId} has expired`,
    hint:
      times.length === 0
        ? `${run.targetName} has no snapshots`
        : `snapshots of ${run.targetName} reach back to ${formatTime(Math.min(...times))} UTC`,
  });
}

function refuseLater(context: CommandContext, run: RunRecord, name: string, { later, reachesBackTo }: Restoration): void {
  if (later.length === 0 || flag(context.options, 'with-later')) return;
  const list = later.map((s) => runOf(s) ?? `snapshot ${s['snapshot-id']} (${s.summary.operation})`);
  const shown = list.slice(0, 5).join(', ') + (list.length > 5 ? ` and ${list.length - 5} more` : '');
  throw new ConflictError({
    code: 'UNDO_LATER_COMMITS',
    message: `${name} was changed ${later.length === 1 ? 'once' : `${formatCount(later.length)} times`} after run ${run.runId}: ${shown}`,
    hint: `--with-later takes all of that back, too${reachesBackTo === undefined ? '' : `; snapshots reach back to ${formatTime(reachesBackTo)} UTC`}`,
  });
}

function question(name: string, { runs, table }: Undo): string {
  const many = table.later.length > 0 ? ` and ${formatCountOf(table.later.length, 'later commit')}` : '';
  const rows = Number(table.to?.summary['total-records'] ?? 0);
  return `Take run ${runs.at(-1)?.runId ?? ''}${many} back out of ${name}? It will hold ${formatCountOf(rows, 'row')}.`;
}

function distinctKeys(runs: readonly RunRecord[]): readonly RunRecord[] {
  const seen = new Set<string>();
  return runs.filter((run) => {
    const key = JSON.stringify(run.key);
    return !seen.has(key) && seen.add(key);
  });
}

/** Tables and states in one transaction: newest run first, so that each key ends with what its oldest run had found. */
async function restore(warehouse: Warehouse, undo: Undo): Promise<void> {
  await warehouse.commitChanges(undo.changes, {
    reach: () => {},
    within: async (tx) => {
      for (const run of undo.runs) await warehouse.metastore.restoreStateBefore(tx, run.runId);
    },
  });
}

async function report(context: CommandContext, run: RunRecord, name: string, undo: Undo): Promise<void> {
  const { to, reachesBackTo } = undo.table;
  const runs = undo.runs.map((other) => other.runId);
  if (context.out.json) {
    return context.out.printJson({
      event: 'undo',
      run_id: run.runId,
      table: name,
      undone_runs: runs,
      restored_snapshot: to ? String(to['snapshot-id']) : null,
      reaches_back_to: reachesBackTo === undefined ? null : new Date(reachesBackTo).toISOString(),
    });
  }
  const before = to ? `is as of ${formatTime(to['timestamp-ms'])} UTC` : 'is empty, as before the run';
  context.out.say(`${name} ${before}, and so is the state of ${[...new Set(undo.runs.map((r) => r.key.pipeline))].join(', ')}`);
  if (runs.length > 1) context.out.say(`taken back: ${runs.join(', ')}`);
  if (undo.keepsRejects) context.out.say(`rejects of these runs stay in ${name}__rejects, because later ones came after them`);
  if (reachesBackTo !== undefined) context.out.say(`snapshots reach back to ${formatTime(reachesBackTo)} UTC`);
}
