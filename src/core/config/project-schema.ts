import type { ConfigSchema } from '../spi/index.js';
import { EXEC_SCHEMA } from './exec.js';
import { SCHEDULE_NAME, SCHEDULE_SCHEMA } from './schedule-schema.js';
import { HTTP_CONFIG_SCHEMA } from './serve-http.js';
import { SERVE_JOBS_PROPERTIES } from './serve-jobs.js';

const DEFAULTS_BY_TYPE = (what: string) => ({
  type: 'object',
  default: {},
  additionalProperties: { type: 'object' },
  description: `Values for keys that ${what} does not give, by type.`,
});

/** The schema of sluice.yml. */
export const PROJECT_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  properties: {
    name: { type: 'string', minLength: 1, maxLength: 200, description: 'The project, for people. Default: the name of its folder.' },
    metastore: {
      type: 'object',
      default: { type: 'sqlite' },
      required: ['type'],
      description: 'Where tables, runs and states are recorded.',
      oneOf: [
        {
          type: 'object',
          additionalProperties: false,
          required: ['type'],
          properties: {
            type: { const: 'sqlite', description: 'One file on this machine.' },
            path: { type: 'string', minLength: 1, description: 'The file. Default: .sluice/metastore.db.' },
          },
        },
        {
          type: 'object',
          additionalProperties: false,
          required: ['type'],
          properties: {
            type: { const: 'postgresql', description: 'A PostgreSQL database, shared by several machines.' },
            url: {
              type: 'string',
              minLength: 1,
              'x-secret': true,
              description: 'postgresql://user:password@host:port/database, instead of the single keys.',
            },
            host: { type: 'string', minLength: 1, description: 'Default: localhost.' },
            port: { type: 'integer', minimum: 1, maximum: 65535, description: 'Default: 5432.' },
            database: { type: 'string', minLength: 1, description: 'The database; it must exist.' },
            user: { type: 'string', minLength: 1, description: 'The role to connect as.' },
            password: { type: 'string', 'x-secret': true, description: 'Its password.' },
          },
        },
      ],
    },
    storage: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: 'Where the files of the tables are.',
      properties: { root: { type: 'string', minLength: 1, description: 'A folder, or a file:// URI. Default: .sluice/warehouse.' } },
    },
    catalog: {
      type: 'string',
      pattern: '^[a-z0-9_]{1,64}$',
      'x-expected': 'a word of a-z, 0-9 and _',
      default: 'sluice',
      description: 'Name of the Iceberg catalog; other engines need the same one.',
    },
    exec: { ...EXEC_SCHEMA, default: {}, description: 'Values for keys that the exec section of a pipeline does not give.' },
    defaults: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: 'Values that hold for every pipeline unless it gives its own, such as defaults: {out: {warehouse: {add_loaded_at: true}}}.',
      properties: {
        in: DEFAULTS_BY_TYPE('an input'),
        parser: DEFAULTS_BY_TYPE('a parser'),
        filters: DEFAULTS_BY_TYPE('a filter'),
        out: DEFAULTS_BY_TYPE('an output'),
      },
    },
    connections: {
      type: 'object',
      default: {},
      propertyNames: { pattern: '^[A-Za-z0-9_-]{1,64}$' },
      additionalProperties: {
        type: 'object',
        required: ['type'],
        properties: { type: { type: 'string', minLength: 1, description: 'The input or output that the connection is for, such as postgresql.' } },
      },
      description:
        'Named connections: keys of an input or output, used by connection: NAME in a pipeline. Secrets may be {env: NAME}, {file: PATH} or {command: ...}.',
    },
    schedules: {
      type: 'object',
      default: {},
      propertyNames: { pattern: SCHEDULE_NAME },
      additionalProperties: SCHEDULE_SCHEMA,
      description: 'What `sluice serve` runs and when, by name. Files `schedules/*.yml` hold further ones; see docs/schedules.md.',
    },
    plugins: {
      type: 'array',
      items: { type: 'string', minLength: 1 },
      default: [],
      uniqueItems: true,
      description:
        'Plugins from outside: packages named sluice-plugin-..., or paths that start with ./ (from the project folder). They run with the rights of Sluice.',
    },
    maintain: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: 'Upkeep of tables.',
      properties: {
        automatic: { type: 'boolean', default: true, description: 'Compact small files and expire snapshots after commits.' },
        snapshot_days: { type: 'number', minimum: 0, default: 5, description: 'Keep snapshots for so many days.' },
        min_snapshots: { type: 'integer', minimum: 1, default: 100, description: 'Keep at least so many snapshots, whatever their age.' },
        max_snapshots: { type: 'integer', minimum: 1, default: 500, description: 'Expire the oldest beyond so many snapshots.' },
      },
    },
    serve: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: 'What sluice serve does.',
      properties: {
        ...SERVE_JOBS_PROPERTIES,
        http: HTTP_CONFIG_SCHEMA,
      },
    },
  },
} as const satisfies ConfigSchema;
