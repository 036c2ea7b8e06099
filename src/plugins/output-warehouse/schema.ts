import type { ConfigSchema } from '../../core/spi/index.js';

const NAMES = {
  anyOf: [
    { type: 'string', minLength: 1 },
    { type: 'array', items: { type: 'string', minLength: 1 }, minItems: 1 },
  ],
  'x-expected': 'a column name or a list of them',
} as const;

export const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['table'],
  properties: {
    type: { const: 'warehouse', description: 'Iceberg tables of the project.' },
    table: {
      type: 'string',
      description:
        'The table as `namespace.name`; both of `[a-z0-9_]`. It is created with the first load. `shop.logs_${country}` is one table for each value of the column.',
    },
    mode: {
      enum: ['append', 'insert', 'insert_direct', 'replace', 'truncate', 'truncate_insert', 'merge', 'merge_direct', 'update'],
      default: 'append',
      description:
        '`append` (also `insert`, `insert_direct`) adds rows; `replace` puts rows and schema in the place of what was there, keeping old snapshots; ' +
        '`truncate` (`truncate_insert`) rows only; `merge` (`merge_direct`, `update`) replaces rows that have the same keys and adds the others.',
    },
    merge_keys: {
      ...NAMES,
      description: 'Columns that tell rows apart, for `merge`. A NULL in one is rejected. Default: the identifier fields of the table.',
    },
    keys: { ...NAMES, description: 'Another spelling of `merge_keys`.' },
    unique: { ...NAMES, description: 'Another spelling of `merge_keys`.' },
    merge_order_by: {
      ...NAMES,
      description: 'Which row of several with one key is the last, such as `updated_at` or `version desc`. Without it they are an error.',
    },
    delete_column: {
      type: 'string',
      minLength: 1,
      description:
        'For `merge`: a boolean column of the load. Rows where it is true take the row with their keys out of the table; the column itself is not written.',
    },
    replace_where: {
      type: 'string',
      minLength: 1,
      description:
        'For `replace`: a condition on partition columns. Exactly the rows that match go, and the new ones come, in one commit; a new row outside is rejected.',
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
    max_tables: {
      type: 'integer',
      minimum: 1,
      default: 100,
      'x-advanced': true,
      description: 'Tables that one run may write when `table` is named by a column.',
    },
    add_loaded_at: { type: 'boolean', default: false, description: "Adds the column `_loaded_at`: the run's start, the same for all its rows." },
    allow_empty: { type: 'boolean', default: false, description: 'Let `replace` and `truncate` empty the table when nothing was read.' },
    comment: { type: 'string', description: 'Comment of the table, shown by `sluice show`.' },
    expire_days: {
      type: 'integer',
      minimum: 1,
      'x-advanced': true,
      description: 'Retention: `sluice maintain` deletes rows whose `time_column` is older than this many days.',
    },
  },
} as const satisfies ConfigSchema;
