import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { type ConfigError, quoteIdentifier, quotePath, quoteName, type Column, type FilterPlanContext, type Schema } from '../../core/spi/index.js';
import { configProblem } from '../shared/config-problem.js';
import type { Warehouse } from '../../warehouse/index.js';

/** Catalogs and schemas of every DuckDB, which hold other things: a schema of that name cannot be made, or is ambiguous. */
const TAKEN: ReadonlySet<string> = new Set(['memory', 'pg_catalog', 'system', 'temp']);

export interface JoinedTables {
  readonly schemas: readonly (readonly [string, Schema])[];
  /** Makes views with the tables' names in the run's DuckDB. */
  readonly prepare?: (run: (sql: string) => Promise<void>) => Promise<void>;
}

/** Looks up every table but `input` that the SELECT names. */
export async function findJoinedTables(named: readonly (readonly string[])[], ctx: FilterPlanContext): Promise<JoinedTables> {
  const odd = named.find((parts) => parts.length !== 2 && parts.join('.') !== 'input');
  if (odd !== undefined) throw unknownTable(odd.join('.'), ctx);
  const names = [...new Set(named.map((parts) => parts.join('.')))].filter((name) => name !== 'input');
  if (names.length === 0) return { schemas: [] };
  const warehouse = (await ctx.resource('warehouse')) as Pick<Warehouse, 'query' | 'writeFile' | 'tableUuid'>;
  const schemas: [string, Schema][] = [];
  for (const name of names) schemas.push([name, await schemaOf(name, warehouse, ctx)]);
  return {
    schemas,
    async prepare(run) {
      for (const [name, schema] of schemas) await attach(name, schema, warehouse, ctx, run);
    },
  };
}

async function schemaOf(name: string, warehouse: Pick<Warehouse, 'query' | 'tableUuid'>, ctx: FilterPlanContext): Promise<Schema> {
  if ((await warehouse.tableUuid(name)) === undefined) throw unknownTable(name, ctx);
  const [namespace = '', table = ''] = name.split('.');
  if (TAKEN.has(namespace.toLowerCase()))
    throw configProblem(ctx.place, 'query', {
      code: 'TABLE_UNKNOWN',
      message: `${name} cannot be joined here: the engine of the run has a ${namespace} of its own`,
      hint: `give the table another namespace: sluice rename ${name} shop.${table}`,
    });
  const result = await warehouse.query(`SELECT * FROM ${quoteName(name.split('.'))} LIMIT 0`, { signal: ctx.signal });
  await result.close();
  const schema: Column[] = [];
  for (const { name: column, type } of result.columns) {
    // Columns of nested types, which other engines may have made, cannot be joined on; they are left out.
    const known = await ctx.check.expression(`NULL::${type}`, [{ name: 'x', type: 'long' }]);
    if (!('problem' in known)) schema.push({ name: column, type: known.type });
  }
  return schema;
}

/** One snapshot of the table as a file of the run: the run's DuckDB then needs neither the catalog nor its delete files. */
async function attach(
  name: string,
  schema: Schema,
  warehouse: Pick<Warehouse, 'writeFile'>,
  ctx: FilterPlanContext,
  run: (sql: string) => Promise<void>,
): Promise<void> {
  const path = join(ctx.tempDir, `joined-${randomUUID()}.parquet`);
  const columns = schema.map((c) => quoteIdentifier(c.name)).join(', ');
  const parts = name.split('.');
  await warehouse.writeFile(`SELECT ${columns} FROM ${quoteName(parts)}`, { path, format: 'parquet' }, { signal: ctx.signal, tempDir: ctx.tempDir });
  await run(`CREATE SCHEMA IF NOT EXISTS ${quoteIdentifier(parts[0] ?? '')}`);
  await run(`CREATE OR REPLACE VIEW ${quoteName(parts)} AS SELECT ${columns} FROM read_parquet(${quotePath(path)}, hive_partitioning = false)`);
}

function unknownTable(name: string, ctx: FilterPlanContext): ConfigError {
  return configProblem(ctx.place, 'query', {
    code: 'TABLE_UNKNOWN',
    message: `there is no table ${name}`,
    hint: '`input` holds the rows of the run, `namespace.table` those of the warehouse; `sluice tables` lists them',
  });
}
