import type { FromSchema } from 'json-schema-to-ts';
import type { ConfigSchema } from '../../core/spi/index.js';
import { JSON_COLUMN_PROPERTIES } from '../shared/json-columns.js';

export const expandJsonSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['type', 'column', 'columns'],
  properties: {
    type: { const: 'expand_json', description: 'Makes columns of the members of a json column.' },
    column: { type: 'string', minLength: 1, description: 'The json column.' },
    root: { type: 'string', default: '', description: 'JSON pointer of the object whose members are wanted, e.g. /payload/order.' },
    columns: {
      type: 'array',
      minItems: 1,
      description: 'The new columns. They stand where the json column stood.',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name', 'type'],
        properties: {
          ...JSON_COLUMN_PROPERTIES,
          path: { type: 'string', description: 'JSON pointer below the root. Default: the member with the name of the column.' },
        },
      },
    },
    keep: { type: 'boolean', default: false, description: 'Keep the json column, too.' },
  },
} as const satisfies ConfigSchema;

export type ExpandJsonConfig = FromSchema<typeof expandJsonSchema>;
