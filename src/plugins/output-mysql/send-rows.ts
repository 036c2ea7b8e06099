import { Readable } from 'node:stream';
import { RemoteError } from '../../core/spi/index.js';
import { mysqlDialect } from '../shared/mysql/dialect.js';
import type { MysqlSession } from '../shared/mysql/session.js';
import { joinTableName } from '../shared/sql/table-names.js';
import type { LoadJob } from '../shared/sql-output/table-plan.js';
import { assertRowCount } from '../shared/sql-output/load-table.js';
import { DELETE_MARK } from '../shared/sql-output/merge-sql.js';
import type { PlannedTargetColumn } from '../shared/sql-output/plan-columns.js';
import { fieldExpression } from './csv-column.js';
import { insertRows } from './insert-rows.js';
import { refuseChanges } from './refuse-changes.js';

const q = (name: string): string => mysqlDialect.quoteIdentifier(name);

/** Sends the spooled rows into `table` (quoted), and demands of the server that it took each of them unchanged. */
export async function sendRows(session: MysqlSession, table: string, columns: readonly PlannedTargetColumn[], job: LoadJob): Promise<void> {
  if (!job.early && (await job.sent).rows === 0) return;
  const [setting] = await session.texts('SELECT @@local_infile', 'looking at the settings of the server');
  if (setting?.[0] === '1' || setting?.[0] === 'ON') await loadFiles(session, table, columns, job);
  else await insertRows(session, table, columns, job);
}

/** Says what the server did with the rows: `Records: 3  Deleted: 0  Skipped: 0  Warnings: 0`. */
const INFO = /^Records: (\d+)\s+Deleted: (\d+)\s+Skipped: (\d+)\s+Warnings: (\d+)/;

async function loadFiles(session: MysqlSession, table: string, columns: readonly PlannedTargetColumn[], job: LoadJob): Promise<void> {
  const doing = `loading into ${joinTableName(job.plan.table)}`;
  const variables = columns.map(({ target }, i) => ({ name: q(target.name), field: `@f${i}`, sql: fieldExpression(`@f${i}`, target) }));
  const list = [
    ...variables.map(({ name, field, sql }) => (sql === undefined ? name : field)),
    ...(job.plan.deleteColumn === undefined ? [] : [q(DELETE_MARK)]),
  ];
  const sets = variables.flatMap(({ name, sql }) => (sql === undefined ? [] : [`${name} = ${sql}`]));
  // Of a source that fails midway the server takes the first part, which is rolled back.
  const source = Readable.from(job.bytes(), { objectMode: false, highWaterMark: 1 << 20 });
  const statement =
    `LOAD DATA LOCAL INFILE 'sluice' INTO TABLE ${table} CHARACTER SET utf8mb4 FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '"' ESCAPED BY '' ` +
    `LINES TERMINATED BY '\\n' (${list.join(', ')})${sets.length === 0 ? '' : ` SET ${sets.join(', ')}`}`;
  const { info } = await session.run(statement, doing, { infileStreamFactory: () => source }).finally(() => source.destroy());
  const [, records, , skipped, warnings] = (INFO.exec(info ?? '') ?? []).map(Number);
  if (records === undefined) {
    throw new RemoteError({
      code: 'SQL_FAILED',
      message: `${session.product} ${session.place}: ${doing}: expected the counts of the rows, found ${JSON.stringify(info)}`,
      hint: 'check for a proxy that changes the answers of the server',
      retryable: false,
    });
  }
  if (warnings !== 0 || skipped !== 0) await refuseChanges(session, job, { skipped: skipped ?? 0, warnings: warnings ?? 0 });
  await assertRowCount(records, job);
}
