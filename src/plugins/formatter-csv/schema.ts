import type { ConfigSchema } from '../../core/spi/index.js';
import { delimitedProperties } from '../shared/text-format/delimited-schema.js';

export const csvFormatterSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    type: { const: 'csv', description: 'Selects this formatter.' },
    delimiter: { type: 'string', minLength: 1, default: ',', description: 'Text between two fields; may have several characters.' },
    ...delimitedProperties,
    default_timestamp_format: {
      type: 'string',
      default: '%Y-%m-%d %H:%M:%S.%6N %z',
      description: 'Pattern of timestamp columns without their own; dates and datetimes are written as in ISO 8601.',
    },
  },
} as const satisfies ConfigSchema;
