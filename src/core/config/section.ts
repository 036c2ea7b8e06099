import type { ConfigError } from '../spi/index.js';
import type { ConfigPlace, ErrorPlace, JsonObject, JsonValue, PluginKind } from '../spi/index.js';
import { describeUnknown } from '../registry/index.js';
import type { PluginsByKind, Registry } from '../registry/index.js';
import { formatPath, parsePath } from './config-path.js';
import type { ConfigPath } from './config-path.js';
import { asNode, knownKeys } from './json-schema.js';
import { makeProblem } from './problem.js';
import type { ReferenceScope, SecretValue } from './references.js';
import { validateSection } from './validate.js';

/** A plugin and its validated config: defaults filled, secrets as `Secret` objects. */
export interface Configured<P> {
  readonly plugin: P;
  readonly config: JsonObject;
  /** Places of this config's keys; paths start at the plugin's own section. */
  readonly place: ConfigPlace;
  /** What was given, without defaults and secrets; part of the config hash. */
  readonly given: JsonObject;
}

export type Locate = (path: ConfigPath, part?: 'key' | 'value') => ErrorPlace;

/** Mappings of which the later ones win key by key; each knows its own places. */
export interface Layer {
  readonly value: JsonObject;
  /** Path is relative to `value`. */
  readonly locate: Locate;
  /** Keys that come from sluice.yml, where secrets may be commands. */
  readonly trusted?: ReadonlySet<string>;
}

export interface SectionScope {
  readonly registry: Registry;
  readonly references: Omit<ReferenceScope, 'locate'>;
  readonly problems: ConfigError[];
}

/** A layer for the part of a file at `base`. */
export function layerAt(value: JsonObject, locate: Locate, base: ConfigPath): Layer {
  return { value, locate: (path, part) => locate([...base, ...path], part) };
}

export function mergeLayers(layers: readonly Layer[]): Layer {
  const value = Object.assign({}, ...layers.map((layer) => layer.value)) as JsonObject;
  const locate: Locate = (path, part) => {
    const owner = layers.findLast((layer) => path.length > 0 && Object.hasOwn(layer.value, String(path[0])));
    return (owner ?? layers.at(-1))?.locate(path, part) ?? { path: formatPath(path) };
  };
  const trusted = layers.flatMap((layer, i) =>
    [...(layer.trusted ?? [])].filter((key) => !layers.slice(i + 1).some((later) => Object.hasOwn(later.value, key))),
  );
  return { value, locate, ...(trusted.length > 0 ? { trusted: new Set(trusted) } : {}) };
}

/** The `type` of a plugin section, or undefined after adding a problem. */
export function readType(value: JsonValue, kind: PluginKind, locate: Locate, problems: ConfigError[]): string | undefined {
  const section = asNode(value);
  const type = section?.['type'];
  if (section !== undefined && typeof type === 'string') return type;
  const [text, path]: [string, ConfigPath] =
    section === undefined
      ? ['expected a mapping with the key "type"', []]
      : Object.hasOwn(section, 'type')
        ? ['expected the name of a plugin', ['type']]
        : ['expected the key "type", which is missing', ['type']];
  problems.push(makeProblem({ code: 'CONFIG_MISSING_KEY', text, where: locate(path, 'key'), hint: `add type: and the name of the ${kind}` }));
  return undefined;
}

/** Finds the plugin; an unknown one becomes a problem at `type`. `alsoKnown` are further words that fit there. */
export async function findPlugin<K extends PluginKind>(
  kind: K,
  type: string,
  locate: Locate,
  scope: SectionScope,
  alsoKnown: readonly string[] = [],
): Promise<PluginsByKind[K] | undefined> {
  const plugin = await scope.registry.find(kind, type);
  if (plugin !== undefined) return plugin;
  const types = [...new Set([...(await scope.registry.types(kind)), ...alsoKnown])].sort();
  scope.problems.push(makeProblem({ code: 'UNKNOWN_PLUGIN', where: locate(['type']), ...describeUnknown(kind, type, types) }));
  return undefined;
}

/** Validates one plugin's section against its schema. Problems go to the scope; the result is then unusable. */
export async function configure<P extends { readonly type: string; readonly schema: JsonObject | { readonly [key: string]: unknown } }>(
  plugin: P,
  layer: Layer,
  scope: SectionScope,
  extraKeys: readonly string[] = [],
): Promise<Configured<P>> {
  const { type: _written, ...rest } = layer.value;
  const value = knownKeys([plugin.schema]).includes('type') ? { type: plugin.type, ...rest } : rest;
  const commands = (path: ConfigPath): boolean => layer.trusted?.has(String(path[0])) ?? false;
  const validated = await validateSection(value, plugin.schema, { ...scope.references, commands, locate: layer.locate }, extraKeys);
  scope.problems.push(...validated.problems);
  return {
    plugin,
    config: validated.config,
    place: { at: (path) => layer.locate(parsePath(path)) },
    given: { ...asPlainJson(validated.given), type: plugin.type },
  };
}

/** Secrets become their references. */
export function asPlainJson(value: SecretValue): JsonObject {
  return JSON.parse(JSON.stringify(value)) as JsonObject;
}
