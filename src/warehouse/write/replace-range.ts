import { openDatabase, type DuckConnection } from '../../core/duckdb/index.js';
import { ConfigError, quoteIdentifier, quoteLiteral } from '../../core/spi/index.js';
import type { NestedField } from '../table/model.js';
import { duckTypeOf } from '../table/types.js';

type Node = { readonly [key: string]: unknown };

/** Kinds of expressions that only compare: a predicate runs where files can be written, and more than once with the same answer. */
const ALLOWED: ReadonlySet<string> = new Set([
  'BETWEEN',
  'CASE',
  'CAST',
  'COLUMN_REF',
  'COMPARISON',
  'CONJUNCTION',
  'CONSTANT',
  'FUNCTION',
  'OPERATOR',
]);
const FUNCTIONS: ReadonlySet<string> = new Set([
  '%',
  '*',
  '+',
  '-',
  '/',
  '//',
  'abs',
  'coalesce',
  'concat',
  'date_part',
  'date_trunc',
  'day',
  'epoch',
  'hour',
  'left',
  'like_escape',
  'lower',
  'make_date',
  'make_timestamp',
  'month',
  'not_like_escape',
  'round',
  'starts_with',
  'substr',
  'substring',
  'to_days',
  'to_hours',
  'to_minutes',
  'to_months',
  'to_seconds',
  'to_timestamp',
  'to_weeks',
  'to_years',
  'trim',
  'upper',
  'year',
  '||',
  '~~',
  '!~~',
]);

/**
 * Checks a `replace_where` predicate over a table's fields and answers the names of the fields it uses. Errors: ConfigError
 * REPLACE_WHERE.
 */
export async function checkReplaceWhere(text: string, fields: readonly NestedField[]): Promise<readonly string[]> {
  const database = await openDatabase({ threads: 1, memoryLimit: 128 * 1024 * 1024 });
  try {
    const sql = await database.connect();
    try {
      const names = await columnsOf(sql, text, fields);
      await bind(sql, text, fields);
      return names;
    } finally {
      sql.close();
    }
  } finally {
    database.close();
  }
}

async function columnsOf(sql: DuckConnection, text: string, fields: readonly NestedField[]): Promise<readonly string[]> {
  if (text.includes('\0')) throw wrong(text, 'a predicate cannot hold a NUL character');
  // As it will stand, in parentheses; and alone, so that it does not close them.
  await parseExpression(sql, text, `SELECT ${text}\n FROM input`);
  return usedColumns(await parseExpression(sql, text, `SELECT (${text}\n) FROM input`), text, fields);
}

async function parseExpression(sql: DuckConnection, text: string, statement: string): Promise<unknown> {
  const [row] = await sql.rows(`SELECT CAST(json_serialize_sql(${quoteLiteral(statement)}) AS VARCHAR) AS tree`);
  const tree = JSON.parse(String(row?.['tree'])) as { error: boolean; error_message?: string; statements?: { node?: Node }[] };
  if (tree.error) throw wrong(text, tree.error_message ?? 'it is not SQL');
  const node = tree.statements?.[0]?.node;
  const list = node?.['select_list'];
  const from = node?.['from_table'] as Node | undefined;
  const single =
    tree.statements?.length === 1 &&
    node?.['type'] === 'SELECT_NODE' &&
    Array.isArray(list) &&
    list.length === 1 &&
    from?.['table_name'] === 'input' &&
    node['where_clause'] === null &&
    (node['modifiers'] as unknown[]).length === 0;
  if (!single) throw wrong(text, 'it is not one expression');
  return list;
}

function usedColumns(root: unknown, text: string, fields: readonly NestedField[]): readonly string[] {
  const used = new Set<string>();
  const open: unknown[] = [root];
  while (open.length > 0) {
    const next = open.pop();
    if (Array.isArray(next)) open.push(...(next as unknown[]));
    if (typeof next !== 'object' || next === null || Array.isArray(next)) continue;
    const node = next as Node;
    const kind = node['class'];
    if (typeof kind === 'string') {
      if (!ALLOWED.has(kind)) throw wrong(text, `${kind.toLowerCase().replaceAll('_', ' ')} is not possible here`);
      if (kind === 'FUNCTION') checkFunction(node, text);
      if (kind === 'COLUMN_REF') used.add(fieldOf(node, text, fields));
    }
    // A constant's own tree holds its type, which has nothing to look at.
    if (kind !== 'CONSTANT') open.push(...Object.values(node));
  }
  return [...used];
}

function checkFunction(node: Node, text: string): void {
  const name = String(node['function_name']).toLowerCase();
  if (!FUNCTIONS.has(name) || (typeof node['schema'] === 'string' && node['schema'] !== ''))
    throw wrong(text, `the function ${name} is not possible here: it must give the same at plan and at commit`);
}

function fieldOf(node: Node, text: string, fields: readonly NestedField[]): string {
  const names = node['column_names'] as readonly string[];
  const field = names.length === 1 ? fields.find((f) => f.name.toLowerCase() === names[0]?.toLowerCase()) : undefined;
  if (!field) throw wrong(text, `there is no column ${names.join('.')}`);
  return field.name;
}

async function bind(sql: DuckConnection, text: string, fields: readonly NestedField[]): Promise<void> {
  const columns = fields.map((f) => `CAST(NULL AS ${duckTypeOf(f.type)}) AS ${quoteIdentifier(f.name)}`).join(', ');
  const described = await sql.rows(`DESCRIBE SELECT (${text}\n) AS matches FROM (SELECT ${columns})`).catch((error: unknown) => {
    throw wrong(text, ((error as Error).message.split('\n')[0] ?? '').replace(/^[A-Z][a-z]+ Error: /, ''), error);
  });
  const type = String(described[0]?.['column_type']);
  if (type !== 'BOOLEAN') throw wrong(text, `expected a condition, found a value of type ${type}`);
}

function wrong(text: string, problem: string, cause?: unknown): ConfigError {
  return new ConfigError({
    code: 'REPLACE_WHERE',
    message: `replace_where: ${problem}: ${text.trim().slice(0, 200)}`,
    hint: `a condition on partition columns, such as "ordered_at >= '2026-01-01' and ordered_at < '2026-02-01'"`,
    ...(cause === undefined ? {} : { cause }),
  });
}
