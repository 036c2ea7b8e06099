import type { FromSchema } from 'json-schema-to-ts';
import type { ConfigSchema } from '../../core/spi/index.js';

export const addTimeSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['type'],
  properties: {
    type: { const: 'add_time', description: 'Adds a time column.' },
    to_column: {
      type: 'object',
      additionalProperties: false,
      description: 'The new column.',
      properties: {
        name: { type: 'string', minLength: 1, default: 'time', description: 'Its name; the input must not have it.' },
        type: { enum: ['timestamp', 'long'], default: 'timestamp', description: 'timestamp, or long for a Unix time.' },
        unix_timestamp_unit: { enum: ['sec', 'milli'], default: 'sec', description: 'Unit of a long.' },
      },
    },
    from_column: {
      type: 'object',
      additionalProperties: false,
      required: ['name'],
      description: 'Takes the time from a column of the input.',
      properties: {
        name: { type: 'string', minLength: 1, description: 'Name of the column: timestamp, datetime, date, long or string.' },
        unix_timestamp_unit: { enum: ['sec', 'milli', 'micro', 'nano'], default: 'sec', description: 'Unit of a long column.' },
        timestamp_format: { type: 'string', description: 'Pattern of a string column. Default: ISO 8601.' },
        timezone: { type: 'string', default: 'UTC', description: 'Time zone of texts, datetimes and dates, which have none.' },
      },
    },
    from_value: {
      type: 'object',
      additionalProperties: false,
      description: 'The same time for all rows.',
      properties: {
        mode: {
          enum: ['upload_time', 'fixed_time'],
          default: 'upload_time',
          description: 'upload_time: the start of the run, also after a resume. fixed_time: `value`.',
        },
        value: { type: ['string', 'integer'], description: 'The time for fixed_time: text, or a Unix time.' },
        unix_timestamp_unit: { enum: ['sec', 'milli', 'micro', 'nano'], default: 'sec', description: 'Unit of a Unix time.' },
        timestamp_format: { type: 'string', description: 'Pattern of the text. Default: ISO 8601.' },
        timezone: { type: 'string', default: 'UTC', description: 'Time zone of a text without offset.' },
      },
    },
  },
} as const satisfies ConfigSchema;

export type AddTimeConfig = FromSchema<typeof addTimeSchema>;
