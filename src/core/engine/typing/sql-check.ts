import {
  columnTypeOf,
  duckdbType,
  quoteIdentifier,
  quoteLiteral,
  quoteName,
  SluiceError,
  type CheckedExpression,
  type CheckedSelect,
  type Column,
  type ColumnType,
  type Schema,
  type SqlCheck,
  type SqlConnection,
  type SqlProblem,
} from '../../spi/index.js';

/*
 * User SQL runs inside the run's DuckDB, which can read and write files. So it is parsed by DuckDB itself
 * (json_serialize_sql accepts SELECT only) and every node of the tree must be of a kind that only computes.
 */

type Node = { readonly [key: string]: unknown };

const SCALAR_CLASSES: ReadonlySet<string> = new Set([
  'BETWEEN',
  'CASE',
  'CAST',
  'COLLATE',
  'COLUMN_REF',
  'COMPARISON',
  'CONJUNCTION',
  'CONSTANT',
  'FUNCTION',
  'LAMBDA',
  'LAMBDA_REF',
  'OPERATOR',
]);
const SELECT_CLASSES: ReadonlySet<string> = new Set([...SCALAR_CLASSES, 'POSITIONAL_REFERENCE', 'STAR', 'SUBQUERY', 'WINDOW']);
const TABLE_KINDS: ReadonlySet<string> = new Set(['BASE_TABLE', 'EMPTY', 'EXPRESSION_LIST', 'JOIN', 'PIVOT', 'SUBQUERY', 'TABLE_FUNCTION']);
const TABLE_FUNCTIONS: ReadonlySet<string> = new Set(['generate_series', 'range', 'unnest']);
/** Scalar functions that look outside the data, or make rows. */
const FORBIDDEN_FUNCTIONS: ReadonlySet<string> = new Set([
  'current_query',
  'current_setting',
  'currval',
  'getenv',
  'getvariable',
  'nextval',
  'pg_get_viewdef',
  'pg_sleep',
  'query',
  'query_table',
  'setseed',
  'sleep_ms',
  'stats',
  'write_log',
]);
const ROW_FUNCTIONS: ReadonlySet<string> = new Set(['generate_subscripts', 'unlist', 'unnest']);

const WORDS: Readonly<Record<string, string>> = {
  SUBQUERY: 'a subquery',
  STAR: 'a star',
  WINDOW: 'a window function',
  PARAMETER: 'a parameter',
  POSITIONAL_REFERENCE: 'a positional reference',
  DEFAULT: 'DEFAULT',
};
const MARKER = '__sluice_expression_input';

export function createSqlCheck(sql: SqlConnection): SqlCheck {
  return {
    expression: (text, input) => checkExpression(sql, text, input),
    tables: async (text) => {
      const found = await inspectSelect(sql, text);
      return 'problem' in found ? found : found.tables;
    },
    select: (text, tables) => checkSelect(sql, text, tables),
  };
}

async function checkExpression(sql: SqlConnection, text: string, input: Schema): Promise<CheckedExpression | SqlProblem> {
  // The line break ends a comment that the text may end with.
  const expression = `(${text}\n)`;
  const statements = await parse(sql, `SELECT ${expression} FROM ${MARKER}`);
  if ('problem' in statements) return statements;
  const [statement, ...more] = statements.list;
  const node = statement?.['node'] as Node | undefined;
  const list = node?.['select_list'];
  const from = node?.['from_table'] as Node | undefined;
  const single =
    more.length === 0 &&
    node?.['type'] === 'SELECT_NODE' &&
    Array.isArray(list) &&
    list.length === 1 &&
    from?.['type'] === 'BASE_TABLE' &&
    from['table_name'] === MARKER;
  if (!single || node['where_clause'] !== null || (node['modifiers'] as unknown[]).length > 0) return { problem: 'expected one expression' };
  const found = inspect(list, SCALAR_CLASSES);
  if (found.problem !== undefined) return { problem: found.problem };
  // With a column beside it an aggregate does not bind.
  const described = await describe(sql, `SELECT ${[quoteIdentifier(input[0]?.name ?? ''), expression].join(', ')} FROM (${emptyRelation(input)})`);
  if ('problem' in described) return described;
  const raw = described.columns[1]?.type ?? '';
  const type = columnTypeOf(raw);
  if (type === undefined) return { problem: `its values are of type ${raw}, which no column type holds; cast it` };
  return { type, sql: castTo(expression, raw, type) };
}

function castTo(sql: string, raw: string, type: ColumnType): string {
  return duckdbType(type) === raw ? sql : `cast(${sql} as ${duckdbType(type)})`;
}

async function checkSelect(sql: SqlConnection, text: string, tables: ReadonlyMap<string, Schema>): Promise<CheckedSelect | SqlProblem> {
  const found = await inspectSelect(sql, text);
  if ('problem' in found) return found;
  const unknown = found.tables.find((parts) => !tables.has(parts.join('.')));
  if (unknown !== undefined) return { problem: `there is no table ${unknown.join('.')}; known: ${[...tables.keys()].join(', ')}` };
  const described = await describeOver(sql, text, tables);
  if ('problem' in described) return described;
  const schema: Column[] = [];
  for (const { name, type: raw } of described.columns) {
    const type = columnTypeOf(raw);
    if (type === undefined) return { problem: `its column ${name} is of type ${raw}, which no column type holds; cast it` };
    schema.push({ name, type });
  }
  const columns = schema.map(({ name, type }) => `cast(${quoteIdentifier(name)} as ${duckdbType(type)}) AS ${quoteIdentifier(name)}`).join(', ');
  return { schema, wrap: (select) => `SELECT ${columns} FROM (${select}\n)` };
}

/** Binds the SELECT against empty views with the tables' names, which exist in a transaction that is rolled back. */
async function describeOver(sql: SqlConnection, text: string, tables: ReadonlyMap<string, Schema>): Promise<Described | SqlProblem> {
  await sql.run('BEGIN');
  try {
    for (const [name, schema] of tables) {
      const parts = name.split('.');
      if (parts.length > 1) await sql.run(`CREATE SCHEMA IF NOT EXISTS ${quoteIdentifier(parts[0] ?? '')}`);
      await sql.run(`CREATE VIEW ${quoteName(parts)} AS ${emptyRelation(schema)}`);
    }
    // Not as a subquery: there DuckDB would rename the second of two equal names.
    return await describe(sql, text);
  } finally {
    await sql.run('ROLLBACK');
  }
}

async function inspectSelect(sql: SqlConnection, text: string): Promise<{ readonly tables: readonly (readonly string[])[] } | SqlProblem> {
  // Parsed as it will stand: in parentheses.
  const statements = await parse(sql, `SELECT * FROM (${text}\n)`);
  if ('problem' in statements) return statements;
  const node = statements.list[0]?.['node'] as Node | undefined;
  const from = node?.['from_table'] as Node | undefined;
  if (statements.list.length !== 1 || node?.['type'] !== 'SELECT_NODE' || from?.['type'] !== 'SUBQUERY' || node['where_clause'] !== null)
    return { problem: 'expected one SELECT' };
  const found = inspect(node, SELECT_CLASSES);
  return found.problem === undefined ? { tables: found.tables } : { problem: found.problem };
}

async function parse(sql: SqlConnection, statement: string): Promise<{ readonly list: readonly Node[] } | SqlProblem> {
  if (statement.includes('\0')) return { problem: 'a NUL character cannot stand in SQL' };
  const rows = await sql.rows(`SELECT json_serialize_sql(${quoteLiteral(statement)})::VARCHAR AS tree`);
  const tree = JSON.parse(String(rows[0]?.['tree'])) as Node;
  if (tree['error'] === true) return { problem: String(tree['error_message']).split('\n')[0] ?? '' };
  return { list: tree['statements'] as Node[] };
}

interface Findings {
  problem: string | undefined;
  tables: (readonly string[])[];
}

/** Walks a syntax tree; the first node of an unknown kind is the problem. */
function inspect(root: unknown, classes: ReadonlySet<string>): Findings {
  const findings: Findings = { problem: undefined, tables: [] };
  const ctes = new Set<string>();
  collectCtes(root, ctes);
  // Scopes are not followed, so a CTE must not lend its name to something else outside its scope: DuckDB takes other names for files.
  const odd = [...ctes].find((name) => !/^[a-z_][a-z0-9_]*$/.test(name));
  if (odd !== undefined) return { problem: `the WITH name ${JSON.stringify(odd)} must consist of letters, digits and _`, tables: [] };
  const visit = (value: unknown): void => {
    if (findings.problem !== undefined || typeof value !== 'object' || value === null) return;
    if (Array.isArray(value)) return value.forEach(visit);
    const node = value as Node;
    findings.problem = problemOf(node, classes);
    if (isTable(node, ctes))
      findings.tables.push(
        [node['catalog_name'], node['schema_name'], node['table_name']].filter((p): p is string => typeof p === 'string' && p !== ''),
      );
    Object.values(node).forEach(visit);
  };
  visit(root);
  return findings;
}

function isTable(node: Node, ctes: ReadonlySet<string>): boolean {
  if (node['type'] !== 'BASE_TABLE' || typeof node['table_name'] !== 'string') return false;
  const qualified = node['schema_name'] !== '' || node['catalog_name'] !== '';
  return qualified || !ctes.has(node['table_name'].toLowerCase());
}

function collectCtes(value: unknown, names: Set<string>): void {
  if (typeof value !== 'object' || value === null) return;
  const map = ((value as Node)['cte_map'] as Node | undefined)?.['map'];
  if (Array.isArray(map)) for (const entry of map as Node[]) if (typeof entry['key'] === 'string') names.add(entry['key'].toLowerCase());
  Object.values(value).forEach((child) => collectCtes(child, names));
}

function problemOf(node: Node, classes: ReadonlySet<string>): string | undefined {
  const kind = node['class'];
  const name = typeof node['function_name'] === 'string' ? node['function_name'].toLowerCase() : undefined;
  if (typeof kind === 'string') {
    if (!classes.has(kind)) return `${WORDS[kind] ?? kind} is not allowed here`;
    if (name !== undefined && (FORBIDDEN_FUNCTIONS.has(name) || (classes === SCALAR_CLASSES && ROW_FUNCTIONS.has(name))))
      return `the function ${name} is not allowed here`;
    return undefined;
  }
  const type = node['type'];
  const isTableNode = 'alias' in node && 'sample' in node && typeof type === 'string';
  if (!isTableNode) return undefined;
  if (!TABLE_KINDS.has(type)) return `${type} is not allowed here`;
  if (type !== 'TABLE_FUNCTION') return undefined;
  const call = (node['function'] as Node | undefined)?.['function_name'];
  return typeof call === 'string' && TABLE_FUNCTIONS.has(call.toLowerCase()) ? undefined : `the table function ${String(call)} is not allowed here`;
}

interface Described {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
}

async function describe(sql: SqlConnection, select: string): Promise<Described | SqlProblem> {
  try {
    const rows = await sql.rows(`DESCRIBE ${select}`);
    return { columns: rows.map((row) => ({ name: String(row['column_name']), type: String(row['column_type']) })) };
  } catch (error) {
    // Whatever DuckDB has against the text is the user's to mend; anything else (memory, interruption) is not.
    const message =
      error instanceof SluiceError && error.cause instanceof Error ? error.cause.message : error instanceof Error ? error.message : String(error);
    const m = /^(?:Binder|Catalog|Parser|Conversion|Invalid Input|Syntax) Error: ([\s\S]*)$/.exec(message);
    if (!m) throw error;
    return { problem: (m[1] ?? '').split('\n')[0]?.replace(/\s*Did you mean.*$/, '') ?? '' };
  }
}

function emptyRelation(schema: Schema): string {
  return `SELECT ${schema.map((c) => `NULL::${duckdbType(c.type)} AS ${quoteIdentifier(c.name)}`).join(', ')} LIMIT 0`;
}
