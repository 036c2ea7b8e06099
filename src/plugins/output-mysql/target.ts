import type { PluginContext } from '../../core/spi/index.js';
import { openMysql, type MysqlSession } from '../shared/mysql/session.js';
import type { SqlConnectionSettings } from '../shared/sql/connection.js';
import type { TargetSession } from '../shared/sql-output/target-session.js';
import type { DatabaseConfig, TablePlan } from '../shared/sql-output/table-plan.js';
import { loadTable } from '../shared/sql-output/load-table.js';
import { checkReplace, engineOf, readTable } from './catalog.js';
import { openLedger } from './ledger.js';
import { loadSteps } from './load.js';
import { makeColumn } from './make-column.js';
import { refuseEarly } from './refuse-early.js';

type MysqlOutputConfig = DatabaseConfig & { readonly server_public_key?: string; readonly compress?: boolean };

/**
 * Errors instead of changed values wherever the server can; 0 is no request for the next number. Under NO_BACKSLASH_ESCAPES or
 * ANSI_QUOTES our own statements would mean something else.
 */
const SQL_MODE = 'STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,NO_AUTO_VALUE_ON_ZERO';

export async function openTarget(settings: SqlConnectionSettings, ctx: PluginContext, config: MysqlOutputConfig): Promise<TargetSession> {
  const session = await openMysql(settings, {
    root: ctx.root,
    signal: ctx.signal,
    ...(config.compress === undefined ? {} : { compress: config.compress }),
    ...(config.server_public_key === undefined ? {} : { serverPublicKey: config.server_public_key }),
  });
  try {
    await session.run(`SET SESSION sql_mode = '${SQL_MODE}', autocommit = 1, time_zone = '+00:00'`, 'preparing the session');
    // A merge must not meet rows that came between its two statements.
    await session.run('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ WRITE', 'preparing the session');
    return {
      server: `${session.product} ${session.version}`,
      make: (column, sqlType, keys) => makeColumn(session.product, column, sqlType, keys),
      readTable: (table) => readTable(session, table),
      async lastInLedger(table, key) {
        const ledger = openLedger(session, table);
        return (await ledger.exists()) ? ledger.last(key) : undefined;
      },
      async otherProject(table, key) {
        const ledger = openLedger(session, table);
        return (await ledger.exists()) ? ledger.otherProject(key) : undefined;
      },
      checkLedger: (table, place) => openLedger(session, table).check(place),
      checkReplace: (table, place) => checkReplace(session, table, place.at('mode')),
      weaknesses: (plan, given) => weaknesses(session, plan, given),
      load: (job) => loadTable(loadSteps(session, openLedger(session, job.plan.table), job), job),
      refuseEarly: (plan, run) => refuseEarly(session, plan, run.asksTable),
      end: () => session.end(),
    };
  } catch (error) {
    await session.end();
    throw error;
  }
}

/** First words of statements that commit what was before them (manual, "Statements That Cause an Implicit Commit"). */
const COMMITS =
  /^\s*(?:alter|analyze|begin|cache|change|check|commit|create|drop|flush|grant|import|install|load\s+index|lock|optimize|rename|repair|reset|revoke|rollback|start|stop|truncate|uninstall|unlock)\b/i;

async function weaknesses(
  session: MysqlSession,
  plan: Pick<TablePlan, 'table' | 'mode' | 'exists'>,
  config: DatabaseConfig,
): Promise<readonly string[]> {
  const notes: string[] = [];
  const engine = plan.exists ? await engineOf(session, plan.table) : 'InnoDB';
  if (engine !== undefined && engine !== 'InnoDB') {
    notes.push(`the table's engine is ${engine}, which has no transactions: a run that is cut off and repeated may leave rows twice`);
  }
  if (plan.mode === 'replace' && plan.exists)
    notes.push('replace is at least once here, converging: the new table takes the place of the old one (RENAME) just before the run is recorded');
  for (const key of ['before_load', 'after_load'] as const) {
    const sql = config[key];
    if (sql === undefined) continue;
    if (plan.mode === 'replace' && plan.exists) notes.push(`${key} is not undone when the run fails: RENAME commits by itself`);
    else if (COMMITS.test(sql))
      notes.push(
        key === 'before_load'
          ? 'before_load commits by itself: it is not undone when the run fails, and is repeated with the run'
          : 'after_load commits by itself, with it the rows and their record: when it fails they stay, and it is not repeated',
      );
  }
  const [durable] = await session.texts('SELECT @@innodb_flush_log_at_trx_commit', 'looking at the settings of the server');
  if (durable?.[0] !== '1')
    notes.push('innodb_flush_log_at_trx_commit of the server is not 1: when it crashes it may forget the last commits, rows and their record alike');
  return notes;
}
