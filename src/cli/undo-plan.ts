import { ConfigError, ConflictError, type JsonObject, type RunRecord } from '../core/spi/index.js';
import type { Metastore } from '../metastore/types.js';
import {
  formatTableName,
  planRestore,
  rejectsNameOf,
  restoreChange,
  runOf,
  splitTableName,
  type Restoration,
  type TableChange,
  type TableName,
  type Warehouse,
} from '../warehouse/index.js';
import { formatCount, formatTime } from './format.js';
import { findTableNow } from './table-by-uuid.js';

/** What taking a run back means: for every table it wrote, and with later commits for all that those wrote. */
export interface Undo {
  /** The run's own first. */
  readonly tables: readonly UndoneTable[];
  /** Tables and rejects; to be committed together. */
  readonly changes: readonly TableChange[];
  /** All runs that are taken back, newest first. */
  readonly runs: readonly RunRecord[];
  /** Rejects tables that stay as they are, because of runs that stay. */
  readonly keptRejects: readonly string[];
}

export interface UndoneTable {
  readonly name: TableName;
  readonly restoration: Restoration;
}

/** A table of a run's record. */
interface WrittenTable {
  readonly table: string;
  readonly uuid: string | undefined;
  /** It wrote rows there. */
  readonly wrote: boolean;
}

const REJECTS = '__rejects';
const SHOWN = 5;

/**
 * Plans to take a committed run back out of all tables it wrote, or refuses, naming the table or target in the way. Errors:
 * ConfigError UNDO_OUTSIDE, UNDO_TABLE_GONE, UNDO_NOTHING, UNDO_TOO_OLD, UNDO_DONE; ConflictError UNDO_LATER_COMMITS.
 */
export async function planUndo(warehouse: Warehouse, store: Metastore, run: RunRecord, withLater: boolean): Promise<Undo> {
  const runs = new Map([[run.runId, run]]);
  const tables = new Map<string, UndoneTable & { readonly runId: string }>();
  const open = [run];
  for (let next = open.pop(); next; next = open.pop()) {
    refuseOutside(next, run);
    for (const written of writtenBy(next)) {
      const found = await findUndone(warehouse, next, written);
      if (!found) continue;
      const { name, restoration } = found;
      if (next === run && !withLater) refuseLater(run, formatTableName(name), restoration);
      const known = tables.get(formatTableName(name));
      if (!known || restoration.undone.length > known.restoration.undone.length) tables.set(formatTableName(name), { ...found, runId: next.runId });
      for (const id of restoration.undone.flatMap((snapshot) => runOf(snapshot) ?? [])) {
        const other = runs.has(id) ? undefined : await store.getRun(id);
        if (!other) continue;
        runs.set(id, other);
        open.push(other);
      }
    }
  }
  if (tables.size === 0) throw nothingToUndo(run);
  const changes = [...tables.values()].map(({ name, runId, restoration }) => restoreChange(warehouse, name, runId, restoration));
  const rejects = await undoRejects(warehouse, [...tables.values()], [...runs.values()]);
  const newestFirst = [...runs.values()].sort((a, b) => (b.finishedAt ?? 0) - (a.finishedAt ?? 0) || b.startedAt - a.startedAt);
  return { tables: [...tables.values()], changes: [...changes, ...rejects.changes], runs: newestFirst, keptRejects: rejects.kept };
}

/** All tables of the warehouse in a run's record, rejects left out. */
function writtenBy(run: RunRecord): readonly WrittenTable[] {
  const all = tablesIn(run.commit ?? {}).filter(({ table }) => !table.endsWith(REJECTS));
  return all.length > 0 || run.commit?.['tables'] !== undefined || isList(run) ? all : [{ table: run.targetName, uuid: undefined, wrote: false }];
}

function tablesIn(facts: JsonObject): readonly WrittenTable[] {
  const { table, tableUuid, snapshotId, others, written } = facts;
  // Facts of tables that are named by values stand below, with their identities.
  if (written !== undefined) return tablesIn(written as JsonObject);
  const own =
    typeof table === 'string' ? [{ table, uuid: typeof tableUuid === 'string' ? tableUuid : undefined, wrote: snapshotId !== undefined }] : [];
  return [...own, ...(Array.isArray(others) ? (others as readonly JsonObject[]).flatMap(tablesIn) : [])];
}

function isList(run: RunRecord): boolean {
  return Array.isArray(run.commit?.['targets']);
}

/** Targets elsewhere have kept what they were given. */
function refuseOutside(run: RunRecord, asked: RunRecord): void {
  const targets = (isList(run) ? run.commit?.['targets'] : []) as readonly JsonObject[];
  const elsewhere = isList(run)
    ? targets.filter(({ type }) => type !== 'warehouse').map(({ type, name }) => `${String(type)} ${String(name)}`)
    : /^(?!tables:|new:)[a-z0-9_]+:/.test(run.key.target)
      ? [run.targetName]
      : [];
  if (elsewhere.length === 0) return;
  const later = run === asked ? '' : `, which came after run ${asked.runId},`;
  throw new ConfigError({
    code: 'UNDO_OUTSIDE',
    message: `run ${run.runId}${later} wrote to ${elsewhere.join(' and ')}, which cannot be undone; nothing was changed`,
    hint: 'undo takes back tables of the warehouse only; load the targets anew with a mode that replaces, or delete the rows there',
  });
}

async function findUndone(warehouse: Warehouse, run: RunRecord, { table, uuid, wrote }: WrittenTable): Promise<UndoneTable | undefined> {
  const name = await findTableNow(warehouse, table, uuid);
  const loaded = name && (await warehouse.catalog.findTable(formatTableName(name)));
  if (!loaded) {
    throw new ConfigError({
      code: 'UNDO_TABLE_GONE',
      message: `${table}, which run ${run.runId} wrote, is not there any more`,
      hint: `if it was dropped: sluice undrop ${table}`,
    });
  }
  const restoration = planRestore(loaded.name, loaded.metadata, run.runId);
  if (restoration) return { name: loaded.name, restoration };
  if (!wrote) return undefined;
  const times = loaded.metadata.snapshots.map((snapshot) => snapshot['timestamp-ms']);
  throw new ConfigError({
    code: 'UNDO_TOO_OLD',
    message: `${table}: the snapshot of run ${run.runId} has expired`,
    hint: times.length === 0 ? `${table} has no snapshots` : `snapshots of ${table} reach back to ${formatTime(Math.min(...times))} UTC`,
  });
}

function nothingToUndo(run: RunRecord): ConfigError {
  return new ConfigError({
    code: 'UNDO_NOTHING',
    message: `run ${run.runId} wrote no rows, so there is nothing to undo`,
    hint: `to make its pipeline read everything again: sluice state reset ${run.key.pipeline}`,
  });
}

function refuseLater(run: RunRecord, name: string, { later, reachesBackTo }: Restoration): void {
  if (later.length === 0) return;
  const list = later.map((s) => runOf(s) ?? `snapshot ${s['snapshot-id']} (${s.summary.operation})`);
  const shown = list.slice(0, SHOWN).join(', ') + (list.length > SHOWN ? ` and ${list.length - SHOWN} more` : '');
  throw new ConflictError({
    code: 'UNDO_LATER_COMMITS',
    message: `${name} was changed ${later.length === 1 ? 'once' : `${formatCount(later.length)} times`} after run ${run.runId}: ${shown}`,
    hint: `--with-later takes all of that back, too${reachesBackTo === undefined ? '' : `; snapshots reach back to ${formatTime(reachesBackTo)} UTC`}`,
  });
}

/** Rejects of the runs go with them, unless rejects of runs that stay came after them. */
async function undoRejects(
  warehouse: Warehouse,
  tables: readonly UndoneTable[],
  runs: readonly RunRecord[],
): Promise<{ readonly changes: readonly TableChange[]; readonly kept: readonly string[] }> {
  const names = new Set(tables.map(({ name }) => formatTableName(rejectsNameOf(name))));
  for (const run of runs) {
    for (const { table } of tablesIn(run.commit ?? {})) if (table.endsWith(REJECTS)) names.add(table);
    const apart = run.commit?.['rejectsTable'];
    if (typeof apart === 'string') names.add(apart);
  }
  const ids = new Set(runs.map((run) => run.runId));
  const changes: TableChange[] = [];
  const kept: string[] = [];
  for (const name of names) {
    const table = await warehouse.catalog.findTable(formatTableName(splitTableName(name)));
    if (!table) continue;
    const plans = runs.flatMap(({ runId }) => {
      const restoration = planRestore(table.name, table.metadata, runId);
      return restoration ? [{ runId, restoration }] : [];
    });
    const [deepest] = plans.sort((a, b) => b.restoration.undone.length - a.restoration.undone.length);
    if (!deepest) continue;
    if (deepest.restoration.later.some((snapshot) => !ids.has(runOf(snapshot) ?? ''))) kept.push(name);
    else changes.push(restoreChange(warehouse, table.name, deepest.runId, deepest.restoration));
  }
  return { changes, kept };
}
