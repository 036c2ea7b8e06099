import { postgresqlDialect } from '../shared/postgresql/dialect.js';
import type { PostgresSession } from '../shared/postgresql/session.js';
import { quoteTable } from '../shared/sql/dialect.js';
import type { TablePlan } from '../shared/sql-output/table-plan.js';

/** A machine that has gone is noticed after half a minute instead of two hours: until then its rows and locks stay. */
const KEEPALIVE = 'SET tcp_keepalives_idle = 15; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3';

/** What is no plain table, or has a trigger, may do things that no ROLLBACK takes back. */
const UNSAFE = `
WITH RECURSIVE parts(id) AS (SELECT to_regclass($1)::oid UNION ALL SELECT i.inhrelid FROM pg_inherits i JOIN parts ON i.inhparent = parts.id)
SELECT c.oid::regclass FROM parts JOIN pg_class c ON c.oid = parts.id
WHERE c.relkind NOT IN ('r', 'p') OR EXISTS (SELECT 1 FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal) LIMIT 1`;

export async function refuseEarly(session: PostgresSession, { table, mode }: TablePlan): Promise<string | undefined> {
  await session.texts(KEEPALIVE, 'preparing the session');
  // Until the commit a merge fills a temporary table of its own.
  if (mode === 'merge') return undefined;
  const [row] = await session.query(UNSAFE, [quoteTable(postgresqlDialect, table)], 'looking for triggers');
  return row === undefined ? undefined : `${row[0]} has triggers or is a foreign table`;
}
