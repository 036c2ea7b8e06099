import { createHash } from 'node:crypto';
import { mysqlDialect } from '../shared/mysql/dialect.js';
import type { MysqlSession } from '../shared/mysql/session.js';
import { quoteTable } from '../shared/sql/dialect.js';
import { joinTableName } from '../shared/sql/table-names.js';
import type { LoadJob } from '../shared/sql-output/table-plan.js';
import type { TargetColumn } from '../shared/sql-output/target-column.js';

const q = (name: string): string => mysqlDialect.quoteIdentifier(name);

/** ER_DUP_FIELDNAME. */
const DUPLICATE_COLUMN = 1060;

/** The table that takes the place of another one. */
export interface Replacement {
  /** Quoted. */
  readonly table: string;
  /** Quoted name that the old table has for a moment. */
  readonly old: string;
}

/** Makes the table or its new columns, or the table that will replace it. Every statement here commits by itself, and may be repeated. */
export async function prepareTable(session: MysqlSession, job: LoadJob): Promise<Replacement | undefined> {
  const { plan, config } = job;
  const table = quoteTable(mysqlDialect, plan.table);
  const name = joinTableName(plan.table);
  const fresh = plan.columns.filter((column) => column.isNew).map(({ target }) => target);
  if (!plan.exists) {
    const columns = plan.columns.map(({ target }) => definition(target));
    const constraint =
      config.create_table_constraint ?? (plan.keys.keys.length === 0 ? undefined : `PRIMARY KEY (${plan.keys.keys.map(q).join(', ')})`);
    const inner = [...columns, ...(constraint === undefined ? [] : [constraint])].join(', ');
    const options = config.create_table_option ?? 'ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4';
    await session.run(`CREATE TABLE IF NOT EXISTS ${table} (${inner}) ${options}`, `making ${name}`);
    return undefined;
  }
  if (plan.mode !== 'replace') {
    if (fresh.length > 0) await addColumns(session, plan.table, fresh);
    return undefined;
  }
  // Left by a run that was cut off, these are dropped by the next one.
  const [database = '', relation = ''] = plan.table;
  const { project, pipeline, stream, target } = job.run.key;
  // Another pipeline may replace the same table at the same time.
  const hash = createHash('sha256')
    .update(JSON.stringify([relation, project, pipeline, stream, target]))
    .digest('hex')
    .slice(0, 12);
  const replacement = {
    table: quoteTable(mysqlDialect, [database, `sluice_new_${hash}`]),
    old: quoteTable(mysqlDialect, [database, `sluice_old_${hash}`]),
  };
  await session.run(`DROP TABLE IF EXISTS ${replacement.table}, ${replacement.old}`, `replacing ${name}`);
  await session.run(`CREATE TABLE ${replacement.table} LIKE ${table}`, `replacing ${name}`);
  // Each by itself, the last first: a column that another is computed from cannot go in the same statement.
  for (const column of await computedColumns(session, plan.table)) {
    await session.run(`ALTER TABLE ${replacement.table} DROP COLUMN ${q(column)}`, `replacing ${name}`);
  }
  const known = await existingColumns(session, [database, `sluice_new_${hash}`]);
  const changes = [
    ...plan.dropped.filter((column) => known.has(column.toLowerCase())).map((column) => `DROP COLUMN ${q(column)}`),
    ...fresh.map((column) => `${known.has(column.name.toLowerCase()) ? 'MODIFY' : 'ADD'} COLUMN ${definition(column)}`),
  ];
  if (changes.length > 0) await session.run(`ALTER TABLE ${replacement.table} ${changes.join(', ')}`, `replacing ${name}`);
  return replacement;
}

/** In one step for all readers. Grants belong to the name and stay. */
export async function replaceTable(session: MysqlSession, table: readonly string[], { table: fresh, old }: Replacement): Promise<void> {
  const name = quoteTable(mysqlDialect, table);
  await session.run(`RENAME TABLE ${name} TO ${old}, ${fresh} TO ${name}`, `replacing ${joinTableName(table)}`);
  await session.run(`DROP TABLE ${old}`, `replacing ${joinTableName(table)}`);
}

/** Another session may add some of them while this one waits for the table; the server has no IF NOT EXISTS here. */
async function addColumns(session: MysqlSession, table: readonly string[], columns: readonly TargetColumn[]): Promise<void> {
  for (let seen = -1; ;) {
    const known = await existingColumns(session, table);
    const missing = columns.filter((column) => !known.has(column.name.toLowerCase()));
    if (missing.length === 0) return;
    const added = missing.map((column) => `ADD COLUMN ${definition(column)}`).join(', ');
    try {
      await session.run(`ALTER TABLE ${quoteTable(mysqlDialect, table)} ${added}`, `changing ${joinTableName(table)}`);
      return;
    } catch (error) {
      const { cause } = error as { cause?: { errno?: unknown } };
      // Each turn must have found one column more.
      if (cause?.errno !== DUPLICATE_COLUMN || missing.length === seen) throw error;
      seen = missing.length;
    }
  }
}

async function computedColumns(session: MysqlSession, table: readonly string[]): Promise<readonly string[]> {
  const [database = '', relation = ''] = table.map((part) => mysqlDialect.quoteLiteral(part));
  const rows = await session.texts(
    `SELECT column_name FROM information_schema.columns WHERE table_schema = ${database} AND table_name = ${relation} AND generation_expression <> '' ORDER BY ordinal_position DESC`,
    `looking at ${joinTableName(table)}`,
  );
  return rows.map((row) => row[0] ?? '');
}

async function existingColumns(session: MysqlSession, table: readonly string[]): Promise<ReadonlySet<string>> {
  const [database = '', relation = ''] = table.map((part) => mysqlDialect.quoteLiteral(part));
  const rows = await session.texts(
    `SELECT column_name FROM information_schema.columns WHERE table_schema = ${database} AND table_name = ${relation}`,
    `looking at ${joinTableName(table)}`,
  );
  return new Set(rows.map((row) => (row[0] ?? '').toLowerCase()));
}

/** Without a word a TIMESTAMP may get a default, and a value for every NULL. */
function definition({ name, sqlType, nullable }: TargetColumn): string {
  const said = /\bnull\b|\bprimary key\b|\bgenerated\b/i.test(sqlType);
  return `${q(name)} ${sqlType}${said ? '' : nullable ? ' NULL' : ' NOT NULL'}`;
}
