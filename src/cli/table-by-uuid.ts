import type { RunRecord } from '../core/spi/index.js';
import { formatTableName, splitTableName, type TableName, type Warehouse } from '../warehouse/index.js';

/** The name now of the table that a run committed into; undefined when it was dropped. Renames and swaps move it. */
export async function findCurrentName(warehouse: Warehouse, run: RunRecord): Promise<TableName | undefined> {
  const uuid = run.commit?.['tableUuid'];
  return findTableNow(warehouse, run.targetName, typeof uuid === 'string' ? uuid : undefined);
}

/** The name now of a table that had this name once; undefined when it was dropped. */
export async function findTableNow(warehouse: Warehouse, then: string, uuid: string | undefined): Promise<TableName | undefined> {
  if (uuid === undefined) return splitTableName(then);
  const named = await warehouse.catalog.findTable(then);
  if (named?.metadata['table-uuid'] === uuid) return named.name;
  for (const pointer of await warehouse.catalog.listTables()) {
    if (pointer.icebergType === 'VIEW') continue;
    const table = await warehouse.catalog.findTable(formatTableName(pointer));
    if (table?.metadata['table-uuid'] === uuid) return table.name;
  }
  return undefined;
}
