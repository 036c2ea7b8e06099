import { createRegistry } from '../../src/core/registry/index.js';
import type { BuiltinPlugin, Registry } from '../../src/core/registry/index.js';
import type { ConfigSchema, PluginDeclaration } from '../../src/core/spi/index.js';

const notRun = (): never => {
  throw new Error('plugins of this fixture are only configured');
};

const base = { summary: 'For tests.', stability: 'stable', examples: [] } as const;

function schema(properties: { [key: string]: unknown }, required: readonly string[] = []): ConfigSchema {
  return { type: 'object', additionalProperties: false, required, properties };
}

/** Small declarations that use every schema feature the messages know. */
export const FIXTURE_PLUGINS: readonly PluginDeclaration[] = [
  {
    ...base,
    kind: 'input',
    type: 'file',
    form: 'files',
    schema: schema({ path_prefix: { type: 'string', description: 'Prefix of the paths.' }, incremental: { type: 'boolean', default: true } }),
    list: notRun,
    open: notRun,
    stat: notRun,
  },
  {
    ...base,
    kind: 'input',
    type: 'database',
    form: 'tasks',
    schema: schema(
      {
        host: { type: 'string' },
        port: { type: 'integer', minimum: 1, maximum: 65535, default: 5432 },
        password: { type: 'string', 'x-secret': true, minLength: 3 },
        options: { type: 'object', additionalProperties: { type: 'string' } },
        tables: {
          type: 'array',
          items: {
            oneOf: [
              { type: 'string' },
              { type: 'object', additionalProperties: false, required: ['name'], properties: { name: { type: 'string' } } },
            ],
          },
        },
      },
      ['host'],
    ),
    plan: notRun,
    open: notRun,
  },
  {
    ...base,
    kind: 'parser',
    type: 'csv',
    schema: schema(
      {
        type: { const: 'csv' },
        delimiter: { type: 'string', default: ',' },
        quote: { type: ['string', 'null'] },
        columns: {
          type: 'array',
          minItems: 1,
          items: {
            type: 'object',
            additionalProperties: false,
            required: ['name', 'type'],
            properties: { name: { type: 'string' }, type: { type: 'string', 'x-column-type': true } },
          },
        },
      },
      ['columns'],
    ),
    plan: notRun,
    open: notRun,
  },
  { ...base, kind: 'decoder', type: 'gzip', extensions: ['.gz'], schema: schema({}), decode: notRun },
  {
    ...base,
    kind: 'filter',
    type: 'rename',
    schema: schema({
      columns: { type: 'object', additionalProperties: { type: 'string' } },
      rules: {
        type: 'array',
        items: {
          oneOf: [
            { type: 'object', additionalProperties: false, required: ['rule'], properties: { rule: { const: 'upper' } } },
            {
              type: 'object',
              additionalProperties: false,
              required: ['rule', 'max_length'],
              properties: { rule: { const: 'truncate' }, max_length: { type: 'integer' } },
            },
          ],
        },
      },
    }),
    plan: notRun,
  },
  {
    ...base,
    kind: 'filter',
    type: 'remove_columns',
    schema: { ...schema({ remove: { type: 'array' }, keep: { type: 'array' } }), oneOf: [{ required: ['remove'] }, { required: ['keep'] }] },
    plan: notRun,
  },
  {
    ...base,
    kind: 'output',
    type: 'warehouse',
    schema: schema({ table: { type: 'string' }, mode: { enum: ['append', 'replace'], default: 'append' }, where: { type: 'string' } }, ['table']),
    identify: notRun,
    plan: notRun,
    remove: notRun,
    stage: notRun,
    stageRejects: notRun,
    commit: notRun,
  },
] as unknown as readonly PluginDeclaration[];

export function fixtureRegistry(): Registry {
  const builtins: readonly BuiltinPlugin[] = FIXTURE_PLUGINS.map((plugin) => ({
    kind: plugin.kind,
    type: plugin.type,
    load: () => Promise.resolve({ default: plugin }),
  }));
  return createRegistry({ builtins });
}
