import type { JsonValue } from '../spi/index.js';
import { compileChecks, describeFallback } from './checks.js';
import type { Pipeline } from './pipeline.js';
import { planFilters, planInput, refuseRereads, sourceSchema, type PlanContext, type PlannedFilters, type RunPlan } from './run-plan.js';
import { createSqlCheck } from './typing/index.js';

/** From where a run starts. */
export interface PlanStart {
  /** The cursor; undefined: none yet, or none is used. */
  readonly state: JsonValue | undefined;
  /** False: everything is read, and nothing of it is remembered. */
  readonly usesState: boolean;
  readonly fullRefresh: boolean;
  readonly startedAt: number;
}

/**
 * Plans a whole pipeline without moving a row: what the input has, the schema through all filters, what the output will do with
 * it. Refuses what does not go together.
 */
export async function planRun(pipeline: Pipeline, start: PlanStart, ctx: PlanContext): Promise<{ plan: RunPlan; filters: PlannedFilters }> {
  const { startedAt, fullRefresh, state } = start;
  const { plugin, config, place } = pipeline.output;
  const checks = pipeline.checks ?? [];
  const planned = await planInput(pipeline, state, start.usesState, ctx);
  const filters = await planFilters(pipeline, sourceSchema(planned.input), startedAt, ctx);
  const { sql, ...base } = ctx;
  const output = await plugin.plan(config, filters.schema, { ...base, place, fullRefresh, startedAt, check: createSqlCheck(sql) });
  refuseRereads(pipeline, planned.input, output);
  compileChecks(checks, filters.schema, startedAt, plugin, output);
  const plan: RunPlan = {
    version: 1,
    input: planned.input,
    output,
    schema: filters.schema,
    startedAt,
    stateBefore: state ?? null,
    notes: [...planned.notes, ...output.notes, ...describeFallback(checks, plugin)],
    bytes: planned.bytes,
  };
  return { plan, filters };
}
