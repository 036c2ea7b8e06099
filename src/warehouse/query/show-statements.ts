import { quoteIdentifier, quoteLiteral } from '../../core/spi/index.js';
import { columnsOf } from './information-schema.js';
import { isWord, tokenizeSql, type SqlToken } from './sql-tokens.js';

/**
 * `SHOW SCHEMAS | TABLES | COLUMNS` (Trino's and MySQL's forms) as a SELECT over information_schema, so that they answer from the
 * catalog. Undefined for every other text.
 */
export function rewriteShow(text: string): string | undefined {
  const tokens = tokenizeSql(text).filter((t) => t.value !== ';');
  if (!isWord(tokens[0], 'SHOW')) return undefined;
  const rest = tokens.slice(isWord(tokens[1], 'ALL') ? 2 : 1);
  if (isWord(rest[0], 'SCHEMAS', 'DATABASES'))
    return filtered('SELECT schema_name AS "schema" FROM information_schema.schemata', [], 'schema_name', rest.slice(1));
  if (isWord(rest[0], 'TABLES')) {
    const { parts, after } = nameAfterFrom(rest.slice(1));
    const where = parts.length === 1 ? [`table_schema = ${quoteLiteral(parts[0] ?? '')}`] : [];
    return filtered(
      'SELECT table_schema AS "schema", table_name AS "table", table_type AS "type" FROM information_schema.tables',
      where,
      'table_name',
      after,
    );
  }
  if (isWord(rest[0], 'COLUMNS')) {
    const { parts, after } = nameAfterFrom(rest.slice(1));
    if (parts.length !== 2) return undefined;
    return filtered(
      `SELECT column_name AS "column", column_type AS "type", data_type AS "duckdb_type" FROM information_schema.${quoteIdentifier(columnsOf(parts))}`,
      [],
      'column_name',
      after,
      'ordinal_position',
    );
  }
  return undefined;
}

function nameAfterFrom(tokens: readonly SqlToken[]): { parts: string[]; after: readonly SqlToken[] } {
  if (!isWord(tokens[0], 'FROM', 'IN')) return { parts: [], after: tokens };
  const parts = [tokens[1]?.value ?? ''];
  let at = 2;
  while (tokens[at]?.value === '.' && tokens[at + 1]) {
    parts.push(tokens[at + 1]?.value ?? '');
    at += 2;
  }
  return { parts, after: tokens.slice(at) };
}

function filtered(select: string, where: readonly string[], likeColumn: string, rest: readonly SqlToken[], order = '1, 2'): string | undefined {
  const conditions = [...where];
  if (isWord(rest[0], 'LIKE') && rest[1]?.kind === 'string') conditions.push(`${likeColumn} LIKE ${quoteLiteral(rest[1].value)}`);
  else if (rest.length > 0) return undefined;
  const orderBy = select.split(',').length === 1 ? '1' : order;
  return `${select}${conditions.length > 0 ? ` WHERE ${conditions.join(' AND ')}` : ''} ORDER BY ${orderBy}`;
}
