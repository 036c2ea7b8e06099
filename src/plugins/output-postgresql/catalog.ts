import { ConfigError } from '../../core/spi/index.js';
import type { PostgresSession } from '../shared/postgresql/session.js';
import { joinTableName } from '../shared/sql/table-names.js';
import type { TargetTable } from '../shared/sql-output/target-column.js';
import { familyOf } from './column-types.js';

const COLUMNS = `
SELECT a.attname, format_type(a.atttypid, a.atttypmod),
  CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) ELSE format_type(a.atttypid, a.atttypmod) END,
  a.attnotnull OR t.typnotnull,
  (a.atthasdef AND a.attgenerated = '') OR a.attidentity <> '',
  a.attgenerated <> '' OR a.attidentity = 'a',
  (SELECT json_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid)::text,
  EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary AND a.attnum = ANY (i.indkey)),
  c.relkind
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
WHERE n.nspname = $1 AND c.relname = $2
ORDER BY a.attnum`;

/** The table as the server describes it, or undefined when there is none. */
export async function readTable(session: PostgresSession, table: readonly string[]): Promise<TargetTable | undefined> {
  const name = joinTableName(table);
  const [schema = '', relation = ''] = table;
  const rows = await session.query(COLUMNS, [schema, relation], `looking at ${name}`);
  const kind = rows[0]?.[8];
  if (kind === undefined) return undefined;
  if (kind !== 'r' && kind !== 'p') {
    throw new ConfigError({
      code: 'TARGET_NOT_TABLE',
      message: `PostgreSQL ${session.place}: ${name} is not a table (relkind ${String(kind)})`,
      hint: 'name a table; views and foreign tables cannot take a COPY',
    });
  }
  return {
    columns: rows.map(([column, sqlType, base, notNull, hasDefault, generated, labels]) => ({
      name: column ?? '',
      sqlType: sqlType ?? '',
      family: familyOf(base ?? '', labels === null || labels === undefined ? undefined : (JSON.parse(labels) as string[])),
      nullable: notNull !== 't',
      hasDefault: hasDefault === 't',
      generated: generated === 't',
    })),
    primaryKey: rows.filter((row) => row[7] === 't').map((row) => row[0] ?? ''),
  };
}
