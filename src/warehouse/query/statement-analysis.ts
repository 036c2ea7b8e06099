import type { DuckConnection } from '../../core/duckdb/index.js';
import { ConfigError, quoteLiteral } from '../../core/spi/index.js';
import type { SqlText } from './dialect.js';
import { checkExpressions } from './expression-limits.js';
import { invalidSql, nativeSqlError } from './sql-errors.js';

/** A table that a statement names, as written; `at` is an offset in the user's text. */
export interface MentionedTable {
  readonly namespace: string | undefined;
  readonly name: string;
  readonly at: number;
  /** Where the name starts in DuckDB's text. */
  readonly textAt: number;
  /** A CTE of that name exists somewhere in the statement: an unknown name is then no error. */
  readonly maybeCte: boolean;
}

/**
 * Functions behind FROM that read nothing but their arguments. An allow-list: DuckDB has table functions that read files
 * (`read_csv`, `glob`), run other SQL (`query`), and change settings or write logs (`enable_logging`, `enable_profiling`)
 * even in a locked session.
 */
const TABLE_FUNCTIONS: ReadonlySet<string> = new Set([
  'duckdb_functions',
  'duckdb_keywords',
  'duckdb_types',
  'generate_series',
  'icu_calendar_names',
  'json_each',
  'json_tree',
  'pg_timezone_names',
  'range',
  'repeat',
  'repeat_row',
  'unnest',
]);

/**
 * Names that an engine knows without us: its own views, and files. A CTE of such a name somewhere would let the name pass where the CTE
 * is not in scope.
 */
const ENGINE_NAMES = /^(?:duckdb|pragma|sqlite)_|[/\\]/i;

const ONLY_SELECT = 'a query is one SELECT (also WITH, VALUES, FROM, DESCRIBE, SUMMARIZE, SHOW TABLES)';

/** Parses one statement (nothing is bound or run) and lists the tables it names. Throws ConfigError SQL_INVALID or SQL_REFUSED. */
export async function analyzeSelect(connection: DuckConnection, sql: SqlText): Promise<readonly MentionedTable[]> {
  if (sql.text.includes('\0')) throw invalidSql(sql, undefined, 'a statement cannot hold a NUL character');
  const rows = await connection.rows(
    `SELECT CAST(json_serialize_sql(${quoteLiteral(sql.text)}, skip_null := true, skip_empty := true) AS VARCHAR) AS tree`,
  );
  const tree = JSON.parse(String(rows[0]?.['tree'])) as SerializedSql;
  if (tree.error) {
    if (tree.error_type === 'not implemented')
      throw refused(
        sql,
        sql.text.trimStart().toUpperCase().startsWith('PIVOT') ? 'PIVOT without IN (…) is not supported' : 'this statement is not allowed here',
      );
    throw nativeSqlError(sql, { exception_type: 'Parser', exception_message: tree.error_message ?? 'syntax error', position: tree.position });
  }
  if (tree.statements?.length !== 1) throw refused(sql, `expected one statement, found ${tree.statements?.length ?? 0}`);
  checkExpressions(tree.statements[0], sql);
  return collectTables(tree.statements[0], sql);
}

interface SerializedSql {
  readonly error: boolean;
  readonly error_type?: string;
  readonly error_message?: string;
  readonly position?: string;
  readonly statements?: readonly unknown[];
}

interface Node {
  readonly [key: string]: unknown;
}

function collectTables(root: unknown, sql: SqlText): MentionedTable[] {
  const found: { node: Node; at: number; textAt: number }[] = [];
  const ctes = new Set<string>();
  const open: unknown[] = [root];
  while (open.length > 0) {
    const next = open.pop();
    if (Array.isArray(next)) open.push(...(next as unknown[]));
    if (typeof next !== 'object' || next === null || Array.isArray(next)) continue;
    const node = next as Node;
    const textAt = sql.offsetOfByte(Number(node['query_location'] ?? 0));
    const at = sql.originOf(textAt);
    if (node['type'] === 'BASE_TABLE') found.push({ node, at, textAt });
    else if (node['type'] === 'TABLE_FUNCTION') checkTableFunction(node, sql, at);
    else if (node['type'] === 'SHOW_REF') checkShow(node, sql);
    for (const name of cteNames(node)) {
      if (ENGINE_NAMES.test(name)) throw invalidSql(sql, undefined, `a CTE cannot have the name ${name}`, 'choose another one');
      ctes.add(name.toLowerCase());
    }
    open.push(...Object.values(node));
  }
  return found.map(({ node, at, textAt }) => {
    const name = String(node['table_name'] ?? '');
    const namespace = node['schema_name'];
    if (node['catalog_name'] !== undefined)
      throw invalidSql(sql, at, `"${String(node['catalog_name'])}.${String(namespace)}.${name}": a table is named namespace.table`);
    return {
      name,
      namespace: typeof namespace === 'string' ? namespace : undefined,
      at,
      textAt,
      maybeCte: namespace === undefined && ctes.has(name.toLowerCase()),
    };
  });
}

function cteNames(node: Node): string[] {
  const names: string[] = [];
  const map = (node['cte_map'] as { readonly map?: unknown } | undefined)?.map;
  if (Array.isArray(map)) for (const entry of map as readonly { readonly key?: unknown }[]) if (typeof entry.key === 'string') names.push(entry.key);
  if (typeof node['cte_name'] === 'string') names.push(node['cte_name']);
  if (node['type'] === 'RECURSIVE_CTE_NODE' && typeof node['ctename'] === 'string') names.push(node['ctename']);
  return names;
}

function checkTableFunction(node: Node, sql: SqlText, at: number): void {
  const name = String((node['function'] as Node | undefined)?.['function_name'] ?? '').toLowerCase();
  if (TABLE_FUNCTIONS.has(name)) return;
  const place = sql.place(at);
  throw new ConfigError({
    code: 'SQL_REFUSED',
    message: `line ${place.line}:${place.column}: the function ${name}() is not available in queries`,
    hint: /^(read_|parquet_|sniff_|glob)/.test(name)
      ? 'a query reads tables of the warehouse only; load files into a table first (sluice load FILE --into db.table)'
      : `functions allowed after FROM: ${[...TABLE_FUNCTIONS].join(', ')}`,
    where: place,
  });
}

function checkShow(node: Node, sql: SqlText): void {
  if (node['query'] === undefined) throw refused(sql, 'this form of SHOW or DESCRIBE is not supported');
}

function refused(sql: SqlText, why: string): ConfigError {
  return new ConfigError({
    code: 'SQL_REFUSED',
    message: `${why}: ${sql.text.trim().split(/\s+/).slice(0, 4).join(' ').slice(0, 60)} …`,
    hint: /^\s*EXPLAIN\b/i.test(sql.text)
      ? 'sluice query --explain shows which files and rows a SELECT reads'
      : `${ONLY_SELECT}; of writes: INSERT INTO … SELECT, CREATE TABLE … AS, CREATE VIEW, DELETE FROM, DROP TABLE, DROP VIEW`,
  });
}
