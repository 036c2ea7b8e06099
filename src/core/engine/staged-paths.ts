import type { OutputPlugin, PluginContext, RejectStore } from '../spi/index.js';
import type { Configured } from './pipeline.js';
import type { RunPlan } from './run-plan.js';

/** Marks paths of the reject store among a run's recorded staging paths; the others are the output's. */
export const REJECTS_PREFIX = 'rejects:';

/** Deletes recorded staging paths through whoever wrote them. Missing ones are fine. */
export async function removeStagedPaths(
  output: Configured<OutputPlugin>,
  plan: Pick<RunPlan, 'rejects'> | undefined,
  paths: readonly string[],
  ctx: PluginContext & { readonly runId: string },
): Promise<void> {
  const own = paths.filter((path) => !path.startsWith(REJECTS_PREFIX));
  if (own.length > 0) await output.plugin.remove(own, ctx, output.config);
  const rejects = paths.filter((path) => path.startsWith(REJECTS_PREFIX)).map((path) => path.slice(REJECTS_PREFIX.length));
  if (rejects.length > 0 && plan?.rejects) await (await openRejectStore(ctx)).remove(plan.rejects, rejects, ctx.runId);
}

/** Where rejects of targets go that keep none themselves. */
export async function openRejectStore(ctx: PluginContext): Promise<RejectStore> {
  return (await ctx.resource('rejects')) as RejectStore;
}
