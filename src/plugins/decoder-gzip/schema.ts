import type { ConfigSchema } from '../../core/spi/index.js';

export const gzipSchema = {
  type: 'object',
  additionalProperties: false,
  properties: { type: { const: 'gzip', description: 'Selects this decoder.' } },
} as const satisfies ConfigSchema;
