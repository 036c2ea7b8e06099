import type { ConfigSchema } from '../../core/spi/index.js';

export const jsonParserSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['type'],
  properties: {
    type: { const: 'json', description: 'Objects one a line, objects one after the other, or arrays of objects.' },
    columns: {
      type: 'array',
      minItems: 1,
      description: 'Columns taken out of each object. Without it there is one json column named `record`.',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name', 'type'],
        properties: {
          name: { type: 'string', minLength: 1, description: 'Name of the column, and the key it is read from unless `element_at` is given.' },
          type: {
            type: 'string',
            'x-column-type': true,
            description: 'Column type. A JSON value of another type is rejected; `json` takes every value and keeps its text.',
          },
          element_at: { type: 'string', description: 'JSON pointer of the value within the record, e.g. `/user/id`.' },
          format: { type: 'string', description: 'Pattern of a date, timestamp or datetime text.' },
          timezone: { type: 'string', description: 'Time zone of a timestamp text without an offset.' },
          date: { type: 'string', description: 'Date of a text that holds only a time, YYYY-MM-DD.' },
        },
      },
    },
    root: { type: 'string', description: 'JSON pointer of the record within each value, e.g. `/data`. Values without it are rejected.' },
    flatten_json_array: { type: 'boolean', default: false, description: 'Each value is an array whose elements are the records.' },
    invalid_string_escapes: {
      enum: ['PASSTHROUGH', 'SKIP', 'UNESCAPE'],
      default: 'PASSTHROUGH',
      description: 'What to do with a backslash before a character that JSON does not escape: reject the record, drop both, or drop the backslash.',
    },
    stop_on_invalid_record: {
      type: 'boolean',
      default: false,
      description: 'Stop at the first record that cannot be read, whatever `exec.max_rejects` allows.',
    },
    default_timezone: { type: 'string', default: 'UTC', description: 'Time zone of timestamp columns that name none.' },
    default_timestamp_format: { type: 'string', description: 'Pattern of timestamp columns that name none.' },
    default_date: { type: 'string', default: '1970-01-01', description: 'Date of columns that hold only a time.' },
  },
} as const satisfies ConfigSchema;
