import type { FormatterPlugin, JsonValue, OutputPlugin } from '../spi/index.js';
import { ConfiguredFormat } from './file-format.js';
import { configureList, configureNested } from './nested-section.js';
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
  const configuredEncoders = (await configureList('encoder', encoders, merged, scope)) ?? [];
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
