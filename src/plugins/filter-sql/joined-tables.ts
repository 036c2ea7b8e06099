import { ConfigError, type FilterPlanContext, type Schema } from '../../core/spi/index.js';

/** What a composition offers under the resource name `filter-tables`: warehouse tables as views of the run's DuckDB. */
export interface JoinableTables {
  /** Schema of the current snapshot, or undefined when there is no such table. */
  schemaOf(name: string): Promise<Schema | undefined>;
  /** Creates views with the tables' names (`shop.orders`) over the data files of the snapshots seen by `schemaOf`. */
  attach(names: readonly string[], run: (sql: string) => Promise<void>): Promise<void>;
}

export interface JoinedTables {
  readonly schemas: readonly (readonly [string, Schema])[];
  readonly prepare?: (run: (sql: string) => Promise<void>) => Promise<void>;
}

/** Looks up every table but `input` that the SELECT names. */
export async function findJoinedTables(named: readonly (readonly string[])[], ctx: FilterPlanContext): Promise<JoinedTables> {
  const names = [...new Set(named.map((parts) => parts.join('.')))].filter((name) => name !== 'input');
  if (names.length === 0) return { schemas: [] };
  const odd = named.find((parts) => parts.join('.') !== 'input' && parts.length !== 2);
  if (odd !== undefined) throw unknownTable(odd.join('.'), ctx);
  const tables = (await ctx.resource('filter-tables')) as JoinableTables;
  const schemas: [string, Schema][] = [];
  for (const name of names) {
    const schema = await tables.schemaOf(name);
    if (schema === undefined) throw unknownTable(name, ctx);
    schemas.push([name, schema]);
  }
  return { schemas, prepare: (run) => tables.attach(names, run) };
}

function unknownTable(name: string, ctx: FilterPlanContext): ConfigError {
  return new ConfigError({
    code: 'TABLE_UNKNOWN',
    message: `query: there is no table ${name}`,
    hint: '`input` holds the rows of the run, `namespace.table` those of the warehouse; `sluice tables` lists them',
    where: ctx.place.at('query'),
  });
}
