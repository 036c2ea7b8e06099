import type { ConfigSchema } from '../../core/spi/index.js';

export const bzip2EncoderSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    type: { const: 'bzip2', description: 'Selects this encoder.' },
    level: { type: 'integer', minimum: 1, maximum: 9, default: 9, description: 'Size of the blocks in 100,000 bytes; larger ones compress better.' },
  },
} as const satisfies ConfigSchema;
