import { SluiceError } from '../../core/spi/index.js';
import type { DroppedTable } from '../../metastore/types.js';
import { formatTableName } from '../catalog/table-name.js';
import type { TableMetadata } from '../table/model.js';
import { retentionOf } from '../write/expire-snapshots.js';
import { reachableFiles } from './reachable-files.js';
import type { DroppedUpkeep, Problem } from './report.js';
import type { MaintainTools } from './settings.js';

/**
 * Gives up dropped tables whose snapshot period is over: their files become garbage that is due, in the transaction that forgets
 * the table, so that neither a crash nor an `undrop` at the same moment loses anything. Files outside the table's folder stay.
 */
export async function forgetDropped(tools: MaintainTools, dryRun: boolean): Promise<readonly DroppedUpkeep[]> {
  const all: DroppedUpkeep[] = [];
  for (const dropped of await tools.metastore.catalog.listDropped()) {
    const label = { table: formatTableName(dropped), tableUuid: dropped.tableUuid };
    try {
      const forgotten = await forgetOne(tools, dropped, dryRun);
      if (forgotten) all.push({ ...label, ...forgotten });
    } catch (error) {
      all.push({ ...label, files: 0, problem: problemOf(error) });
    }
  }
  return all;
}

async function forgetOne(
  tools: MaintainTools,
  dropped: DroppedTable,
  dryRun: boolean,
): Promise<Pick<DroppedUpkeep, 'location' | 'files'> | undefined> {
  const { metastore, clock } = tools;
  const table = await tools.reader.metadata(dropped.metadataLocation);
  if (clock.now() - dropped.droppedAt <= retentionOf(table, tools.retention).maxAge) return undefined;
  const files = [...(await reachableFiles(tools.reader, dropped.metadataLocation, table))].filter((uri) => uri.startsWith(`${table.location}/`));
  if (await sharesLocation(tools, table)) return undefined;
  const found = { location: table.location, files: files.length };
  if (dryRun) return found;
  const forgotten = await metastore.transaction(async (tx) => {
    if (!(await metastore.catalog.forgetDropped(tx, dropped.tableUuid))) return false;
    await metastore.catalog.recordGarbage(tx, files, clock.now());
    return true;
  });
  return forgotten ? found : undefined;
}

/** Once the files are deleted: the folders that held nothing else. */
export async function removeEmptyFolders(tools: MaintainTools, dropped: readonly DroppedUpkeep[]): Promise<void> {
  for (const { location } of dropped) {
    if (location === undefined) continue;
    const first = await tools.storage.list(location)[Symbol.asyncIterator]().next();
    if (first.done) await tools.storage.deleteFolder(location);
  }
}

/** Another engine may have registered the same files under a second name. */
async function sharesLocation(tools: MaintainTools, table: TableMetadata): Promise<boolean> {
  for (const pointer of await tools.metastore.catalog.listTables()) {
    if (pointer.icebergType !== null && pointer.icebergType !== 'TABLE') continue;
    const other = await tools.reader.metadata(pointer.metadataLocation);
    if (
      other['table-uuid'] === table['table-uuid'] ||
      `${other.location}/`.startsWith(`${table.location}/`) ||
      `${table.location}/`.startsWith(`${other.location}/`)
    )
      return true;
  }
  return false;
}

export function problemOf(error: unknown): Problem {
  if (!(error instanceof SluiceError)) throw error;
  return { code: error.code, message: error.message, ...(error.hint === undefined ? {} : { hint: error.hint }) };
}
