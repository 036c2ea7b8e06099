import type { ConfigSchema } from '../../core/spi/index.js';
import { connectionProperties } from '../shared/sql/connection-schema.js';
import { tableOutputProperties } from '../shared/sql-output/schema.js';

export const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['table', 'mode'],
  properties: {
    ...connectionProperties,
    schema: { type: 'string', minLength: 1, default: 'public', description: 'Schema of the table, unless its name leads with one.' },
    ...tableOutputProperties,
  },
} as const satisfies ConfigSchema;
