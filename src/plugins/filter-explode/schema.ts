import type { FromSchema } from 'json-schema-to-ts';
import type { ConfigSchema } from '../../core/spi/index.js';
import { JSON_COLUMN_PROPERTIES } from '../shared/json-columns.js';

export const explodeSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['type', 'column'],
  properties: {
    type: { const: 'explode', description: 'Makes a row of each element of a json array.' },
    column: {
      type: 'string',
      minLength: 1,
      description: 'The json column. A row whose array is empty or NULL counts as filtered; a value that is no array is taken for its only element.',
    },
    element: {
      type: 'object',
      additionalProperties: false,
      required: ['name', 'type'],
      properties: JSON_COLUMN_PROPERTIES,
      description: 'The column that holds the element, in the place of the array. Default: the name of the column, type json.',
    },
  },
} as const satisfies ConfigSchema;

export type ExplodeConfig = FromSchema<typeof explodeSchema>;
