import type { CursorColumn, SqlDialect } from '../sql/dialect.js';

/** SQL of MySQL and MariaDB. `sqlType` of a column is what `information_schema.columns.column_type` gives. */
export const mysqlDialect: SqlDialect = {
  product: 'MySQL',
  quoteIdentifier: (name) => `\`${name.replaceAll('`', '``')}\``,
  // Backslashes escape or not, as sql_mode says; hexadecimal means the same under each. Both forms take the collation of a column.
  quoteLiteral: (text) => (text.includes('\\') ? `_utf8mb4 x'${Buffer.from(text).toString('hex')}'` : `'${text.replaceAll("'", "''")}'`),
  valueOf(text, column) {
    if (isBinary(column)) return `x'${/^([0-9a-f]{2})*$/i.test(text) ? text : Buffer.from(text).toString('hex')}'`;
    if (column.kind === 'number') return numberLiteral(text);
    // A constant that is compared with a time is read as one, once.
    return mysqlDialect.quoteLiteral(text);
  },
  textOf(expression, column) {
    if (isBinary(column)) return `HEX(${expression})`;
    // As text a FLOAT has only 6 digits; its value as a double has all.
    return isFloat(column) ? `(${expression} + 0e0)` : expression;
  },
  minus(expression, column, lag) {
    if (lag.form === 'amount') return `(CAST(${expression} AS DECIMAL(65,10)) - ${lag.amount})`;
    return `(CAST(${expression} AS DATETIME(6)) - INTERVAL ${lag.seconds} SECOND)`;
  },
  isOneOf(columns, rows) {
    const names = columns.map((column) =>
      isText(column) ? exactText(mysqlDialect.quoteIdentifier(column.name)) : mysqlDialect.quoteIdentifier(column.name),
    );
    const list = rows.map((row) => `(${row.map((text, i) => exactValue(text, columns[i])).join(', ')})`);
    return `((${names.join(', ')}) IN (${list.join(', ')}))`;
  },
};

/** Types whose order is not that of their text, or that have none: they cannot tell how far a read has come. */
export function canBeCursor({ sqlType }: CursorColumn): boolean {
  return !/^(enum|set|json|bit|geometry|point|linestring|polygon|multi|geom)/i.test(sqlType);
}

export function cursorKind(sqlType: string): CursorColumn['kind'] {
  if (/^(tinyint|smallint|mediumint|int|bigint|decimal|numeric|float|double|year)/i.test(sqlType)) return 'number';
  return /^(date|timestamp)/i.test(sqlType) ? 'time' : 'other';
}

function numberLiteral(text: string): string {
  return /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text) ? text : mysqlDialect.quoteLiteral(text);
}

function isFloat({ sqlType }: CursorColumn): boolean {
  return /^float/i.test(sqlType);
}

function isBinary({ sqlType }: CursorColumn): boolean {
  return /^((var)?binary|(tiny|medium|long)?blob)/i.test(sqlType);
}

function isText({ sqlType }: CursorColumn): boolean {
  return /^((var)?char|(tiny|medium|long)?text)/i.test(sqlType);
}

/** Without the column's collation, for which `a` may equal `A`. */
function exactText(expression: string): string {
  return `CAST(CONVERT(${expression} USING utf8mb4) AS BINARY)`;
}

function exactValue(text: string, column: CursorColumn | undefined): string {
  if (column === undefined) throw new RangeError('a row has more values than there are columns');
  return isText(column) ? `x'${Buffer.from(text).toString('hex')}'` : mysqlDialect.valueOf(text, column);
}
