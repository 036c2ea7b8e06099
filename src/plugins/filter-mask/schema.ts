import type { FromSchema } from 'json-schema-to-ts';
import type { ConfigSchema } from '../../core/spi/index.js';

export const maskSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['type', 'columns'],
  properties: {
    type: { const: 'mask', description: 'Hides parts of texts.' },
    columns: {
      type: 'array',
      minItems: 1,
      description: 'Columns to mask. Other types than string become strings.',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name'],
        properties: {
          name: { type: 'string', minLength: 1, description: 'Name of the column.' },
          pattern: {
            enum: ['all', 'email', 'keep_first', 'keep_last', 'regex'],
            default: 'all',
            description:
              'all: every character. email: the part before the @ (all without one). keep_first, keep_last: all but `length` characters. regex: what `match` matches.',
          },
          length: {
            type: 'integer',
            minimum: 0,
            default: 4,
            description: 'Characters that keep_first and keep_last leave. A text that is not longer is masked whole.',
          },
          match: {
            type: 'string',
            minLength: 1,
            description: 'Regular expression (RE2) for the pattern regex; each character of a match is masked.',
          },
          mask: { type: 'string', minLength: 1, maxLength: 1, default: '*', description: 'The character that is shown instead.' },
          mask_length: {
            type: 'integer',
            minimum: 0,
            description: 'Show this many mask characters, whatever was masked, so that lengths are hidden, too.',
          },
        },
      },
    },
  },
} as const satisfies ConfigSchema;

export type MaskConfig = FromSchema<typeof maskSchema>;
