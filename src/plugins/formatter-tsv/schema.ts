import type { ConfigSchema } from '../../core/spi/index.js';
import { delimitedProperties } from '../shared/text-format/delimited-schema.js';

export const tsvFormatterSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    type: { const: 'tsv', description: 'Selects this formatter.' },
    delimiter: { type: 'string', minLength: 1, default: '\t', description: 'Text between two fields.' },
    ...delimitedProperties,
  },
} as const satisfies ConfigSchema;
