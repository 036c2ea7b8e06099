import { quoteIdentifier, quoteLiteral } from '../../../core/spi/index.js';
import type { CursorColumn, SqlDialect } from '../sql/dialect.js';

/** SQL of PostgreSQL. `sqlType` of a column is what `format_type` gives. */
export const postgresqlDialect: SqlDialect = {
  product: 'PostgreSQL',
  quoteIdentifier,
  // Escapes are read only in E'' literals, whatever standard_conforming_strings says.
  quoteLiteral: (text) => (text.includes('\\') ? `E${quoteLiteral(text.replaceAll('\\', '\\\\'))}` : quoteLiteral(text)),
  valueOf: (text, column) => `${postgresqlDialect.quoteLiteral(text)}::${column.sqlType}`,
  textOf: (expression) => `(${expression})::text`,
  minus(expression, column, lag) {
    const amount = lag.form === 'time' ? `interval '${lag.seconds} seconds'` : `${lag.amount}`;
    return `(${expression} - ${amount})::${column.sqlType}`;
  },
  isOneOf(columns, rows) {
    const names = columns.map(({ name }) => quoteIdentifier(name)).join(', ');
    const list = rows.map((row, i) => `(${row.map((text, k) => valueIn(text, columns[k], i)).join(', ')})`);
    // A subquery is hashed; a plain IN list would be compared one by one.
    return `((${names}) IN (SELECT * FROM (VALUES ${list.join(', ')}) AS sluice_seen))`;
  },
};

/** The first row of a VALUES list decides the types of the others. */
function valueIn(text: string, column: CursorColumn | undefined, row: number): string {
  if (column === undefined) throw new RangeError('a row has more values than there are columns');
  return row === 0 ? postgresqlDialect.valueOf(text, column) : postgresqlDialect.quoteLiteral(text);
}
