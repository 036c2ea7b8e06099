import type { FromSchema } from 'json-schema-to-ts';
import type { ConfigSchema } from '../../core/spi/index.js';
import { TEXT_COLUMN_PROPERTIES, TEXT_DEFAULT_PROPERTIES } from '../shared/text-columns.js';

export const msgpackSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['type', 'columns'],
  properties: {
    type: { const: 'msgpack', description: 'MessagePack values, one after the other.' },
    columns: {
      type: 'array',
      minItems: 1,
      description:
        'Columns in order. A value of another type is rejected; times are texts or MessagePack timestamps, binary columns take bin values, json columns take any value.',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name', 'type'],
        properties: {
          ...TEXT_COLUMN_PROPERTIES,
          element_at: { type: 'string', description: 'JSON pointer of the value within the record, e.g. `/user/id`. Default: the name as key.' },
        },
      },
    },
    file_encoding: {
      enum: ['sequence', 'array'],
      default: 'sequence',
      description: 'sequence: each value of the file is a record. array: the file is one array of records.',
    },
    row_encoding: {
      enum: ['map', 'array'],
      default: 'map',
      description: 'map: records are maps, columns their keys; a missing key is NULL. array: records are arrays in the order of the columns.',
    },
    allow_optional_columns: { type: 'boolean', default: false, description: 'Missing values at the end of an array are NULL instead of a reject.' },
    allow_extra_columns: { type: 'boolean', default: false, description: 'Further values at the end of an array are dropped instead of a reject.' },
    ...TEXT_DEFAULT_PROPERTIES,
  },
} as const satisfies ConfigSchema;

export type MsgpackConfig = FromSchema<typeof msgpackSchema>;
