import type { ConfigSchema } from '../../core/spi/index.js';

export const configInputSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['type', 'columns'],
  properties: {
    type: { const: 'config', description: 'Rows that stand in the config itself, for tests and examples.' },
    columns: {
      type: 'array',
      minItems: 1,
      description: 'Columns of the rows, in order.',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name', 'type'],
        properties: {
          name: { type: 'string', minLength: 1, description: 'Name of the column.' },
          type: { type: 'string', description: 'Column type; every value is converted as if it were text of a CSV file.' },
          format: { type: 'string', description: 'Pattern of a date, timestamp or datetime.' },
          timezone: { type: 'string', description: 'Time zone of timestamps without an offset.' },
          date: { type: 'string', description: 'Date of values that hold only a time, YYYY-MM-DD.' },
        },
      },
    },
    rows: { type: 'array', items: { type: 'array' }, description: 'Rows as lists of values, all in one task.' },
    values: { type: 'array', items: { type: 'array', items: { type: 'array' } }, description: 'Rows by task, as in Embulk: `[task][row][column]`.' },
    default_timezone: { type: 'string', default: 'UTC', description: 'Time zone of timestamp columns that name none.' },
    default_timestamp_format: { type: 'string', description: 'Pattern of timestamp columns that name none.' },
    default_date: { type: 'string', default: '1970-01-01', description: 'Date of columns that hold only a time.' },
  },
} as const satisfies ConfigSchema;
