import { RemoteError, type TaskContext } from '../../core/spi/index.js';
import { mysqlDialect } from '../shared/mysql/dialect.js';
import type { MysqlSession } from '../shared/mysql/session.js';
import { quoteTable } from '../shared/sql/dialect.js';
import { beginSnapshot } from './config.js';
import type { RangePlan } from './ranges.js';

const DOING = 'taking a snapshot';
const LOCK_WAIT_SECS = 10;

/**
 * Puts the sessions on one snapshot: while a lock keeps writers out, each begins its own, for milliseconds. Snapshots begun
 * side by side without a lock differ. False: this user may not lock, or a writer was in the way.
 */
export async function shareSnapshot(locker: MysqlSession, sessions: readonly MysqlSession[], plan: RangePlan, ctx: TaskContext): Promise<boolean> {
  await locker.run(`SET SESSION lock_wait_timeout = ${LOCK_WAIT_SECS}`, DOING);
  const table = quoteTable(mysqlDialect, [plan.schema, plan.table]);
  for (const lock of [`LOCK TABLES ${table} READ`, 'FLUSH TABLES WITH READ LOCK']) {
    try {
      await locker.run(lock, DOING);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      ctx.log.log('info', 'no lock for a common snapshot', { table: plan.table, reason: error.message });
      continue;
    }
    await Promise.all(sessions.map(beginSnapshot));
    await locker.run('UNLOCK TABLES', DOING);
    return true;
  }
  return false;
}

function isRefusal(error: unknown): error is RemoteError {
  return error instanceof RemoteError && (error.code === 'SQL_DENIED' || error.code === 'SQL_BUSY');
}
