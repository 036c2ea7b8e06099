import type { FromSchema } from 'json-schema-to-ts';
import type { ConfigSchema } from '../../core/spi/index.js';
import { LINE_PROPERTIES, NULL_STRING_PROPERTY } from '../shared/line-reading.js';
import { TEXT_COLUMN_PROPERTIES } from '../shared/text-columns.js';

export const regexpSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['type'],
  properties: {
    type: { const: 'regexp', description: 'One record a line, taken apart by a regular expression.' },
    pattern: {
      type: 'string',
      minLength: 1,
      description:
        'JavaScript regular expression with named groups, e.g. `(?<id>\\d+) (?<name>.*)`; each column takes the group of its name. It must match the whole line; other lines are rejected. Unicode rules hold: only characters with a meaning are escaped. Nested repetitions such as `(a+)+` can take very long.',
    },
    format: {
      enum: ['apache_common', 'apache_combined'],
      description:
        "A ready pattern with its columns instead of `pattern`: Apache's common and combined access logs. `-` is NULL; a request line that is no HTTP request is in `request` alone.",
    },
    columns: {
      type: 'array',
      minItems: 1,
      description: 'Columns in order. Needed with `pattern`; with `format` a choice of its columns, whose types may be changed.',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name', 'type'],
        properties: {
          ...TEXT_COLUMN_PROPERTIES,
          group: { type: 'string', minLength: 1, description: 'Named group of the value. Default: the name.' },
        },
      },
    },
    null_string: NULL_STRING_PROPERTY,
    ...LINE_PROPERTIES,
  },
} as const satisfies ConfigSchema;

export type RegexpConfig = FromSchema<typeof regexpSchema>;
