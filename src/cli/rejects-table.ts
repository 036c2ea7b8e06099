import { quoteName, type RunRecord } from '../core/spi/index.js';
import { formatTableName, rejectsNameOf, splitTableName, type Warehouse } from '../warehouse/index.js';
import { findCurrentName } from './table-by-uuid.js';

/** How the kept records are shown: name and DuckDB type of each column. */
export const REJECT_COLUMNS: readonly { readonly name: string; readonly type: string }[] = [
  { name: 'source', type: 'VARCHAR' },
  { name: 'record_number', type: 'BIGINT' },
  { name: 'byte_offset', type: 'BIGINT' },
  { name: 'column_name', type: 'VARCHAR' },
  { name: 'reason', type: 'VARCHAR' },
  { name: 'raw', type: 'VARCHAR' },
];

/** Quoted name of the table that holds a committed run's rejects: beside its target, or `sluice_rejects.<pipeline>`; undefined: none. */
export async function findRejectsTable(warehouse: Warehouse, run: RunRecord): Promise<string | undefined> {
  const stored = run.commit?.['rejectsTable'];
  const target = typeof stored === 'string' ? undefined : await findCurrentName(warehouse, run);
  const name = typeof stored === 'string' ? splitTableName(stored) : target && rejectsNameOf(target);
  if (!name || !(await warehouse.catalog.findTable(formatTableName(name)))) return undefined;
  return quoteName([name.namespace, name.name]);
}
