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
  const alone = !inputPlugin || !outputPlugin;
  const validate = async <P extends InputPlugin | FileInputPlugin | OutputPlugin>(plugin: P | undefined): Promise<Configured<P> | undefined> => {
    if (!plugin) return undefined;
    const value = alone ? connection : pick(connection, plugin.schema);
    return { ...(await configure(ownKeys(plugin), { ...layer, value }, scope)), plugin };
  };
  const [input, output] = [await validate(inputPlugin), await validate(outputPlugin)];
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

function pick(value: JsonObject, schema: unknown): JsonObject {
  const keys = new Set(knownKeys([asNode(schema) ?? {}]));
  return Object.fromEntries(Object.entries(value).filter(([key]) => key === 'type' || keys.has(key)));
}
