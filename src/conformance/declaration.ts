import { compileSchema } from '../core/config/validate.js';
import { checkDeclaration } from '../core/registry/declaration.js';
import { Secret, type JsonObject, type PluginDeclaration } from '../core/spi/index.js';
import { expect, expectEqual, type Check } from './checks.js';

type Node = { readonly [key: string]: unknown };

/** What every plugin promises, of whatever kind. `configs` are those of the cases. */
export function declarationChecks(plugin: PluginDeclaration, configs: readonly JsonObject[]): readonly Check[] {
  return [
    { name: 'declares what its kind must have', run: () => void checkDeclaration(plugin, `${plugin.kind} ${plugin.type}`) },
    { name: 'the config schema compiles', run: async () => void (await compileSchema(plugin.schema)) },
    {
      name: 'every config key is described',
      run() {
        const missing = undescribed(plugin.schema, '');
        expect(missing.length === 0, `no description: ${missing.join(', ')}`);
      },
    },
    {
      name: 'has an example, and all examples are valid',
      async run() {
        expect(plugin.examples.length > 0, 'expected at least one example');
        for (const { title, config } of plugin.examples) {
          expectEqual(config['type'] ?? plugin.type, plugin.type, `example "${title}", type`);
          await prepareConfig(plugin, config);
        }
      },
    },
    {
      name: 'an unknown key is refused',
      async run() {
        const config = configs[0] ?? plugin.examples[0]?.config ?? {};
        const validate = await compileSchema(plugin.schema);
        expect(validate(structuredClone({ ...config, no_such_key: 1 })) === false, 'the schema takes the key no_such_key');
      },
    },
  ];
}

/** A config as plugins get it: valid, with defaults, secrets hidden. */
export async function prepareConfig(plugin: PluginDeclaration, config: JsonObject): Promise<JsonObject> {
  const validate = await compileSchema(plugin.schema);
  const copy = structuredClone({ type: plugin.type, ...config }) as { [key: string]: unknown };
  for (const key of secretKeys(plugin.schema)) if (typeof copy[key] === 'object' && copy[key] !== null) copy[key] = 'a secret behind a reference';
  if (!hasKey(plugin.schema, 'type')) delete copy['type'];
  // Keys of the engine, which take the place of a parser and decoders.
  if ((plugin as { form?: unknown }).form === 'files') for (const key of ['parser', 'decoders']) if (!hasKey(plugin.schema, key)) delete copy[key];
  if ((plugin as { takesFormat?: unknown }).takesFormat !== undefined) for (const key of ['formatter', 'encoders']) delete copy[key];
  const valid = validate(copy);
  const problems = (validate.errors ?? []).map(
    (error) => `${error.instancePath === '' ? 'config' : error.instancePath} ${error.message ?? error.keyword}`,
  );
  expect(valid, `the config ${JSON.stringify(config)} is not valid: ${problems.join('; ')}`);
  for (const key of secretKeys(plugin.schema)) {
    const value = copy[key];
    if (typeof value === 'string') copy[key] = new Secret(null, () => Promise.resolve(value));
  }
  return copy as JsonObject;
}

/** The plain texts of a config's secrets. */
export function secretsOf(plugin: PluginDeclaration, config: JsonObject): readonly string[] {
  return secretKeys(plugin.schema).flatMap((key) => (typeof config[key] === 'string' ? [config[key]] : []));
}

function secretKeys(schema: Node): readonly string[] {
  return Object.entries((schema['properties'] ?? {}) as { readonly [key: string]: Node })
    .filter(([, property]) => property['x-secret'] === true)
    .map(([key]) => key);
}

function hasKey(schema: Node, key: string): boolean {
  return Object.hasOwn((schema['properties'] ?? {}) as Node, key);
}

function undescribed(schema: Node, path: string): readonly string[] {
  const missing: string[] = [];
  for (const [key, property] of Object.entries((schema['properties'] ?? {}) as { readonly [key: string]: Node })) {
    const at = path === '' ? key : `${path}.${key}`;
    // `type` is the same for every plugin, and is explained there.
    if (at !== 'type' && (typeof property['description'] !== 'string' || property['description'] === '')) missing.push(at);
    missing.push(...undescribed(property, at));
    const items = property['items'] as Node | undefined;
    if (items !== undefined && !Array.isArray(items)) missing.push(...undescribed(items, `${at}[]`));
  }
  return missing;
}
