import {
  BugError,
  ConfigError,
  defineOutput,
  quoteIdentifier,
  quoteLiteral,
  type Column,
  type ErrorPlace,
  type JsonObject,
  type OutputPlan,
  type PluginContext,
  type Schema,
  type StagedRelation,
} from '../../core/spi/index.js';
import type { Warehouse, WritePlan } from '../../warehouse/index.js';
import { schema } from './schema.js';
import { modeRequest, writeModeOf, type ModeConfig } from './write-mode.js';

interface WarehouseConfig extends ModeConfig {
  readonly table: string;
  readonly time_column?: string;
  readonly partition_by?: readonly string[];
  readonly schema_evolution: 'add' | 'strict';
  readonly add_loaded_at: boolean;
  readonly comment?: string;
  readonly expire_days?: number;
}

const LOADED_AT: Column = { name: '_loaded_at', type: 'timestamp' };

function writeOf(plan: OutputPlan): WritePlan {
  return plan.details['write'] as unknown as WritePlan;
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
    const uuid = await (await warehouseOf(ctx)).tableUuid(config.table);
    return { target: uuid ?? `new:${config.table}`, name: config.table, ignoresState: ignoresState(config) };
  },

  async plan(config, input, ctx) {
    const warehouse = await warehouseOf(ctx);
    refuseLoadedAt(input, ctx.place.at(''));
    const columns = config.add_loaded_at ? [...input, LOADED_AT] : input;
    const write = await placed(ctx.place.at(''), () =>
      warehouse.planWrite({
        table: config.table,
        schema: columns,
        ...modeRequest(config, ctx.fullRefresh, ctx.place),
        schemaEvolution: config.schema_evolution,
        place: ctx.place,
        ...(config.time_column === undefined ? {} : { timeColumn: config.time_column }),
        ...(config.partition_by === undefined ? {} : { partitionBy: config.partition_by }),
        ...(config.comment === undefined ? {} : { tableComment: config.comment }),
        ...(config.expire_days === undefined ? {} : { properties: { 'sluice.expire-days': String(config.expire_days) } }),
      }),
    );
    const details: JsonObject = {
      write: write as unknown as JsonObject,
      ...(config.add_loaded_at ? { loaded_at: new Date(ctx.startedAt).toISOString() } : {}),
    };
    return {
      target: write.tableUuid,
      name: config.table,
      ignoresState: ignoresState(config),
      schemaChanges: write.schemaChanges,
      notes: write.notes,
      ...(write.refusals === undefined ? {} : { refusals: write.refusals }),
      details,
    };
  },

  async remove(paths, ctx) {
    await (await warehouseOf(ctx)).removeStaged(paths);
  },

  async stage(plan, relation, ctx) {
    return (await warehouseOf(ctx)).stageFiles(writeOf(plan), withLoadedAt(relation, plan), ctx);
  },

  async stageRejects(plan, rejects, ctx) {
    return (await warehouseOf(ctx)).stageRejects(writeOf(plan), rejects, ctx);
  },

  async commit(plan, reports, rejects, ctx) {
    const warehouse = await warehouseOf(ctx);
    const result = await warehouse.commitWrites(
      { plan: writeOf(plan), staged: reports, rejects },
      {
        runId: ctx.runId,
        signal: ctx.signal,
        tempDir: ctx.tempDir,
        reach: (point) => ctx.reach(point),
        within: (tx, facts) => ctx.complete(tx, facts),
      },
    );
    return { details: result.facts, after: () => result.upkeep() };
  },

  async commitTogether(parts, ctx) {
    const warehouse = await warehouseOf(ctx);
    const [first, ...others] = parts.map(({ plan, reports }) => ({ plan: writeOf(plan), staged: reports }));
    if (!first) throw new BugError({ code: 'NOTHING_TO_COMMIT', message: 'a common commit without a table' });
    const result = await warehouse.commitWrites(
      { ...first, rejects: [], others },
      {
        runId: ctx.runId,
        signal: ctx.signal,
        tempDir: ctx.tempDir,
        reach: (point) => ctx.reach(point),
        within: (tx, facts) => ctx.complete(tx, facts),
      },
    );
    return { details: result.facts, after: () => result.upkeep() };
  },
});

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
