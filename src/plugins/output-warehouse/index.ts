import {
  ConfigError,
  defineOutput,
  quoteIdentifier,
  quoteLiteral,
  type Column,
  type CommitContext,
  type ErrorPlace,
  type JsonObject,
  type OutputPlan,
  type OutputPlanContext,
  type PluginContext,
  type RejectFile,
  type RejectRelation,
  type Schema,
  type StageContext,
  type StagedRelation,
  type StageReport,
} from '../../core/spi/index.js';
import type { Warehouse, WritePlan, WriteRequest, WriteCommitOptions } from '../../warehouse/index.js';
import { stageWithDeletes, withoutDeleteColumn } from './delete-rows.js';
import { planRouting } from './plan-routing.js';
import { commitRouted, routedWrites, stageRouted, type Routing } from './routed-tables.js';
import { schema } from './schema.js';
import { commitChecked, stagedRowsOf, type CommitGuard, type TableWrite } from './table-checks.js';
import { parseTablePattern } from './table-pattern.js';
import { modeRequest, writeModeOf, type ModeConfig } from './write-mode.js';

interface WarehouseConfig extends ModeConfig {
  readonly table: string;
  readonly time_column?: string;
  readonly partition_by?: readonly string[];
  readonly schema_evolution: 'add' | 'strict';
  readonly max_tables: number;
  readonly add_loaded_at: boolean;
  readonly comment?: string;
  readonly expire_days?: number;
}

const LOADED_AT: Column = { name: '_loaded_at', type: 'timestamp' };

function writeOf(plan: OutputPlan): WritePlan {
  return plan.details['write'] as unknown as WritePlan;
}

function routingOf(plan: OutputPlan): Routing | undefined {
  return plan.details['routing'] as unknown as Routing | undefined;
}

async function stageRejects(plan: OutputPlan, rejects: RejectFile | RejectRelation, ctx: StageContext): Promise<StageReport> {
  const warehouse = await warehouseOf(ctx);
  return warehouse.stageRejects(routingOf(plan)?.rejects ?? writeOf(plan), rejects, ctx);
}

async function warehouseOf(ctx: PluginContext): Promise<Warehouse> {
  return (await ctx.resource('warehouse')) as Warehouse;
}

/** Modes that put the run's rows in the place of others read all of their source, whatever was read before. */
function ignoresState(config: WarehouseConfig): boolean {
  return ['replace', 'truncate', 'replace_where'].includes(writeModeOf(config));
}

/** `_loaded_at` is the run's start, so that a continued run writes what it would have written. */
function withLoadedAt(relation: StagedRelation, plan: OutputPlan): StagedRelation {
  const at = plan.details['loaded_at'];
  if (typeof at !== 'string') return relation;
  return {
    ...relation,
    schema: [...relation.schema, LOADED_AT],
    select: `SELECT *, TIMESTAMPTZ ${quoteLiteral(at)} AS ${quoteIdentifier(LOADED_AT.name)} FROM (${relation.select})`,
  };
}

export default defineOutput<WarehouseConfig>({
  kind: 'output',
  type: 'warehouse',
  summary: 'Iceberg tables of the project: partitioned Parquet, one atomic commit a run.',
  stability: 'stable',
  schema,
  deletes: true,
  examples: [
    { title: 'A table partitioned by the day of a column', config: { type: 'warehouse', table: 'shop.orders', time_column: 'ordered_at' } },
    { title: 'Replace a small table at each run', config: { type: 'warehouse', table: 'shop.countries', mode: 'replace' } },
    {
      title: 'Replace the rows that have the same id',
      config: { type: 'warehouse', table: 'shop.customers', mode: 'merge', merge_keys: ['id'], merge_order_by: 'updated_at' },
    },
    {
      title: 'Replace one month',
      config: {
        type: 'warehouse',
        table: 'shop.orders',
        mode: 'replace',
        replace_where: "ordered_at >= '2026-01-01' and ordered_at < '2026-02-01'",
        time_column: 'ordered_at',
      },
    },
  ],

  async identify(config, ctx) {
    const pattern = parseTablePattern(config.table, ctx.place.at('table'));
    if (pattern) return { target: `tables:${pattern.text}`, name: pattern.text, ignoresState: ignoresState(config) };
    const uuid = await (await warehouseOf(ctx)).tableUuid(config.table);
    return { target: uuid ?? `new:${config.table}`, name: config.table, ignoresState: ignoresState(config) };
  },

  async plan(config, input, ctx) {
    const warehouse = await warehouseOf(ctx);
    refuseLoadedAt(input, ctx.place.at(''));
    const { delete_column: deletes } = config;
    const written = deletes === undefined ? input : withoutDeleteColumn(input, deletes, ctx.place.at('delete_column'));
    const columns = config.add_loaded_at ? [...written, LOADED_AT] : written;
    const request = requestOf(config, columns, ctx);
    const loadedAt = config.add_loaded_at ? { loaded_at: new Date(ctx.startedAt).toISOString() } : {};
    const pattern = parseTablePattern(config.table, ctx.place.at('table'));
    if (pattern && deletes !== undefined) throw deletesOfMany(ctx.place.at('delete_column'));
    if (pattern) {
      const routed = await placed(ctx.place.at('table'), () => planRouting(warehouse, pattern, request, config.max_tables, ctx));
      return { ...routed, ignoresState: ignoresState(config), details: { ...routed.details, ...loadedAt } };
    }
    const write = await placed(ctx.place.at(''), () => warehouse.planWrite({ ...request, table: config.table, place: ctx.place }));
    const details: JsonObject = { write: write as unknown as JsonObject, ...loadedAt, ...(deletes === undefined ? {} : { deletes }) };
    return {
      target: write.tableUuid,
      name: config.table,
      ignoresState: ignoresState(config),
      schemaChanges: write.schemaChanges,
      absorbsRereads: ['merge', 'replace_where'].includes(writeModeOf(config)),
      notes: write.notes,
      ...(write.refusals === undefined ? {} : { refusals: write.refusals }),
      tableColumns: write.fields.map((field) => field.name),
      details,
    };
  },

  async remove(paths, ctx) {
    await (await warehouseOf(ctx)).removeStaged(paths);
  },

  async stage(plan, relation, ctx) {
    const warehouse = await warehouseOf(ctx);
    const routing = routingOf(plan);
    const complete = withLoadedAt(relation, plan);
    if (routing) return stageRouted(warehouse, routing, complete, ctx);
    const deletes = plan.details['deletes'];
    if (typeof deletes === 'string') return stageWithDeletes(warehouse, writeOf(plan), complete, deletes, ctx);
    return warehouse.stageFiles(writeOf(plan), complete, ctx);
  },

  stageRejects,

  stageRejectRelation: stageRejects,

  async commit(plan, reports, rejects, ctx) {
    const warehouse = await warehouseOf(ctx);
    const routing = routingOf(plan);
    if (routing) {
      const routed = await commitRouted(warehouse, routing, reports, rejects, ctx);
      return { details: routed.facts, after: () => routed.upkeep() };
    }
    const result = await commitChecked(warehouse, [{ plan: writeOf(plan), staged: reports }], ctx, (guard) =>
      warehouse.commitWrites({ plan: writeOf(plan), staged: reports, rejects }, commitOptions(ctx, guard)),
    );
    return { details: result.facts, after: () => result.upkeep() };
  },

  async commitTogether(parts, ctx) {
    const warehouse = await warehouseOf(ctx);
    const [first, ...others] = parts.flatMap(({ plan, reports }): readonly TableWrite[] => {
      const routing = routingOf(plan);
      return routing ? routedWrites(routing, reports) : [{ plan: writeOf(plan), staged: reports }];
    });
    if (!first) {
      await ctx.completeAlone({ tables: 0 });
      return { details: { tables: 0 } };
    }
    const result = await commitChecked(warehouse, [first, ...others], ctx, (guard) =>
      warehouse.commitWrites({ ...first, rejects: [], others }, commitOptions(ctx, guard)),
    );
    return { details: result.facts, after: () => result.upkeep() };
  },

  checksTable: true,

  stagedRows(plan, reports) {
    const routing = routingOf(plan);
    const writes = routing ? routedWrites(routing, reports) : [{ plan: writeOf(plan), staged: reports }];
    return stagedRowsOf(writes);
  },
});

function commitOptions(ctx: CommitContext, guard: CommitGuard): WriteCommitOptions {
  return {
    runId: ctx.runId,
    signal: ctx.signal,
    tempDir: ctx.tempDir,
    reach: (point) => ctx.reach(point),
    within: async (tx, facts) => {
      await guard(tx);
      await ctx.complete(tx, facts);
    },
  };
}

/** What the config asks of whichever table. */
function requestOf(config: WarehouseConfig, columns: Schema, ctx: OutputPlanContext): Omit<WriteRequest, 'table' | 'place'> {
  return {
    schema: columns,
    ...modeRequest(config, ctx.fullRefresh, ctx.place),
    schemaEvolution: config.schema_evolution,
    ...(config.time_column === undefined ? {} : { timeColumn: config.time_column }),
    ...(config.partition_by === undefined ? {} : { partitionBy: config.partition_by }),
    ...(config.comment === undefined ? {} : { tableComment: config.comment }),
    ...(config.expire_days === undefined ? {} : { properties: { 'sluice.expire-days': String(config.expire_days) } }),
  };
}

/** Errors about the table are errors of the `out` section. */
async function placed<T>(where: ErrorPlace, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ConfigError) || Object.keys(error.where).length > 0) throw error;
    const { code, message, hint, cause } = error;
    throw new ConfigError({ code, message, where, ...(hint === undefined ? {} : { hint }), ...(cause === undefined ? {} : { cause }) });
  }
}

function deletesOfMany(where: ErrorPlace): ConfigError {
  return new ConfigError({
    code: 'MODE_OPTION',
    message: 'out: delete_column works with one table, found one that is named by values',
    hint: 'name one table, or write each with its own output (out: a list with where)',
    where,
  });
}

/** The name is kept for the run's start. */
function refuseLoadedAt(input: Schema, where: ErrorPlace): void {
  const clash = input.find((column) => column.name.toLowerCase() === LOADED_AT.name);
  if (!clash) return;
  throw new ConfigError({
    code: 'LOADED_AT_CLASH',
    message: `column ${clash.name}: this name is kept for the run's start (add_loaded_at)`,
    hint: 'rename the column with the filter rename',
    where,
  });
}
