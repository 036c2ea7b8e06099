import type { FromSchema } from 'json-schema-to-ts';
import type { ConfigSchema } from '../../core/spi/index.js';

export const removeColumnsSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['type'],
  properties: {
    type: { const: 'remove_columns', description: 'Removes columns.' },
    remove: { type: 'array', items: { type: 'string' }, description: 'Columns to remove; all others stay.' },
    keep: {
      type: 'array',
      items: { type: 'string' },
      description: 'Columns to keep, in the order of the input; all others go. Instead of `remove`.',
    },
    accept_unmatched_columns: { type: 'boolean', default: false, description: 'Do not mind names that the input does not have.' },
  },
} as const satisfies ConfigSchema;

export type RemoveColumnsConfig = FromSchema<typeof removeColumnsSchema>;
