import type { ConfigSchema } from '../../core/spi/index.js';

export const zstdSchema = {
  type: 'object',
  additionalProperties: false,
  properties: { type: { const: 'zstd', description: 'Selects this decoder.' } },
} as const satisfies ConfigSchema;
