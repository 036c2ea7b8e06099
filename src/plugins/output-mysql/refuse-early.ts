import { mysqlDialect } from '../shared/mysql/dialect.js';
import type { MysqlSession } from '../shared/mysql/session.js';
import type { TablePlan } from '../shared/sql-output/table-plan.js';
import { engineOf } from './catalog.js';

const literal = (text: string): string => mysqlDialect.quoteLiteral(text);
/** The server ends a session that it has heard nothing of for so long; until then its rows and locks stay. */
const PATIENCE_SECS = 60;

export async function refuseEarly(session: MysqlSession, { table, mode }: TablePlan, asksTable: boolean): Promise<string | undefined> {
  // They would not see what others commit after the transaction's first statement.
  if (asksTable) return 'checks of the table are asked';
  const engine = await engineOf(session, table);
  if (engine !== 'InnoDB') return `the engine ${engine} has no transactions`;
  const [settings] = await session.texts('SELECT @@local_infile, @@innodb_autoinc_lock_mode', 'looking at the settings of the server');
  if (settings?.[0] !== '1' && settings?.[0] !== 'ON') return 'local_infile is off';
  await session.run(`SET SESSION net_read_timeout = ${PATIENCE_SECS}, wait_timeout = ${PATIENCE_SECS}`, 'preparing the session');
  // Until the commit a merge fills a temporary table of its own.
  if (mode === 'merge') return undefined;
  const [database = '', relation = ''] = table.map(literal);
  const [found] = await session.texts(
    `SELECT EXISTS (SELECT 1 FROM information_schema.triggers WHERE event_object_schema = ${database} AND event_object_table = ${relation}), ` +
      `EXISTS (SELECT 1 FROM information_schema.columns WHERE table_schema = ${database} AND table_name = ${relation} AND extra LIKE '%auto_increment%')`,
    'looking for triggers',
  );
  if (found?.[0] !== '0') return 'the table has triggers';
  // A lock that lasts as long as the statement.
  if (found[1] !== '0' && settings[1] !== '2') return 'others could not add rows to a table with AUTO_INCREMENT meanwhile';
  return undefined;
}
