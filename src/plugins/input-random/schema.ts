import type { ConfigSchema } from '../../core/spi/index.js';

export const randomInputSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['type', 'columns'],
  properties: {
    type: { const: 'random', description: 'Rows made up from a seed.' },
    rows: { type: 'integer', minimum: 0, maximum: 100_000_000_000, default: 1000, description: 'How many rows.' },
    seed: {
      type: 'integer',
      minimum: 0,
      maximum: 9_007_199_254_740_991,
      default: 1,
      description: 'The same seed, columns and row numbers give the same values.',
    },
    tasks: { type: 'integer', minimum: 1, maximum: 10_000, default: 1, 'x-advanced': true, description: 'Into how many tasks the rows are split.' },
    columns: {
      type: 'array',
      minItems: 1,
      description: 'The columns, in order.',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['name', 'type'],
        properties: {
          name: { type: 'string', minLength: 1, description: 'Name of the column.' },
          type: { type: 'string', 'x-column-type': true, 'x-expected': 'a column type', description: 'Type of the column.' },
          min: {
            type: ['number', 'string'],
            description: 'Least value of numbers and times. Default: 0; times: 2026-01-01.',
          },
          max: {
            type: ['number', 'string'],
            description:
              'Greatest value of numbers, and the first time that does not occur. Default: 1,000,000, or what the type holds; times: 2027-01-01.',
          },
          length: { type: 'integer', minimum: 1, maximum: 10_000, description: 'Characters of a string, bytes of a binary. Default: 12.' },
          values: {
            type: 'array',
            minItems: 1,
            items: { type: ['string', 'number', 'boolean', 'null'] },
            description: 'Choose among these values instead.',
          },
          sequence: {
            type: 'boolean',
            default: false,
            description: 'Count the rows instead, from `min` on (default 1): long only.',
          },
          null_rate: { type: 'number', minimum: 0, maximum: 1, default: 0, description: 'Share of rows that are NULL.' },
        },
      },
    },
  },
} as const satisfies ConfigSchema;
