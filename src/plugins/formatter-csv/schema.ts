import type { ConfigSchema } from '../../core/spi/index.js';
import { delimitedProperties } from '../shared/text-format/delimited-schema.js';

export const csvFormatterSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    type: { const: 'csv', description: 'Selects this formatter.' },
    delimiter: { type: 'string', minLength: 1, default: ',', description: 'Text between two fields; may have several characters.' },
    ...delimitedProperties,
  },
} as const satisfies ConfigSchema;
