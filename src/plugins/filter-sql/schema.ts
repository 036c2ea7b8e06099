import type { FromSchema } from 'json-schema-to-ts';
import type { ConfigSchema } from '../../core/spi/index.js';

export const sqlSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['type', 'query'],
  properties: {
    type: { const: 'sql', description: 'Replaces the rows by the result of a SELECT.' },
    query: {
      type: 'string',
      minLength: 1,
      description: 'One SELECT. `input` holds all rows of the run at this point; tables of the warehouse go by namespace and name.',
    },
  },
} as const satisfies ConfigSchema;

export type SqlFilterConfig = FromSchema<typeof sqlSchema>;
