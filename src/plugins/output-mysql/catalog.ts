import { ConfigError } from '../../core/spi/index.js';
import { mysqlDialect } from '../shared/mysql/dialect.js';
import type { MysqlSession } from '../shared/mysql/session.js';
import { findTable, readTableFacts } from '../shared/mysql/tables.js';
import { joinTableName } from '../shared/sql/table-names.js';
import type { TargetTable } from '../shared/sql-output/target-column.js';
import { familyOf } from './families.js';

const literal = (text: string): string => mysqlDialect.quoteLiteral(text);

/** The table as the server describes it, or undefined when there is none. */
export async function readTable(session: MysqlSession, parts: readonly string[]): Promise<TargetTable | undefined> {
  const name = joinTableName(parts);
  const table = await findTable(session, parts);
  if (table === undefined) return undefined;
  if (table.kind !== 'table') {
    throw new ConfigError({
      code: 'TARGET_NOT_TABLE',
      message: `${session.product} ${session.place}: ${name} is not a table`,
      hint: 'name a table; a view cannot be loaded',
    });
  }
  const doing = `looking at ${name}`;
  const where = `table_schema = ${literal(table.schema)} AND table_name = ${literal(table.name)}`;
  const columns = await session.texts(
    `SELECT column_name, column_type, character_set_name, is_nullable, column_default IS NOT NULL OR extra LIKE '%auto_increment%', ` +
      `extra LIKE '%GENERATED' AND extra NOT LIKE '%DEFAULT_GENERATED%', column_name IN (SELECT column_name FROM information_schema.statistics WHERE ${where} AND sub_part IS NULL AND index_type <> 'FULLTEXT') ` +
      `FROM information_schema.columns WHERE ${where} ORDER BY ordinal_position`,
    doing,
  );
  const jsonTexts = session.product === 'MariaDB' ? await jsonChecked(session, where, doing) : new Set<string>();
  const facts = await readTableFacts(session, table);
  return {
    columns: columns.map(([column, columnType, charset, nullable, hasDefault, generated, bounded]) => ({
      name: column ?? '',
      sqlType: columnType ?? '',
      family: familyOf({ columnType: columnType ?? '', charset: charset ?? undefined, isJsonText: jsonTexts.has((column ?? '').toLowerCase()) }),
      nullable: nullable !== 'NO',
      hasDefault: hasDefault === '1',
      generated: generated === '1',
      bounded: bounded === '1',
    })),
    primaryKey: facts.primaryKey,
  };
}

/** Columns that MariaDB's JSON has made: texts with a check. */
async function jsonChecked(session: MysqlSession, where: string, doing: string): Promise<ReadonlySet<string>> {
  const checks = await session.texts(
    `SELECT check_clause FROM information_schema.check_constraints WHERE ${where.replace('table_schema', 'constraint_schema')}`,
    doing,
  );
  return new Set(
    checks.flatMap(([clause]) => {
      const [, column] = /^json_valid\(`((?:[^`]|``)+)`\)$/i.exec(clause ?? '') ?? [];
      return column === undefined ? [] : [column.replaceAll('``', '`').toLowerCase()];
    }),
  );
}

/** The table's storage engine, e.g. `InnoDB`. */
export async function engineOf(session: MysqlSession, parts: readonly string[]): Promise<string | undefined> {
  return (await findTable(session, parts))?.engine;
}

/** Foreign keys from and to the table, and its triggers: none of them survives a RENAME of another table into its place. */
export async function checkReplace(session: MysqlSession, parts: readonly string[], where: ConfigError['where']): Promise<void> {
  const [schema = '', table = ''] = parts;
  const [s, t] = [literal(schema), literal(table)];
  const rows = await session.texts(
    `SELECT DISTINCT CONCAT('foreign key ', constraint_name, ' of ', table_schema, '.', table_name) FROM information_schema.key_column_usage ` +
      `WHERE (referenced_table_schema = ${s} AND referenced_table_name = ${t}) OR (table_schema = ${s} AND table_name = ${t} AND referenced_table_name IS NOT NULL) ` +
      `UNION ALL SELECT CONCAT('trigger ', trigger_name) FROM information_schema.triggers WHERE event_object_schema = ${s} AND event_object_table = ${t}`,
    `looking at ${joinTableName(parts)}`,
  );
  if (rows.length === 0) return;
  throw new ConfigError({
    code: 'TARGET_DEPENDENTS',
    message: `${session.product} ${session.place}: ${joinTableName(parts)} cannot be replaced: it would lose ${rows.map((row) => row[0]).join(', ')}`,
    hint: 'use mode truncate, which keeps the table, or drop what depends on it first',
    where,
  });
}
