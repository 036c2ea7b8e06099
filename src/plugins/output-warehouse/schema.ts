import type { ConfigSchema } from '../../core/spi/index.js';

export const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['table'],
  properties: {
    type: { const: 'warehouse', description: 'Iceberg tables of the project.' },
    table: {
      type: 'string',
      description: 'The table as `namespace.name`; both of `[a-z0-9_]`. It is created with the first load.',
    },
    mode: {
      enum: ['append', 'insert', 'insert_direct', 'replace'],
      default: 'append',
      description:
        '`append` (also `insert`, `insert_direct`) adds rows; `replace` puts rows and schema in the place of what was there, keeping old snapshots.',
    },
    time_column: {
      type: 'string',
      description: 'The column that says when a row happened; a new table is partitioned by its day unless `partition_by` says otherwise.',
    },
    partition_by: {
      type: 'array',
      items: { type: 'string' },
      description:
        'Partition of a new table: `day(c)`, `month(c)`, `year(c)`, `hour(c)`, `bucket(16, c)`, `truncate(4, c)` or a column. An empty list: none.',
    },
    schema_evolution: {
      enum: ['add', 'strict'],
      default: 'add',
      description: '`add`: new columns are added and types widened; `strict`: any difference is an error.',
    },
    add_loaded_at: { type: 'boolean', default: false, description: "Adds the column `_loaded_at`: the run's start, the same for all its rows." },
    allow_empty: { type: 'boolean', default: false, description: 'Let `replace` empty the table when nothing was read.' },
    comment: { type: 'string', description: 'Comment of the table, shown by `sluice show`.' },
    expire_days: {
      type: 'integer',
      minimum: 1,
      'x-advanced': true,
      description: 'Retention: `sluice maintain` deletes rows whose `time_column` is older than this many days.',
    },
  },
} as const satisfies ConfigSchema;
