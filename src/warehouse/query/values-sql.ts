import { quoteIdentifier, quoteLiteral } from '../../core/spi/index.js';

export type CellValue = string | number | bigint | boolean | null;

/** A SELECT that gives these rows; every cell is cast to its column's type. */
export function valuesSql(columns: readonly (readonly [name: string, type: string])[], rows: readonly (readonly CellValue[])[]): string {
  const names = columns.map(([name]) => quoteIdentifier(name)).join(', ');
  const casts = columns.map(([name, type]) => `CAST(${quoteIdentifier(name)} AS ${type}) AS ${quoteIdentifier(name)}`).join(', ');
  const body = rows.length === 0 ? `(${columns.map(() => 'NULL').join(', ')})` : rows.map((row) => `(${row.map(cellSql).join(', ')})`).join(', ');
  return `SELECT ${casts} FROM (VALUES ${body}) AS v(${names})${rows.length === 0 ? ' WHERE false' : ''}`;
}

function cellSql(value: CellValue): string {
  // As text throughout, so that one column's values need no common type before the cast.
  return value === null ? 'NULL' : quoteLiteral(String(value).replaceAll('\0', ''));
}
