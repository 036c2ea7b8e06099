import type { ConfigSchema } from '../../core/spi/index.js';
import { S3_CONNECTION_PROPERTIES } from '../shared/aws/connection-schema.js';

export const s3InputSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['type', 'bucket'],
  properties: {
    type: { const: 's3', description: 'Objects of Amazon S3 or a compatible service.' },
    ...S3_CONNECTION_PROPERTIES,
    path_prefix: {
      type: 'string',
      description: 'Start of the keys, e.g. `logs/2026-`. Below it, names that start with `.` or `_` are left out. Empty: the whole bucket.',
    },
    path: { type: 'string', minLength: 1, description: 'One key, or a glob such as `logs/**/*.csv.gz`.' },
    paths: { type: 'array', minItems: 1, items: { type: 'string', minLength: 1 }, description: 'Keys and globs.' },
    path_match_pattern: {
      type: 'string',
      minLength: 1,
      description: 'Only keys in which this regular expression is found, e.g. `\\.csv$`.',
    },
    last_path: { type: 'string', description: 'Only keys after this one, in byte order, are read (the cursor of Embulk).' },
    use_modified_time: { type: 'boolean', default: false, description: 'Leave out objects that were not written after `last_modified_time`.' },
    last_modified_time: {
      type: 'string',
      minLength: 1,
      description: 'Time of `use_modified_time`, e.g. `2026-01-31T00:00:00.000Z`. Default: everything is read.',
    },
    skip_glacier_objects: { type: 'boolean', default: false, description: 'Leave out archived objects; otherwise one of them is an error.' },
    total_file_count_limit: {
      type: 'integer',
      minimum: 1,
      default: 2_147_483_647,
      'x-advanced': true,
      description: 'Read at most so many objects in one run, the first new ones in byte order of the keys.',
    },
    min_task_size: {
      type: 'integer',
      minimum: 0,
      default: 0,
      'x-advanced': true,
      description: "Accepted for Embulk's configs: small objects always share a task.",
    },
    hive_partitioning: { type: 'boolean', default: true, description: 'Folders named `key=value` below the base become columns.' },
    allow_empty: { type: 'boolean', default: false, description: 'No object matched is no error: nothing is loaded.' },
    incremental: { type: 'boolean', default: true, description: 'Load each object once: what an earlier run loaded, by key and ETag, is skipped.' },
    on_changed: {
      enum: ['error', 'skip', 'reload'],
      default: 'error',
      description: 'What to do with a loaded object that was written anew: stop, leave it, or load it again (with merge, truncate or replace).',
    },
  },
} as const satisfies ConfigSchema;
