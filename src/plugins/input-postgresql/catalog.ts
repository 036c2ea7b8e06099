import { ConfigError, didYouMean, type ConfigPlace } from '../../core/spi/index.js';
import { quoteTable, type CursorColumn } from '../shared/sql/dialect.js';
import { joinTableName, type FoundTable } from '../shared/sql/table-names.js';
import { postgresqlDialect } from '../shared/postgresql/dialect.js';
import type { PostgresSession } from '../shared/postgresql/session.js';
import type { PgColumn, TypeFacts } from './types.js';

const LOOKING = 'looking into the catalog';

export interface PgTable extends FoundTable {
  /** `pg_class.relkind`. */
  readonly kind: string;
  readonly oid: string;
  /** The planner's estimate; undefined: never analysed. */
  readonly rows: number | undefined;
  readonly primaryKey: readonly string[];
  /** Columns that the server keeps from being NULL. */
  readonly notNull: ReadonlySet<string>;
}

const TABLE_COLUMNS = `
  n.nspname, c.relname, c.relkind, c.oid,
  CASE WHEN c.reltuples >= 0 AND c.relkind <> 'v' THEN c.reltuples::numeric::text END,
  (SELECT json_agg(a.attname ORDER BY array_position(i.indkey::int2[], a.attnum)) FROM pg_index i
     JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey::int2[]) WHERE i.indrelid = c.oid AND i.indisprimary),
  (SELECT json_agg(a.attname) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull)`;

/** Tables, partitioned tables, views, materialised views, foreign tables. */
const READABLE = `c.relkind IN ('r', 'p', 'v', 'm', 'f')`;

function readTable(row: readonly (string | null)[]): PgTable {
  const [schema, name, kind, oid, rows, key, notNull] = row;
  const names = (json: string | null | undefined): string[] => (typeof json === 'string' ? (JSON.parse(json) as string[]) : []);
  return {
    schema: schema ?? '',
    name: name ?? '',
    kind: kind ?? '',
    oid: oid ?? '',
    rows: typeof rows === 'string' ? Number(rows) : undefined,
    primaryKey: names(key),
    notNull: new Set(names(notNull)),
  };
}

export async function findTable(session: PostgresSession, parts: readonly string[], place: ConfigPlace, key: string): Promise<PgTable> {
  const [row] = await session.query(
    `SELECT ${TABLE_COLUMNS} FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass($1) AND ${READABLE}`,
    [quoteTable(postgresqlDialect, parts)],
    LOOKING,
  );
  if (row !== undefined) return readTable(row);
  const known = await session.query(
    `SELECT CASE WHEN pg_table_is_visible(c.oid) THEN c.relname ELSE n.nspname || '.' || c.relname END
       FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE ${READABLE} AND n.nspname NOT IN ('pg_catalog', 'information_schema') LIMIT 1000`,
    [],
    LOOKING,
  );
  const name = joinTableName(parts);
  throw new ConfigError({
    code: 'SQL_NO_TABLE',
    message: `in.${key}: PostgreSQL ${session.place} has no table ${name}${didYouMean(
      name,
      known.map(([text]) => text ?? ''),
    )}`,
    hint: 'check the name, its schema (without one the search path counts) and the user’s rights; capitals count',
    where: place.at(key),
  });
}

/** Every table that this user may read, outside the server's own schemas. */
export async function listTables(session: PostgresSession): Promise<readonly PgTable[]> {
  const rows = await session.query(
    `SELECT ${TABLE_COLUMNS} FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE ${READABLE} AND NOT c.relispartition AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
        AND has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT')
      ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`,
    [],
    LOOKING,
  );
  return rows.map(readTable);
}

/** Columns of a SELECT with their types. */
export async function describeSelect(session: PostgresSession, select: string, doing: string): Promise<readonly PgColumn[]> {
  const fields = await session.describe(select, doing);
  const rows = await session.query(
    `SELECT t.typname, (n.nspname = 'pg_catalog')::text, t.typtype, t.typcategory, format_type(t.oid, f.modifier)
       FROM unnest($1::oid[], $2::int4[]) WITH ORDINALITY AS f(type, modifier, place)
       JOIN pg_type t ON t.oid = f.type JOIN pg_namespace n ON n.oid = t.typnamespace ORDER BY f.place`,
    [fields.map(({ dataTypeID }) => String(dataTypeID)), fields.map(({ dataTypeModifier }) => String(dataTypeModifier))],
    LOOKING,
  );
  return fields.map((field, i): PgColumn => {
    const [typeName, builtIn, typeKind, category, spelling] = rows[i] ?? [];
    return {
      name: field.name,
      typeName: typeName ?? '',
      builtIn: builtIn === 'true',
      typeKind: typeKind ?? '',
      category: category ?? '',
      modifier: field.dataTypeModifier,
      spelling: spelling ?? '',
    };
  });
}

export async function readTypeFacts(session: PostgresSession, columns: readonly PgColumn[]): Promise<TypeFacts> {
  if (!columns.some((column) => column.builtIn && column.typeName === 'money')) return { moneyScale: 2 };
  const [row] = await session.texts('SELECT scale(1::money::numeric)', LOOKING);
  return { moneyScale: Number(row?.[0] ?? 2) };
}

const NUMBERS = ['int2', 'int4', 'int8', 'numeric', 'float4', 'float8'];
const TIMES = ['date', 'timestamp', 'timestamptz'];

export function toCursorColumn(column: PgColumn, notNull: ReadonlySet<string>): CursorColumn {
  const kind = !column.builtIn ? 'other' : NUMBERS.includes(column.typeName) ? 'number' : TIMES.includes(column.typeName) ? 'time' : 'other';
  return { name: column.name, sqlType: column.spelling, kind, nullable: !notNull.has(column.name) };
}

/** 150018 of PostgreSQL 15.18. */
export async function readVersion(session: PostgresSession): Promise<{ readonly number: number; readonly text: string }> {
  const [row] = await session.texts(`SELECT current_setting('server_version_num'), current_setting('server_version')`, LOOKING);
  return { number: Number(row?.[0]), text: (row?.[1] ?? '').split(' ')[0] ?? '' };
}
