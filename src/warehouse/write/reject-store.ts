import type { JsonObject, Point, RejectFile, RejectRelation, RejectStore, StageContext, StageReport } from '../../core/spi/index.js';
import type { Catalog } from '../catalog/catalog.js';
import type { Storage } from '../storage/storage.js';
import { RUN_ID } from './commit-changes.js';
import { planRejectsOf } from './rejects.js';
import type { WritePlan } from './write-plan.js';

/** What of a warehouse the store needs. */
export interface RejectTables {
  readonly catalog: Catalog;
  readonly storage: Storage;
  stageRejects(plan: WritePlan, rejects: RejectFile | RejectRelation, ctx: StageContext): Promise<StageReport>;
  commitWrites(
    write: { readonly plan: WritePlan; readonly staged: readonly StageReport[]; readonly rejects: readonly StageReport[] },
    options: { readonly runId: string; readonly signal: AbortSignal; reach(point: Point): void; within(): Promise<void> },
  ): Promise<{ upkeep(): Promise<void> }>;
  removeStaged(paths: readonly string[]): Promise<void>;
}

/** Keeps rejected records of pipelines whose target is elsewhere; see `RejectStore`. */
export function createRejectStore(warehouse: RejectTables): RejectStore {
  const { catalog, storage } = warehouse;
  return {
    async plan(pipeline) {
      return (await planRejectsOf(catalog, storage.root, pipeline)) as unknown as JsonObject;
    },
    stage: (plan, rejects, ctx) => warehouse.stageRejects(plan as unknown as WritePlan, rejects, ctx),
    async commit(plan, reports, ctx) {
      const write = plan as unknown as WritePlan;
      // A run that had stored them before is told by the run id in the table's snapshots.
      const result = await warehouse.commitWrites(
        { plan: write, staged: reports, rejects: [] },
        { runId: ctx.runId, signal: ctx.signal, reach: (point) => ctx.reach(point), within: () => Promise.resolve() },
      );
      await result.upkeep();
      return write.table;
    },
    async remove(plan, paths, runId) {
      const table = await catalog.findTable((plan as unknown as WritePlan).table);
      const committed = table?.metadata.snapshots.some((snapshot) => snapshot.summary[RUN_ID] === runId) ?? false;
      if (!committed) await warehouse.removeStaged(paths);
    },
  };
}
