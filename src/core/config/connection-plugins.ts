import type { FileInputPlugin, InputPlugin, JsonObject, OutputPlugin } from '../spi/index.js';
import type { Registry } from '../registry/index.js';
import { asNode, knownKeys, type SchemaNode } from './json-schema.js';
import type { Environment } from './environment.js';
import { throwProblems } from './problem.js';
import type { ProjectConfig } from './project.js';
import { configure, findPlugin, layerAt, type Configured, type SectionScope } from './section.js';
import { NO_SECRET_TOKENS } from './template.js';

/** A named connection with the plugins that know its type; either may be missing. */
export interface ConnectionPlugins {
  readonly name: string;
  readonly type: string;
  readonly input: Configured<InputPlugin | FileInputPlugin> | undefined;
  readonly output: Configured<OutputPlugin> | undefined;
}

/** Validates a named connection by itself, for tests of it: what a pipeline would add is not asked for. */
export async function configureConnection(
  name: string,
  options: { readonly project: ProjectConfig; readonly registry: Registry; readonly env: Environment },
): Promise<ConnectionPlugins> {
  const { project, registry, env } = options;
  const connection = project.connections[name] as JsonObject;
  const type = String(connection['type']);
  const references = { env, root: project.root, commands: () => true, tokens: NO_SECRET_TOKENS, scheduledTime: undefined };
  const scope: SectionScope = { registry, references, problems: [] };
  const layer = { ...layerAt(connection, project.locate, ['connections', name]), trusted: new Set(Object.keys(connection)) };
  const [inputPlugin, outputPlugin] = await Promise.all([registry.find('input', type), registry.find('output', type)]);
  if (!inputPlugin && !outputPlugin) await findPlugin('input', type, layer.locate, scope);
  const validate = async <P extends InputPlugin | FileInputPlugin | OutputPlugin>(
    plugin: P | undefined,
    notItsOwn: readonly string[],
    extraKeys: readonly string[],
  ): Promise<Configured<P> | undefined> => {
    if (!plugin) return undefined;
    const value = Object.fromEntries(Object.entries(connection).filter(([key]) => !notItsOwn.includes(key)));
    return { ...(await configure(ownKeys(plugin), { ...layer, value }, scope, extraKeys)), plugin };
  };
  const [inputKeys, outputKeys] = [keysOf(inputPlugin), keysOf(outputPlugin)];
  // What neither knows is told once: of the input, where there is one.
  const input = await validate(inputPlugin, without(outputKeys, inputKeys), outputKeys);
  const output = await validate(outputPlugin, inputPlugin ? without(Object.keys(connection), ['type', ...outputKeys]) : [], inputKeys);
  throwProblems(scope.problems);
  return { name, type, input, output };
}

/** The plugin with a schema that requires nothing: a connection is only a part of a config. */
function ownKeys<P extends { readonly type: string; readonly schema: { readonly [key: string]: unknown } }>(
  plugin: P,
): { type: string; schema: SchemaNode } {
  const { required: _required, oneOf: _oneOf, anyOf: _anyOf, allOf: _allOf, ...schema } = plugin.schema;
  return { type: plugin.type, schema };
}

function keysOf(plugin: { readonly schema: unknown } | undefined): readonly string[] {
  return plugin ? knownKeys([asNode(plugin.schema) ?? {}]) : [];
}

function without(keys: readonly string[], others: readonly string[]): readonly string[] {
  return keys.filter((key) => key !== 'type' && !others.includes(key));
}
