import { type PluginContext } from '../../core/spi/index.js';
import { openPostgres } from '../shared/postgresql/session.js';
import type { SqlConnectionSettings } from '../shared/sql/connection.js';
import type { TargetSession } from '../shared/sql-output/target-session.js';
import { loadTable } from '../shared/sql-output/load-table.js';
import { readTable } from './catalog.js';
import { makeColumn } from './column-types.js';
import { checkReplace } from './dependents.js';
import { openLedger } from './ledger.js';
import { loadSteps } from './load.js';
import { refuseEarly } from './refuse-early.js';

/** Times and numbers travel as text: the session must read them as they are meant. A commit that the server may forget is none. */
const SETTINGS = `SET client_encoding = 'UTF8'; SET datestyle = 'ISO, YMD'; SET intervalstyle = 'iso_8601'; SET timezone = 'UTC'; SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET standard_conforming_strings = on; SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'`;

export async function openTarget(settings: SqlConnectionSettings, ctx: PluginContext): Promise<TargetSession> {
  const session = await openPostgres(settings, { root: ctx.root, signal: ctx.signal });
  try {
    const options = Object.entries(settings.options).map(
      ([name, value]) => session.client.escapeIdentifier(name) + ` = ${session.client.escapeLiteral(String(value))}`,
    );
    await session.texts([SETTINGS, ...options.map((option) => `SET ${option}`)].join('; '), 'preparing the session');
    const [version] = await session.texts('SHOW server_version', 'asking for the version');
    return {
      server: `PostgreSQL ${/^\S+/.exec(version?.[0] ?? '')?.[0] ?? ''}`,
      make: makeColumn,
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
      checkReplace: (table, place) => checkReplace(session, table, place),
      weaknesses: () => Promise.resolve([]),
      load: (job) => loadTable(loadSteps(session, openLedger(session, job.plan.table), job), job),
      refuseEarly: (plan) => refuseEarly(session, plan),
      end: () => session.end(),
    };
  } catch (error) {
    await session.end();
    throw error;
  }
}
