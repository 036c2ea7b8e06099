import type { CursorColumn } from '../sql/dialect.js';
import type { TableFacts } from '../sql/guess.js';
import { joinTableName, type FoundTable } from '../sql/table-names.js';
import { cursorKind, mysqlDialect } from './dialect.js';
import type { MysqlSession, TextRow } from './session.js';

export interface MysqlTable extends FoundTable {
  readonly kind: 'table' | 'view' | 'other';
  /** `InnoDB`; undefined for views. */
  readonly engine: string | undefined;
  /** The server's estimate. */
  readonly rows: number | undefined;
}

const SELECT = 'SELECT table_schema, table_name, table_type, engine, table_rows FROM information_schema.tables';
const SYSTEM = ['information_schema', 'mysql', 'performance_schema', 'sys'];

/** Tables and views that the user can see, by schema and name. */
export async function listTables(session: MysqlSession): Promise<readonly MysqlTable[]> {
  const where = `table_schema NOT IN (${SYSTEM.map(literal).join(', ')})`;
  return (await session.texts(`${SELECT} WHERE ${where} ORDER BY 1, 2`, 'listing tables')).map(readTable);
}

/** A table by its name's parts, looked for in the session's database where they name none. */
export async function findTable(session: MysqlSession, parts: readonly string[]): Promise<MysqlTable | undefined> {
  const [name = '', schema] = [...parts].reverse();
  const where = `table_name = ${literal(name)} AND table_schema = ${schema === undefined ? 'DATABASE()' : literal(schema)}`;
  return (await session.texts(`${SELECT} WHERE ${where}`, `looking up ${joinTableName(parts)}`)).map(readTable)[0];
}

function readTable([schema, name, type, engine, rows]: TextRow): MysqlTable {
  return {
    schema: schema ?? '',
    name: name ?? '',
    kind: type === 'BASE TABLE' ? 'table' : type === 'VIEW' ? 'view' : 'other',
    engine: engine ?? undefined,
    rows: rows === null || rows === undefined ? undefined : Number(rows),
  };
}

/** Columns and primary key of a table. */
export async function readTableFacts(session: MysqlSession, table: MysqlTable): Promise<TableFacts> {
  const doing = `looking up ${table.schema}.${table.name}`;
  const where = `table_schema = ${literal(table.schema)} AND table_name = ${literal(table.name)}`;
  const columns = await session.texts(
    `SELECT column_name, column_type, is_nullable FROM information_schema.columns WHERE ${where} ORDER BY ordinal_position`,
    doing,
  );
  const key = await session.texts(
    `SELECT column_name FROM information_schema.statistics WHERE ${where} AND index_name = 'PRIMARY' ORDER BY seq_in_index`,
    doing,
  );
  return {
    name: joinTableName([table.schema, table.name]),
    columns: columns.map(([name, type, nullable]): CursorColumn => {
      const sqlType = type ?? '';
      return { name: name ?? '', sqlType, kind: cursorKind(sqlType), nullable: nullable !== 'NO' };
    }),
    primaryKey: key.map(([name]) => name ?? ''),
    rows: table.rows,
  };
}

function literal(text: string): string {
  return mysqlDialect.quoteLiteral(text);
}
