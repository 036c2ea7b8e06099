import type { ConfigSchema } from '../../core/spi/index.js';

export const stdoutOutputSchema = {
  type: 'object',
  additionalProperties: false,
  properties: { type: { const: 'stdout', description: 'Standard output.' } },
} as const satisfies ConfigSchema;
