import type { FromSchema } from 'json-schema-to-ts';
import type { ConfigSchema } from '../../core/spi/index.js';
import { LINE_PROPERTIES, NULL_STRING_PROPERTY } from '../shared/line-reading.js';
import { TEXT_COLUMN_PROPERTIES } from '../shared/text-columns.js';

export const ltsvSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['type', 'columns'],
  properties: {
    type: { const: 'ltsv', description: 'One record a line: `label:value` fields between tabs (ltsv.org).' },
    columns: {
      type: 'array',
      minItems: 1,
      description: 'Columns to take out of each record. A missing label is NULL; labels without a column are passed over.',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name', 'type'],
        properties: { ...TEXT_COLUMN_PROPERTIES, label: { type: 'string', minLength: 1, description: 'Label of the value. Default: the name.' } },
      },
    },
    null_string: NULL_STRING_PROPERTY,
    ...LINE_PROPERTIES,
  },
} as const satisfies ConfigSchema;

export type LtsvConfig = FromSchema<typeof ltsvSchema>;
