import { ConfigError, type RunRecord } from '../../core/spi/index.js';
import { formatTableName, type Warehouse } from '../../warehouse/index.js';
import type { Metastore } from '../../metastore/types.js';
import { flag, type Command, type CommandContext } from '../command.js';
import { confirm, YES_OPTION } from '../confirm.js';
import { findRun } from '../find-run.js';
import { formatCountOf, formatTime } from '../format.js';
import { describeHolder, withSession } from '../session.js';
import { withoutRuns } from '../state-keys.js';
import { planUndo, type Undo, type UndoneTable } from '../undo-plan.js';

/** Runs among which one to take back instead is looked for. */
const RECENT = 100;

export const command: Command = {
  name: 'undo',
  usage: 'RUN',
  summary: 'Take back a committed run: its tables, rejects and state are as before it, in one step.',
  details: 'Snapshots reach back about 5 days. What was undone can still be read with `sluice query --snapshot` until then. On a terminal it asks.',
  options: {
    'with-later': { help: 'also take back everything that was committed to its tables after the run' },
    yes: YES_OPTION,
  },
  examples: ['sluice undo latest', 'sluice undo 20260101T093000-1f2e3d4c --with-later'],
  arity: [1, 1],
  run: (context) =>
    withSession(context, undefined, async (session) => {
      const store = await session.metastore();
      const warehouse = await session.warehouse();
      const run = await findRun(store, context.args[0] ?? '');
      if (run.status !== 'committed') throw await notCommitted(store, run);
      const undo = await planUndo(warehouse, store, run, flag(context.options, 'with-later')).catch(async (error: unknown) => {
        throw error instanceof ConfigError && error.code === 'UNDO_DONE' ? await undoneBefore(store, error) : error;
      });
      const names = undo.tables.map(({ name }) => formatTableName(name)).join(', ');
      if (context.out.isTerminal) await confirm(context, `sluice undo ${run.runId}`, question(names, undo));
      const states = [run, ...undo.runs.filter((other) => other.runId !== run.runId)];
      await withoutRuns(store, describeHolder(), distinctKeys(states), () => restore(warehouse, undo));
      await report(context, run, names, undo);
      return 0;
    }),
};

async function notCommitted(store: Metastore, run: RunRecord): Promise<ConfigError> {
  const instead = await nextToUndo(store);
  const hints = [...(run.status === 'discarded' ? [] : [`sluice discard ${run.runId} ends a run that did not commit`]), ...instead];
  return new ConfigError({
    code: 'UNDO_NOT_COMMITTED',
    message: `run ${run.runId} is ${run.status}, so there is nothing to undo`,
    hint: hints.join('; ') || '`sluice runs` lists the runs',
  });
}

async function undoneBefore(store: Metastore, error: ConfigError): Promise<ConfigError> {
  const hint = [...(await nextToUndo(store)), error.hint].join('; ');
  return new ConfigError({ code: error.code, message: error.message, hint, cause: error });
}

/** What to say of the newest run that has not been taken back. */
async function nextToUndo(store: Metastore): Promise<readonly string[]> {
  const committed = await store.listRuns({ status: 'committed', limit: RECENT });
  const newest = committed.find(({ commit }) => commit?.['undone'] !== true);
  return newest === undefined ? [] : [`sluice undo ${newest.runId} takes back the newest committed run`];
}

function question(names: string, { runs, tables }: Undo): string {
  const later = new Set(tables.flatMap(({ restoration }) => restoration.later)).size;
  const many = later > 0 ? ` and ${formatCountOf(later, 'later commit')}` : '';
  const rows = tables.reduce((sum, { restoration }) => sum + Number(restoration.to?.summary['total-records'] ?? 0), 0);
  const together = tables.length === 1 ? 'It' : 'Together they';
  return `Take run ${runs.at(-1)?.runId ?? ''}${many} back out of ${names}? ${together} will hold ${formatCountOf(rows, 'row')}.`;
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

async function report(context: CommandContext, run: RunRecord, names: string, undo: Undo): Promise<void> {
  const [first] = undo.tables;
  const times = undo.tables.flatMap(({ restoration }) => restoration.reachesBackTo ?? []);
  const reachesBackTo = times.length === 0 ? undefined : Math.max(...times);
  const runs = undo.runs.map((other) => other.runId);
  const restored = ({ restoration }: UndoneTable): string | null => (restoration.to ? String(restoration.to['snapshot-id']) : null);
  if (context.out.json) {
    return context.out.printJson({
      event: 'undo',
      run_id: run.runId,
      table: names,
      tables: undo.tables.map((table) => ({ table: formatTableName(table.name), restored_snapshot: restored(table) })),
      undone_runs: runs,
      restored_snapshot: first ? restored(first) : null,
      reaches_back_to: reachesBackTo === undefined ? null : new Date(reachesBackTo).toISOString(),
    });
  }
  const pipelines = [...new Set(undo.runs.map((r) => r.key.pipeline))].join(', ');
  for (const { name, restoration } of undo.tables) {
    const before = restoration.to ? `is as of ${formatTime(restoration.to['timestamp-ms'])} UTC` : 'is empty, as before the run';
    context.out.say(`${formatTableName(name)} ${before}, and so is the state of ${pipelines}`);
  }
  if (runs.length > 1) context.out.say(`taken back: ${runs.join(', ')}`);
  for (const table of undo.keptRejects) context.out.say(`rejects of these runs stay in ${table}, because later ones came after them`);
  if (reachesBackTo !== undefined) context.out.say(`snapshots reach back to ${formatTime(reachesBackTo)} UTC`);
}
