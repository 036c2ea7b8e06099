import type { ConfigSchema } from '../../core/spi/index.js';

export const querySchema = {
  type: 'object',
  additionalProperties: false,
  required: ['type'],
  properties: {
    type: { const: 'query', description: 'The result of SQL over the tables of the warehouse.' },
    sql: { type: 'string', minLength: 1, description: 'One SELECT in DuckDB’s dialect, over tables named `namespace.name`.' },
    sql_file: { type: 'string', minLength: 1, description: 'A file with the SELECT instead; relative to the project.' },
    params: {
      type: 'object',
      additionalProperties: { anyOf: [{ type: 'string' }, { type: 'number' }, { type: 'boolean' }, { type: 'null' }] },
      description: 'Values of `$name` in the text; bound, never spliced.',
    },
    namespace: { type: 'string', default: 'main', description: 'Namespace of tables that are named without one.' },
    as_of: { type: 'string', description: 'Read the tables as of this time, such as `2026-01-31 00:00:00`; UTC without a zone.' },
    diff: {
      type: 'object',
      additionalProperties: false,
      required: ['against', 'keys'],
      properties: {
        against: {
          type: 'string',
          minLength: 1,
          description: 'The table with the rows of last time, as `namespace.name`; it may be missing at first.',
        },
        keys: { type: 'array', minItems: 1, items: { type: 'string', minLength: 1 }, description: 'Columns that tell rows apart.' },
      },
      description:
        'Gives only the rows that differ from those of a table, with the boolean column `__deleted`: true for rows that the result has no more. ' +
        'For outputs with `delete_column`; `sluice export --diff` writes such a pipeline.',
    },
    incremental_column: {
      type: 'string',
      minLength: 1,
      description:
        'A column of the result that only grows: each run gives the rows above the highest value of the run before. Where the text holds `$last_value`, ' +
        'it gets that value (NULL at first) and does the comparison itself. Without it every run gives the whole result.',
    },
  },
} as const satisfies ConfigSchema;
