import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openDatabase } from '../duckdb/index.js';
import type { JsonValue, PluginContext, Schema, SourceColumn, StateKey } from '../spi/index.js';
import type { Pipeline } from './pipeline.js';
import { planRun } from './plan-run.js';
import { sourceSchema, type RunPlan } from './run-plan.js';
import type { EngineServices } from './services.js';
import { makeTempFolder } from './temp-folders.js';

/** What a run would do, found out without moving a row. */
export interface CheckedPipeline {
  readonly plan: RunPlan;
  /** As the input hands columns over, before filters. */
  readonly source: readonly SourceColumn[];
  /** As the output gets them. */
  readonly schema: Schema;
  readonly state: JsonValue;
}

/**
 * Plans the whole pipeline as a run would: lists files, reads headers, maps the schema through all filters and asks the
 * output. What the state says is loaded is left out, as in a run.
 */
export async function checkPipeline(pipeline: Pipeline, services: EngineServices): Promise<CheckedPipeline> {
  const tempDir = join(pipeline.exec.tempDir ?? join(pipeline.root, '.sluice', 'tmp'), `check-${process.pid}`);
  await makeTempFolder(tempDir);
  const database = await openDatabase({ threads: 1, tempDirectory: tempDir });
  const sql = await database.connect();
  const base: PluginContext = {
    signal: services.signal,
    log: services.log,
    clock: services.clock,
    root: pipeline.root,
    tempDir,
    reach: (point) => services.reach(point),
    resource: (name) => services.resource(name),
  };
  try {
    const startedAt = services.clock.now();
    const { plugin, config, place } = pipeline.output;
    const identity = await plugin.identify(config, { ...base, place, fullRefresh: false, startedAt });
    const key: StateKey = {
      project: await services.store.projectId(),
      pipeline: pipeline.name,
      stream: pipeline.stream ?? '',
      target: identity.target,
    };
    const state = identity.ignoresState ? undefined : (await services.store.getState(key))?.state;
    const start = { state, usesState: !identity.ignoresState, fullRefresh: false, startedAt };
    const { plan } = await planRun(pipeline, start, { ...base, sql });
    return { plan, source: sourceSchema(plan.input), schema: plan.schema, state: state ?? null };
  } finally {
    sql.close();
    database.close();
    await rm(tempDir, { recursive: true, force: true });
  }
}
