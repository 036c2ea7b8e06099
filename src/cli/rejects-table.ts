import { quoteName, type RunRecord } from '../core/spi/index.js';
import { formatTableName, rejectsNameOf, splitTableName, type Warehouse } from '../warehouse/index.js';
import { findCurrentName } from './table-by-uuid.js';

/** Quoted name of the table that holds a committed run's rejects: beside its target, or `sluice_rejects.<pipeline>`; undefined: none. */
export async function findRejectsTable(warehouse: Warehouse, run: RunRecord): Promise<string | undefined> {
  const stored = run.commit?.['rejectsTable'];
  const target = typeof stored === 'string' ? undefined : await findCurrentName(warehouse, run);
  const name = typeof stored === 'string' ? splitTableName(stored) : target && rejectsNameOf(target);
  if (!name || !(await warehouse.catalog.findTable(formatTableName(name)))) return undefined;
  return quoteName([name.namespace, name.name]);
}
