import { DataError } from '../../core/spi/index.js';
import type { MysqlSession } from '../shared/mysql/session.js';
import { joinTableName } from '../shared/sql/table-names.js';
import type { LoadJob } from '../shared/sql-output/table-plan.js';

/** LOCAL makes warnings of errors and stores other values, or none. To be called at once: any other statement forgets them. */
export async function refuseChanges(
  session: MysqlSession,
  { plan }: LoadJob,
  found: { readonly skipped: number; readonly warnings: number },
): Promise<never> {
  const shown = await session.texts('SHOW WARNINGS LIMIT 5', 'asking for warnings');
  const counts = [...(found.skipped > 0 ? [`${found.skipped} rows were left out`] : []), `${found.warnings} warnings`].join(', ');
  throw new DataError({
    code: 'TARGET_CHANGED_VALUES',
    message: `${joinTableName(plan.table)}: the server would not store the rows as they are (${counts}): ${shown.map((row) => row[2] ?? '').join('; ')}`,
    hint: 'nothing was committed; a key that stands twice needs mode merge, a value that does not fit another column type or a filter',
  });
}
