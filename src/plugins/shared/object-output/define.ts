import { BugError, defineOutput, type ConfigPlace, type FileFormat, type JsonObject, type OutputPlugin, type PluginContext } from '../../../core/spi/index.js';
import { commitObjects } from './commit.js';
import type { Place } from './place.js';
import { planObjects, type ObjectPlan } from './plan.js';
import { stageObjects } from './stage.js';

/** The keys that all outputs made of objects share; see {@link objectOutputProperties} for their schema. */
export interface ObjectOutputConfig {
  /** Folder and beginning of the names, e.g. `out/orders_`; exactly one of it and `path`. */
  readonly path_prefix?: string;
  /** The whole name, for runs that make one file. */
  readonly path?: string;
  readonly mode: 'append' | 'replace';
  readonly overwrite: boolean;
  readonly sequence_format?: string;
  readonly file_ext?: string;
  readonly max_file_size?: string | number;
  readonly partition_by?: readonly string[];
  /** Filled in from `formatter` and `encoders`. */
  readonly format: FileFormat;
}

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
  const { open: _open, ...declaration } = output;
  return defineOutput<C>({
    ...declaration,
    kind: 'output',
    takesFormat: {},

    identify: (config, ctx) =>
      withPlace(config, ctx, ctx.place, (place) =>
        Promise.resolve({
          target: place.identity + splitTarget(config).stem,
          name: nameOf(config),
          ignoresState: config.mode === 'replace',
        }),
      ),
    plan: (config, schema, ctx) =>
      withPlace(config, ctx, ctx.place, async (place) => {
        const replaces = config.mode === 'replace' || ctx.fullRefresh;
        const { details, refusals, notes } = await planObjects(config, schema, replaces, place, ctx);
        return {
          target: place.identity + splitTarget(config).stem,
          name: nameOf(config),
          ignoresState: config.mode === 'replace',
          schemaChanges: [],
          notes,
          refusals,
          details: details as unknown as JsonObject,
        };
      }),
    stage: (plan, relation, ctx, config) =>
      withPlace(config, ctx, undefined, (place) => stageObjects(plan.details as unknown as ObjectPlan, relation, config.format, place, ctx)),
    commit: (plan, reports, _rejects, ctx, config) =>
      withPlace(config, ctx, undefined, (place) => commitObjects(plan.details as unknown as ObjectPlan, plan.target, reports, place, ctx)),
    remove: (paths, ctx, config) => withPlace(config, ctx, undefined, (place) => place.remove(paths, ctx)),
  });
}

/** Folder (empty or ending with `/`) and what follows it. */
export function splitTarget(config: Pick<ObjectOutputConfig, 'path' | 'path_prefix'>): { readonly folder: string; readonly stem: string } {
  const text = config.path ?? config.path_prefix;
  if (text === undefined) throw new BugError({ code: 'NO_PATH', message: 'an output without path_prefix reached its plugin' });
  const end = text.lastIndexOf('/') + 1;
  return { folder: text.slice(0, end), stem: text.slice(end) };
}

function nameOf(config: ObjectOutputConfig): string {
  return config.path ?? `${config.path_prefix ?? ''}*`;
}
