import type { DecoderPlugin, FileInputPlugin, InputPlugin, JsonObject, JsonValue, ParserPlugin } from '../spi/index.js';
import { hasWrongConnection, withConnection } from './connections.js';
import { knownKeys } from './json-schema.js';
import { configureList, nestedLayer } from './nested-section.js';
import { makeProblem } from './problem.js';
import { withDefaults } from './project-defaults.js';
import type { ProjectConfig } from './project.js';
import { configure, findPlugin, readType } from './section.js';
import type { Configured, Layer, SectionScope } from './section.js';

export interface ConfiguredInput {
  readonly input: Configured<InputPlugin | FileInputPlugin>;
  readonly parser: Configured<ParserPlugin> | undefined;
  readonly decoders: readonly Configured<DecoderPlugin>[] | undefined;
}

/** An `in` section split into what the input, the parser and the decoders own. */
export interface InputParts {
  readonly plugin: InputPlugin | FileInputPlugin;
  readonly input: Layer;
  /** Undefined where the config has none. */
  readonly parser: Layer | undefined;
  /** `in: {type: csv, …}`: input and parser share one mapping. */
  readonly short: boolean;
  readonly decoders: JsonValue | undefined;
}

/** Validates `in`, with `parser` and `decoders` for inputs made of files. Undefined after problems. */
export async function configureInput(written: Layer, scope: SectionScope, project: ProjectConfig): Promise<ConfiguredInput | undefined> {
  const layer = withConnection(written, project, scope.problems);
  if (hasWrongConnection(written, project)) return undefined;
  const parts = await splitInput(layer, scope);
  if (parts === undefined) {
    // The parser's problems are worth knowing even when the input's type has a typing error.
    const parser = parserLayer(layer);
    if (parser !== undefined) await configureParser(parser, scope, project, []);
    return undefined;
  }
  const { plugin, short } = parts;
  const input = await configure(
    plugin,
    withDefaults(parts.input, 'in', plugin.type, project),
    scope,
    plugin.form === 'files' ? ['parser', 'decoders'] : [],
  );
  if (plugin.form !== 'files') return { input, parser: undefined, decoders: undefined };
  const decoders = await configureList('decoder', parts.decoders, layer, scope);
  if (parts.parser === undefined) {
    scope.problems.push(
      makeProblem({
        code: 'CONFIG_MISSING_KEY',
        text: 'expected the key "parser", which is missing',
        where: layer.locate(['parser'], 'key'),
        hint: 'add parser: {type: csv, ...}, or let `sluice guess` write it',
      }),
    );
    return undefined;
  }
  const parser = await configureParser(parts.parser, scope, project, short ? [...knownKeys([plugin.schema]), 'decoders'] : []);
  return parser && { input, parser, decoders };
}

async function configureParser(
  layer: Layer,
  scope: SectionScope,
  project: ProjectConfig,
  extraKeys: readonly string[],
): Promise<Configured<ParserPlugin> | undefined> {
  const type = readType(layer.value, 'parser', layer.locate, scope.problems);
  const plugin = type === undefined ? undefined : await findPlugin('parser', type, layer.locate, scope);
  return plugin && configure(plugin, withDefaults(layer, 'parser', plugin.type, project), scope, extraKeys);
}

/** The `parser` of the long form: a mapping, or only its name. */
function parserLayer(layer: Layer): Layer | undefined {
  const given = layer.value['parser'];
  return given === undefined ? undefined : nestedLayer(given, ['parser'], layer);
}

/** Tells input, parser and decoders apart, also in the short form. Undefined after problems. */
export async function splitInput(layer: Layer, scope: SectionScope): Promise<InputParts | undefined> {
  const type = readType(layer.value, 'input', layer.locate, scope.problems);
  if (type === undefined) return undefined;
  const parserTypes = await scope.registry.types('parser');
  const short = parserTypes.includes(type) && !(await scope.registry.types('input')).includes(type);
  const plugin = await findPlugin('input', short ? 'file' : type, layer.locate, scope, parserTypes);
  if (plugin === undefined) return undefined;
  if (plugin.form !== 'files') return { plugin, input: layer, parser: undefined, short: false, decoders: undefined };
  const { parser, decoders, ...rest } = layer.value;
  if (short) {
    const own = new Set(knownKeys([plugin.schema]).filter((key) => key !== 'type'));
    const all = parser === undefined ? rest : { ...rest, parser };
    return {
      plugin,
      short,
      decoders,
      input: { ...layer, value: pickKeys(all, (key) => own.has(key)) },
      parser: { ...layer, value: pickKeys(all, (key) => !own.has(key)) },
    };
  }
  return { plugin, short, decoders, input: { ...layer, value: rest }, parser: parserLayer(layer) };
}

function pickKeys(value: JsonObject, wanted: (key: string) => boolean): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([key]) => wanted(key)));
}
