import type { EncoderPlugin, FormatterPlugin, JsonObject, JsonValue, OutputPlugin } from '../spi/index.js';
import type { PluginsByKind } from '../registry/index.js';
import { ConfiguredFormat } from './file-format.js';
import { asNode } from './json-schema.js';
import { makeProblem } from './problem.js';
import { withDefaults } from './project-defaults.js';
import type { ProjectConfig } from './project.js';
import { configure, findPlugin, readType } from './section.js';
import type { Configured, Layer, SectionScope } from './section.js';

/**
 * Validates one `out` section. For outputs that write files, `formatter` and `encoders` are theirs to name: the config then
 * holds both, configured, as `format`. Undefined after problems.
 */
export async function configureOutput(layer: Layer, scope: SectionScope, project: ProjectConfig): Promise<Configured<OutputPlugin> | undefined> {
  // `type: null` is YAML for nothing, and the output of that name is meant.
  const value = layer.value['type'] === null ? { ...layer.value, type: 'null' } : layer.value;
  const type = readType(value, 'output', layer.locate, scope.problems);
  const plugin = type === undefined ? undefined : await findPlugin('output', type, layer.locate, scope);
  if (plugin === undefined) return undefined;
  const merged = withDefaults(layer, 'out', plugin.type, project);
  if (plugin.takesFormat === undefined) return configure(plugin, merged, scope);
  const { formatter, encoders, ...rest } = merged.value;
  const output = await configure(plugin, { ...merged, value: rest }, scope, ['formatter', 'encoders']);
  const configuredFormatter = await configureFormatter(formatter, plugin, merged, scope);
  const configuredEncoders = await configureEncoders(encoders, merged, scope);
  if (configuredFormatter === undefined) return undefined;
  const format = new ConfiguredFormat(configuredFormatter, configuredEncoders);
  return {
    ...output,
    config: { ...output.config, format: format as unknown as JsonValue },
    given: { ...output.given, formatter: configuredFormatter.given, encoders: configuredEncoders.map((encoder) => encoder.given) },
  };
}

async function configureFormatter(
  value: JsonValue | undefined,
  output: OutputPlugin,
  layer: Layer,
  scope: SectionScope,
): Promise<Configured<FormatterPlugin> | undefined> {
  const section = value ?? output.takesFormat?.default;
  if (section === undefined) {
    scope.problems.push(
      makeProblem({
        code: 'CONFIG_MISSING_KEY',
        text: 'expected the key "formatter", which is missing',
        where: layer.locate(['formatter'], 'key'),
        hint: 'add formatter: {type: csv}',
      }),
    );
    return undefined;
  }
  return configureNested('formatter', section, ['formatter'], layer, scope);
}

/** `encoders: [gzip]` or `[{type: gzip}]`. */
async function configureEncoders(value: JsonValue | undefined, layer: Layer, scope: SectionScope): Promise<readonly Configured<EncoderPlugin>[]> {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) {
    scope.problems.push(
      makeProblem({
        code: 'CONFIG_WRONG_TYPE',
        text: 'expected a list of encoders',
        where: layer.locate(['encoders']),
        hint: 'write encoders: [{type: gzip}]',
      }),
    );
    return [];
  }
  const encoders: Configured<EncoderPlugin>[] = [];
  for (const [i, entry] of (value as readonly JsonValue[]).entries()) {
    const encoder = await configureNested('encoder', entry, ['encoders', i], layer, scope);
    if (encoder) encoders.push(encoder);
  }
  return encoders;
}

/** A section of its own, or only the plugin's name. */
async function configureNested<K extends 'formatter' | 'encoder'>(
  kind: K,
  value: JsonValue,
  path: readonly (string | number)[],
  layer: Layer,
  scope: SectionScope,
): Promise<Configured<PluginsByKind[K]> | undefined> {
  const section = typeof value === 'string' ? { type: value } : value;
  const own: Layer = { value: (asNode(section) ?? {}) as JsonObject, locate: (inner, part) => layer.locate([...path, ...inner], part) };
  const type = readType(section, kind, own.locate, scope.problems);
  const plugin = type === undefined ? undefined : await findPlugin(kind, type, own.locate, scope);
  return plugin && configure(plugin, own, scope);
}
