import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

import { CHECK_SCHEMAS } from '../../src/core/config/checks.js';
import { EXEC_SCHEMA } from '../../src/core/config/exec.js';
import { compileSchema } from '../../src/core/config/index.js';
import type { SchemaNode } from '../../src/core/config/json-schema.js';
import { LISTED_PIPELINE_SCHEMA, SINGLE_PIPELINE_SCHEMA } from '../../src/core/config/pipeline-schema.js';
import { PROJECT_SCHEMA } from '../../src/core/config/project-schema.js';
import { isCovered, passesQuickly } from '../../src/core/config/quick-validation.js';
import { SCHEDULE_SCHEMA } from '../../src/core/config/schedule-schema.js';
import { createRegistry } from '../../src/core/registry/index.js';
import { loadPlugins } from '../../scripts/generate/plugins.js';
import { BUILTIN_PLUGINS } from '../../src/plugins/builtins.js';

type Json = { [key: string]: unknown };

async function collectSchemas(): Promise<Map<string, SchemaNode>> {
  const registry = createRegistry({ builtins: BUILTIN_PLUGINS });
  const found = new Map<string, SchemaNode>([
    ['project', PROJECT_SCHEMA],
    ['exec', EXEC_SCHEMA],
    ['pipeline', SINGLE_PIPELINE_SCHEMA],
    ['listed pipeline', LISTED_PIPELINE_SCHEMA],
    ['schedule', SCHEDULE_SCHEMA],
    ...Object.entries(CHECK_SCHEMAS).map(([name, schema]): [string, SchemaNode] => [`check ${name}`, schema]),
  ]);
  for (const plugin of await loadPlugins(registry, BUILTIN_PLUGINS)) found.set(`${plugin.kind} ${plugin.type}`, plugin.schema);
  return found;
}

const JUNK = fc.constantFrom<unknown[]>(
  null,
  '',
  'x',
  'long',
  'decimal(12,2)',
  '10MB',
  'ä😀',
  0,
  -1,
  1,
  1.5,
  1e21,
  NaN,
  true,
  [],
  ['x', 'x'],
  {},
  { x: 1 },
);

/** Values near a schema: mostly right, now and then of another kind, with keys left out or added. */
function valuesOf(schema: unknown): fc.Arbitrary<unknown> {
  const right = rightValuesOf(schema);
  return fc.oneof({ weight: 12, arbitrary: right }, { weight: 1, arbitrary: JUNK });
}

function rightValuesOf(schema: unknown): fc.Arbitrary<unknown> {
  if (typeof schema !== 'object' || schema === null) return JUNK;
  const node = schema as Json;
  const branches = (node['oneOf'] ?? node['anyOf']) as readonly Json[] | undefined;
  // A branch may only say which keys are required; the properties stand beside it.
  if (branches !== undefined && node['properties'] === undefined) return fc.oneof(...branches.map(valuesOf));
  if ('const' in node) return fc.constant(node['const']);
  if (Array.isArray(node['enum'])) return fc.constantFrom(...(node['enum'] as unknown[]));
  const types = [node['type'] ?? 'junk'].flat() as string[];
  return fc.oneof(...types.map((type) => ofType(type, node)));
}

function ofType(type: string, node: Json): fc.Arbitrary<unknown> {
  const bounds = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'].flatMap((key) => (key in node ? [Number(node[key])] : []));
  const near = [0, 1, 7, ...bounds.flatMap((bound) => [bound - 1, bound, bound + 1])];
  switch (type) {
    case 'object': {
      const properties = Object.entries((node['properties'] ?? {}) as Json).map(([key, inner]): [string, fc.Arbitrary<unknown>] => [
        key,
        valuesOf(inner),
      ]);
      const required = (node['required'] ?? []) as string[];
      const known = fc
        .record(Object.fromEntries(properties), { requiredKeys: required.filter((key) => properties.some(([name]) => name === key)) })
        .chain((whole) => fc.subarray([...new Set([...Object.keys(whole)])]).map((kept) => pick(whole, [...kept, ...required])));
      const open = fc.dictionary(
        fc.constantFrom('a', 'b c', 'X', ''),
        typeof node['additionalProperties'] === 'object' ? valuesOf(node['additionalProperties']) : JUNK,
        { maxKeys: 2 },
      );
      return fc
        .tuple(known, fc.integer({ min: 0, max: node['additionalProperties'] === false ? 12 : 2 }), open)
        .map(([whole, when, more]) => (when === 1 ? { ...whole, ...more } : whole));
    }
    case 'array':
      return fc.array(valuesOf(node['items']), { maxLength: 3 });
    case 'string': {
      const examples = [node['default'], ...((node['examples'] ?? []) as unknown[])].filter((value) => typeof value === 'string');
      return fc.constantFrom('', 'a', 'ab', 'day(x)', 'long', 'timestamp', 'UTF-8', '5m', '10 MB', '😀', ...examples);
    }
    case 'integer':
    case 'number':
      return fc.constantFrom(...near, 0.5);
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    default:
      return JUNK;
  }
}

function pick(whole: Json, keys: readonly string[]): Json {
  return Object.fromEntries(keys.filter((key) => key in whole).map((key) => [key, whole[key]]));
}

test('the quick check and ajv agree on the schemas of all plugins, defaults included', async () => {
  let valid = 0;
  for (const [name, schema] of await collectSchemas()) {
    assert.ok(isCovered(schema), `${name} is left to ajv`);
    const validate = await compileSchema(schema);
    fc.assert(
      fc.property(valuesOf(schema), (value) => {
        const [ours, theirs] = [structuredClone(value), structuredClone(value)];
        const expected = validate(theirs);
        assert.is(passesQuickly(schema, ours), expected, `${name}: ${JSON.stringify(value)}`);
        if (expected) assert.equal(ours, theirs);
        if (expected) valid++;
      }),
      { numRuns: 100 },
    );
  }
  assert.ok(valid > 500, `only ${valid} valid configs were tried`);
});

test('what is not known here, or not accepted by ajv, is left to it', () => {
  for (const schema of [
    { type: 'objekt' },
    { typ: 'object' },
    { type: 'object', default: {} },
    { oneOf: [{ properties: { a: { type: 'string', default: 'x' } } }, { type: 'string' }] },
    { type: 'array', items: [{ type: 'string' }] },
    { const: { a: 1 } },
    { $ref: '#/definitions/a' },
    { type: 'string', format: 'uri' },
  ])
    assert.not.ok(passesQuickly(schema, {}), JSON.stringify(schema));
});

test.run();
