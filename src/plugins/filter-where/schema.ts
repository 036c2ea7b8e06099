import type { FromSchema } from 'json-schema-to-ts';
import type { ConfigSchema } from '../../core/spi/index.js';

export const whereSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['type', 'condition'],
  properties: {
    type: { const: 'where', description: 'Keeps the rows for which a condition is true.' },
    condition: { type: 'string', minLength: 1, description: 'SQL condition over the columns. Rows for which it is false or NULL count as filtered.' },
  },
} as const satisfies ConfigSchema;

export type WhereConfig = FromSchema<typeof whereSchema>;
