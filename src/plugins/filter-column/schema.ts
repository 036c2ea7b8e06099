import type { FromSchema } from 'json-schema-to-ts';
import type { ConfigSchema } from '../../core/spi/index.js';

export const columnSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['type', 'columns'],
  properties: {
    type: { const: 'column', description: 'Changes and adds columns.' },
    columns: {
      type: 'array',
      minItems: 1,
      description:
        'Columns to change, and new ones, which follow after the others. Each is made from the input as it was; columns not listed pass unchanged.',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name'],
        properties: {
          name: { type: 'string', minLength: 1, description: 'Name of the column.' },
          from: { type: 'string', description: 'Input column that it is made from. Default: the one with its name.' },
          expression: { type: 'string', minLength: 1, description: 'SQL expression over the columns, instead of `from`.' },
          type: { type: 'string', description: 'Type to cast to, strictly: a row whose value does not fit is rejected. Default: the type it has.' },
          format: { type: 'string', description: 'Pattern of times that are read from or written as text; base64 or hex for binary.' },
          timezone: { type: 'string', description: 'Time zone in which a timestamp is read or written.' },
          default: { type: ['string', 'number', 'boolean'], description: 'Value for rows that have NULL here, written as text of the type.' },
        },
      },
    },
  },
} as const satisfies ConfigSchema;

export type ColumnFilterConfig = FromSchema<typeof columnSchema>;
