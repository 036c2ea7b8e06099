import type { FromSchema } from 'json-schema-to-ts';
import type { ConfigSchema } from '../../core/spi/index.js';

export const dedupeSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['type'],
  properties: {
    type: { const: 'dedupe', description: 'Keeps one row of all rows of the run that have the same keys.' },
    keys: {
      type: 'array',
      minItems: 1,
      items: { type: 'string', minLength: 1 },
      description: 'Columns that make rows equal; NULL equals NULL. Default: all columns.',
    },
    keep: { enum: ['first', 'last'], default: 'first', description: 'Which row of equal ones stays.' },
    order_by: {
      type: 'array',
      minItems: 1,
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['column'],
        properties: {
          column: { type: 'string', minLength: 1, description: 'Column to order by; NULL comes before every value.' },
          descending: { type: 'boolean', default: false, description: 'From large to small.' },
        },
      },
      description: 'What first and last mean. Default, and for ties: the order of the input.',
    },
  },
} as const satisfies ConfigSchema;

export type DedupeConfig = FromSchema<typeof dedupeSchema>;
