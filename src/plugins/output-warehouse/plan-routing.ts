import type { JsonObject, OutputPlan, OutputPlanContext } from '../../core/spi/index.js';
import type { Warehouse, WriteRequest } from '../../warehouse/index.js';
import type { Routing } from './routed-tables.js';
import { fixedName, patternColumns, patternRefusals, tableNameSql, type TablePattern } from './table-pattern.js';

/** Plans a run whose tables are named by values: what every new table would be, and which rows name none. */
export async function planRouting(
  warehouse: Warehouse,
  pattern: TablePattern,
  request: Omit<WriteRequest, 'table' | 'place'>,
  maxTables: number,
  ctx: OutputPlanContext,
): Promise<Omit<OutputPlan, 'ignoresState'>> {
  const columns = patternColumns(
    pattern,
    request.schema.map((c) => ({ name: c.name, type: c.type as 'string' })),
    ctx.place.at('table'),
  );
  const example = await warehouse.planWrite({ ...request, table: await freeName(warehouse, fixedName(pattern)), place: ctx.place });
  const { rejects } = await warehouse.planWrite({ table: fixedName(pattern), schema: request.schema, mode: 'replace' });
  const routing: Routing = {
    name: tableNameSql(pattern, columns),
    namespace: pattern.namespace,
    maxTables,
    request,
    rejects: rejects ?? null,
  };
  return {
    target: `tables:${pattern.text}`,
    name: pattern.text,
    schemaChanges: [],
    notes: [`${pattern.text}: one table for each value, at most ${maxTables}; columns and partitioning of each are judged when its first row comes`],
    refusals: [...patternRefusals(pattern, columns), ...(example.refusals ?? [])],
    details: { routing: routing as unknown as JsonObject },
  };
}

/** A name that no table has, so that the request is judged as for a new one. */
async function freeName(warehouse: Warehouse, base: string): Promise<string> {
  for (let i = 0; ; i++) {
    const name = i === 0 ? base : `${base}_${i}`;
    if ((await warehouse.tableUuid(name)) === undefined) return name;
  }
}
