import { ConfigError, type ConfigPlace } from '../../core/spi/index.js';
import { postgresqlDialect } from '../shared/postgresql/dialect.js';
import type { PostgresSession } from '../shared/postgresql/session.js';
import { quoteTable } from '../shared/sql/dialect.js';
import { joinTableName } from '../shared/sql/table-names.js';

const DEPENDENTS = `
SELECT DISTINCT 'view ' || v.oid::regclass
FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass JOIN pg_class v ON v.oid = r.ev_class
WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = to_regclass($1) AND v.oid <> to_regclass($1)
UNION ALL
SELECT 'foreign key ' || conname || ' of ' || conrelid::regclass FROM pg_constraint
WHERE contype = 'f' AND confrelid = to_regclass($1) AND conrelid <> to_regclass($1)`;

/** Views and foreign keys would have to be dropped with the columns, or would keep them from being changed. */
export async function checkReplace(session: PostgresSession, table: readonly string[], place: ConfigPlace): Promise<void> {
  const rows = await session.query(DEPENDENTS, [quoteTable(postgresqlDialect, table)], `looking at ${joinTableName(table)}`);
  if (rows.length === 0) return;
  throw new ConfigError({
    code: 'TARGET_DEPENDENTS',
    message: `PostgreSQL ${session.place}: ${joinTableName(table)} cannot be replaced: it is needed by ${rows.map((row) => row[0]).join(', ')}`,
    hint: 'use mode truncate, which keeps the columns, or drop what depends on the table first',
    where: place.at('mode'),
  });
}
