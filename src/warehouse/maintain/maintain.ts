import { ConfigError } from '../../core/spi/index.js';
import { formatTableName } from '../catalog/table-name.js';
import type { LoadedTable } from '../catalog/catalog.js';
import { removeGarbage } from '../write/remove-files.js';
import { compactTable } from './compact-table.js';
import { forgetDropped, problemOf, removeEmptyFolders } from './dropped-tables.js';
import { expireDue, mergeSmallManifests } from './expire.js';
import { discardLeftOvers } from './left-over-runs.js';
import { describeOrphans, findOrphans, removeOrphans, type FoundOrphans } from './orphans.js';
import { NO_COMPACTION, type MaintainReport, type Problem, type TableUpkeep } from './report.js';
import { retainRows } from './retain-rows.js';
import type { MaintainSqlTools } from './settings.js';

/** Bytes of input in one compaction commit. */
const COMMIT_BYTES = 1024 * 1024 * 1024;

export interface MaintainOptions {
  /** Default: all tables of the catalog. Dropped tables, dead runs and due files are looked after in any case. */
  readonly tables?: readonly string[];
  /** Say what would be done. Steps are judged one by one: what one would leave to the next is not counted. */
  readonly dryRun?: boolean;
  /** Also look for files that nothing names; they are deleted with `yes` only. */
  readonly orphans?: boolean;
  readonly yes?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * All upkeep of tables: expiry, retention, compaction, manifests; then dropped tables, dead runs and due files. A step that fails is
 * reported with its table, the others go on. Errors: ConfigError TABLE_MISSING, ORPHANS_YES, and those of `findOrphans`, before
 * anything is changed.
 */
export async function maintain(tools: MaintainSqlTools, options: MaintainOptions = {}): Promise<MaintainReport> {
  const dryRun = options.dryRun ?? false;
  if (options.yes && !options.orphans)
    throw new ConfigError({ code: 'ORPHANS_YES', message: '--yes confirms the removal of orphans', hint: 'give it together with --orphans' });
  const tables = await chosenTables(tools, options.tables);
  const orphans = options.orphans ? await findOrphans(tools, tables) : undefined;
  const done: TableUpkeep[] = [];
  for (const table of tables) {
    options.signal?.throwIfAborted();
    done.push(
      await maintainTable(
        tools,
        table,
        orphans?.find((o) => o.table === table),
        options,
      ),
    );
  }
  const dropped = await forgetDropped(tools, dryRun);
  const runs = await discardLeftOvers(tools, dryRun);
  const garbageFiles = await removeDue(tools, dryRun, options.signal);
  if (!dryRun) await removeEmptyFolders(tools, dropped);
  return { dryRun, tables: done, dropped, runs, garbageFiles };
}

async function chosenTables(tools: MaintainSqlTools, names: readonly string[] | undefined): Promise<readonly string[]> {
  if (names && names.length > 0) {
    const loaded = await Promise.all(names.map((name) => tools.catalog.loadTable(name)));
    return [...new Set(loaded.map((t) => formatTableName(t.name)))];
  }
  const pointers = await tools.catalog.listTables();
  return pointers.filter((t) => t.icebergType === null || t.icebergType === 'TABLE').map(formatTableName);
}

type Parts = { -readonly [key in keyof TableUpkeep]: TableUpkeep[key] };

async function maintainTable(
  tools: MaintainSqlTools,
  table: string,
  orphans: FoundOrphans | undefined,
  options: MaintainOptions,
): Promise<TableUpkeep> {
  const dryRun = options.dryRun ?? false;
  const signal = options.signal ? { signal: options.signal } : {};
  const notes: string[] = [];
  const problems: Problem[] = [];
  const result: Parts = { table, compaction: NO_COMPACTION, snapshotsExpired: 0, manifestsMerged: 0, notes, problems };
  const step = async (work: (loaded: LoadedTable) => Promise<void>): Promise<void> => {
    try {
      options.signal?.throwIfAborted();
      const loaded = await tools.catalog.findTable(table);
      if (loaded) await work(loaded);
    } catch (error) {
      options.signal?.throwIfAborted();
      problems.push(problemOf(error));
    }
  };
  await step(async (loaded) => {
    result.snapshotsExpired = await expireDue(tools, loaded, dryRun);
  });
  await step(async (loaded) => {
    const retention = await retainRows(tools, loaded, { dryRun, ...signal });
    if (retention) result.retention = retention;
  });
  await step(async (loaded) => {
    const compacted = await compactTable(tools, loaded, { maxBytes: COMMIT_BYTES, dryRun, ...signal });
    result.compaction = compacted.done;
    notes.push(...compacted.notes);
  });
  await step(async (loaded) => {
    result.manifestsMerged = await mergeSmallManifests(tools, loaded, dryRun);
  });
  if (orphans) {
    const remove = options.yes === true && !dryRun;
    await step(async () => {
      if (remove) await removeOrphans(tools, orphans);
      result.orphans = describeOrphans(orphans, remove);
    });
  }
  return result;
}

async function removeDue(tools: MaintainSqlTools, dryRun: boolean, signal: AbortSignal | undefined): Promise<number> {
  if (dryRun) return (await tools.metastore.catalog.dueGarbage(tools.clock.now(), Number.MAX_SAFE_INTEGER)).length;
  let total = 0;
  for (;;) {
    signal?.throwIfAborted();
    const removed = await removeGarbage(tools);
    if (removed === 0) return total;
    total += removed;
  }
}
