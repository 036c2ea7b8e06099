import type { ConfigSchema } from '../../core/spi/index.js';

export const parquetParserSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['type'],
  properties: {
    type: { const: 'parquet', description: 'Parquet files; the columns and types are those of the files.' },
    columns: {
      type: 'array',
      minItems: 1,
      items: { type: 'string', minLength: 1 },
      description: 'Names of the columns to read, in this order. Default: all.',
    },
    allow_missing_columns: {
      type: 'boolean',
      default: false,
      description: 'A column that only some files have is NULL in the others; otherwise such files are an error.',
    },
  },
} as const satisfies ConfigSchema;
