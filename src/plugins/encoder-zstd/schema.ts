import type { ConfigSchema } from '../../core/spi/index.js';

export const zstdEncoderSchema = {
  type: 'object',
  additionalProperties: false,
  properties: { type: { const: 'zstd', description: 'Selects this encoder.' } },
} as const satisfies ConfigSchema;
