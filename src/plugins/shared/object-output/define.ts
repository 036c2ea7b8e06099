import { defineOutput, type ConfigPlace, type JsonObject, type OutputPlugin, type PluginContext } from '../../../core/spi/index.js';
import { cleanUpObjects, commitObjects, removeObjects } from './commit.js';
import { splitTarget, type ObjectOutputConfig } from './config.js';
import type { Place } from './place.js';
import { checkKeys, planObjects, type ObjectPlan } from './plan.js';
import { stageObjects } from './stage.js';

export interface ObjectOutput<C extends ObjectOutputConfig> {
  readonly type: string;
  readonly summary: string;
  readonly stability: OutputPlugin['stability'];
  readonly schema: OutputPlugin['schema'];
  readonly examples: OutputPlugin['examples'];
  /**
   * Opens the place of the folder that the names start in (`folder` is `path` or `path_prefix` up to its last `/`, empty or
   * ending with `/`); must not connect before a method is called. Config errors are placed with `where` when it is given.
   */
  open(folder: string, config: C, ctx: PluginContext, where?: ConfigPlace): Promise<Place>;
  probe?(config: C, ctx: PluginContext): Promise<string>;
  /** Plans connect, too: a server that refuses is said at once, where a task would be tried again. */
  readonly probesInPlan?: boolean;
}

/** An output plugin over a {@link Place}: names, splitting, partition folders, manifest and modes are the same for all. */
export function defineObjectOutput<C extends ObjectOutputConfig>(output: ObjectOutput<C>): OutputPlugin<C> {
  const withPlace = async <T>(config: C, ctx: PluginContext, where: ConfigPlace | undefined, work: (place: Place) => Promise<T>): Promise<T> => {
    const place = await output.open(splitTarget(config).folder, config, ctx, where);
    try {
      return await work(place);
    } finally {
      await place.close();
    }
  };
  const { open: _open, probesInPlan = false, ...declaration } = output;
  return defineOutput<C>({
    ...declaration,
    kind: 'output',
    takesFormat: {},

    identify(config, ctx) {
      checkKeys(config, ctx);
      return withPlace(config, ctx, ctx.place, (place) =>
        Promise.resolve({
          target: place.identity + splitTarget(config).stem,
          name: nameOf(config),
          ignoresState: config.mode === 'replace',
        }),
      );
    },
    async plan(config, schema, ctx) {
      checkKeys(config, ctx);
      if (probesInPlan) await output.probe?.(config, ctx);
      return withPlace(config, ctx, ctx.place, (place) => {
        const replaces = config.mode === 'replace' || ctx.fullRefresh;
        const { details, refusals, notes } = planObjects(config, schema, replaces, ctx);
        return Promise.resolve({
          target: place.identity + splitTarget(config).stem,
          name: nameOf(config),
          ignoresState: config.mode === 'replace',
          schemaChanges: [],
          notes,
          refusals,
          details: details as unknown as JsonObject,
        });
      });
    },
    stage: (plan, relation, ctx, config) =>
      withPlace(config, ctx, undefined, (place) =>
        stageObjects(plan.details as unknown as ObjectPlan, plan.target, relation, config.format, place, ctx),
      ),
    async commit(plan, reports, _rejects, ctx, config) {
      const details = plan.details as unknown as ObjectPlan;
      const report = await withPlace(config, ctx, undefined, (place) => commitObjects(details, plan.target, reports, place, ctx));
      return { ...report, after: () => withPlace(config, ctx, undefined, (place) => cleanUpObjects(plan.target, reports, place, ctx)) };
    },
    remove: (paths, ctx, config) => withPlace(config, ctx, undefined, (place) => removeObjects(paths, place, ctx)),
  });
}

function nameOf(config: ObjectOutputConfig): string {
  return config.path ?? `${config.path_prefix ?? ''}*`;
}
