import type { ConfigSchema } from '../../core/spi/index.js';

export const bzip2Schema = {
  type: 'object',
  additionalProperties: false,
  properties: { type: { const: 'bzip2', description: 'Selects this decoder.' } },
} as const satisfies ConfigSchema;
