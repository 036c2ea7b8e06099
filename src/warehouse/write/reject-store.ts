import type { JsonObject, RejectStore } from '../../core/spi/index.js';
import type { Warehouse } from '../index.js';
import { RUN_ID } from './commit-changes.js';
import { planRejectsOf } from './rejects.js';
import type { WritePlan } from './write-plan.js';

/** Keeps rejected records of pipelines whose target is elsewhere; see `RejectStore`. */
export function createRejectStore(warehouse: Pick<Warehouse, 'catalog' | 'storage' | 'stageRejects' | 'commitWrites' | 'removeStaged'>): RejectStore {
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
