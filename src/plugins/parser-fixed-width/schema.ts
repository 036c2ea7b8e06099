import type { FromSchema } from 'json-schema-to-ts';
import type { ConfigSchema } from '../../core/spi/index.js';
import { LINE_PROPERTIES, NULL_STRING_PROPERTY } from '../shared/line-reading.js';
import { TEXT_COLUMN_PROPERTIES } from '../shared/text-columns.js';

export const fixedWidthSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['type', 'columns'],
  properties: {
    type: { const: 'fixed_width', description: 'One record a line, each column at its own positions.' },
    columns: {
      type: 'array',
      minItems: 1,
      description: 'Columns in order. Each gives its `width` and follows the one before, or `start` and `end`.',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name', 'type'],
        properties: {
          ...TEXT_COLUMN_PROPERTIES,
          width: { type: 'integer', minimum: 1, description: 'Width of the column, in `unit`.' },
          start: { type: 'integer', minimum: 1, description: 'First position, counted from 1. Default: behind the column before.' },
          end: { type: 'integer', minimum: 1, description: 'Last position, included.' },
        },
      },
    },
    unit: {
      enum: ['chars', 'bytes'],
      default: 'chars',
      description: 'What positions count: characters (code points), or bytes of the source in its own charset.',
    },
    trim: {
      enum: ['both', 'left', 'right', 'none'],
      default: 'both',
      description: 'Where blanks around a value are dropped: spaces, also full-width ones, and tabs.',
    },
    allow_optional_columns: {
      type: 'boolean',
      default: false,
      description: 'In a line that is too short, columns behind its end are NULL and a column that is cut takes what there is, instead of a reject.',
    },
    allow_extra_columns: {
      type: 'boolean',
      default: false,
      description: 'Text behind the last position is dropped instead of a reject. Blanks there are always dropped.',
    },
    null_string: NULL_STRING_PROPERTY,
    ...LINE_PROPERTIES,
  },
} as const satisfies ConfigSchema;

export type FixedWidthConfig = FromSchema<typeof fixedWidthSchema>;
