import type { JsonObject, JsonValue } from '../spi/index.js';
import type { PluginsByKind } from '../registry/index.js';
import type { ConfigPath } from './config-path.js';
import { asNode } from './json-schema.js';
import { makeProblem } from './problem.js';
import { configure, findPlugin, layerAt, readType } from './section.js';
import type { Configured, Layer, SectionScope } from './section.js';

/** The layer of a section within another: a mapping, or only the plugin's name. */
export function nestedLayer(value: JsonValue, path: ConfigPath, layer: Layer): Layer {
  const section = typeof value === 'string' ? { type: value } : value;
  return layerAt((asNode(section) ?? {}) as JsonObject, layer.locate, path);
}

/** Validates a section within another. Undefined after problems. */
export async function configureNested<K extends 'formatter' | 'encoder' | 'decoder'>(
  kind: K,
  value: JsonValue,
  path: ConfigPath,
  layer: Layer,
  scope: SectionScope,
): Promise<Configured<PluginsByKind[K]> | undefined> {
  const own = nestedLayer(value, path, layer);
  const type = readType(typeof value === 'string' ? own.value : value, kind, own.locate, scope.problems);
  const plugin = type === undefined ? undefined : await findPlugin(kind, type, own.locate, scope);
  return plugin && configure(plugin, own, scope);
}

/** `decoders: [gzip]` or `[{type: gzip}]`, and so for encoders. Undefined when there is no list. */
export async function configureList<K extends 'encoder' | 'decoder'>(
  kind: K,
  value: JsonValue | undefined,
  layer: Layer,
  scope: SectionScope,
): Promise<readonly Configured<PluginsByKind[K]>[] | undefined> {
  const key = `${kind}s`;
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) {
    scope.problems.push(
      makeProblem({
        code: 'CONFIG_WRONG_TYPE',
        text: `expected a list of ${key}`,
        where: layer.locate([key]),
        hint: `write ${key}: [{type: gzip}]`,
      }),
    );
    return undefined;
  }
  const list: Configured<PluginsByKind[K]>[] = [];
  for (const [i, entry] of (value as readonly JsonValue[]).entries()) {
    const configured = await configureNested(kind, entry, [key, i], layer, scope);
    if (configured) list.push(configured);
  }
  return list;
}
