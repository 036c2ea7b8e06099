import type { CursorColumn, SqlDialect } from './dialect.js';

/**
 * Row-wise comparison `(a, b) > (x, y)`, written so that every product can use an index on the first column:
 * `a >= x AND (a > x OR (a = x AND b > y))`.
 */
export function afterRow(dialect: SqlDialect, columns: readonly CursorColumn[], values: readonly string[]): string {
  return compareRows(dialect, columns, values, '>');
}

/** `(a, b) <= (x, y)`. */
export function notAfterRow(dialect: SqlDialect, columns: readonly CursorColumn[], values: readonly string[]): string {
  return compareRows(dialect, columns, values, '<');
}

function compareRows(dialect: SqlDialect, columns: readonly CursorColumn[], values: readonly string[], sign: '<' | '>'): string {
  const parts = columns.map((column, i) => ({ name: dialect.quoteIdentifier(column.name), value: dialect.valueOf(values[i] ?? '', column) }));
  // A tie belongs below: `<` ends with `<=`, `>` stays strict.
  const last = sign === '<' ? '<=' : '>';
  const steps = parts.map(({ name, value }, i) => {
    const equal = parts.slice(0, i).map((before) => `${before.name} = ${before.value}`);
    return [...equal, `${name} ${i === parts.length - 1 ? last : sign} ${value}`].join(' AND ');
  });
  const first = parts[0];
  if (steps.length === 1 || first === undefined) return steps.join('');
  return `${first.name} ${sign}= ${first.value} AND (${steps.map((step) => `(${step})`).join(' OR ')})`;
}
