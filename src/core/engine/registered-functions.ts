import type { ScalarFunction, SqlConnection } from '../spi/index.js';

const registered = new WeakMap<SqlConnection, Set<string>>();

/** Makes functions callable on a connection's database; a name is registered once. */
export function registerOnce(sql: SqlConnection, functions: readonly ScalarFunction[]): void {
  const known = registered.get(sql) ?? new Set<string>();
  registered.set(sql, known);
  for (const fn of functions) {
    if (known.has(fn.name)) continue;
    sql.registerFunction(fn);
    known.add(fn.name);
  }
}
