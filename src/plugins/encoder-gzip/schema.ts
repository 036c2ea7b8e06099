import type { ConfigSchema } from '../../core/spi/index.js';

export const gzipEncoderSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    type: { const: 'gzip', description: 'Selects this encoder.' },
    level: { type: 'integer', minimum: 0, maximum: 9, description: 'From 0 (none) to 9 (smallest). Default: what DuckDB takes while it writes.' },
  },
} as const satisfies ConfigSchema;
