import { ConfigError } from '../spi/index.js';
import type { PluginDeclaration, PluginKind } from '../spi/index.js';

/** Methods a plugin of each kind must have. */
const METHODS: { readonly [K in PluginKind]: readonly string[] } = {
  input: ['open'],
  output: ['identify', 'plan', 'stage', 'remove', 'commit'],
  filter: ['plan'],
  parser: ['plan', 'open'],
  decoder: ['decode'],
  formatter: ['plan'],
  encoder: ['encode'],
  guess: ['guess'],
};
const INPUT_METHODS: { readonly [form: string]: readonly string[] } = { tasks: ['plan'], files: ['list', 'stat'] };

/** Returns `value` as a declaration, or says what of the contract it lacks. `origin` names it in the message. */
export function checkDeclaration(value: unknown, origin: string): PluginDeclaration {
  const faults = findFaults(value);
  if (faults.length === 0) return value as PluginDeclaration;
  throw new ConfigError({
    code: 'PLUGIN_INVALID',
    message: `${origin} does not declare a plugin: ${faults.join('; ')}`,
    hint: 'export the result of defineInput, defineFilter, ... as default; see the plugin guide',
  });
}

function findFaults(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return ['expected an object'];
  const plugin = value as { readonly [key: string]: unknown };
  const faults: string[] = [];
  const expect = (holds: boolean, text: string): void => void (holds || faults.push(text));
  const kind = plugin['kind'];
  expect(typeof kind === 'string' && Object.hasOwn(METHODS, kind), `kind: expected one of ${Object.keys(METHODS).join(', ')}`);
  expect(typeof plugin['type'] === 'string' && /^[a-z][a-z0-9_]*$/.test(plugin['type']), 'type: expected a word of a-z, 0-9 and _');
  expect(typeof plugin['summary'] === 'string' && plugin['summary'] !== '', 'summary: expected a sentence');
  expect(['stable', 'beta', 'experimental'].includes(String(plugin['stability'])), 'stability: expected stable, beta or experimental');
  expect(Array.isArray(plugin['examples']), 'examples: expected a list');
  const schema = plugin['schema'] as { readonly [key: string]: unknown } | null | undefined;
  expect(
    schema?.['type'] === 'object' && schema['additionalProperties'] === false,
    'schema: expected {type: "object", additionalProperties: false, ...}',
  );
  if (faults.length > 0) return faults;
  const methods = [
    ...METHODS[kind as PluginKind],
    ...(kind === 'input' ? (INPUT_METHODS[String(plugin['form'])] ?? ['form ("tasks" or "files")']) : []),
  ];
  for (const method of methods) expect(typeof plugin[method] === 'function', `${method}: expected a function`);
  if (kind === 'guess') expect(typeof plugin['order'] === 'number', 'order: expected a number');
  if (kind === 'formatter' || kind === 'encoder') expect(typeof plugin['extension'] === 'string', 'extension: expected a text such as ".csv"');
  if (kind === 'decoder') expect(Array.isArray(plugin['extensions']), 'extensions: expected a list');
  return faults;
}
