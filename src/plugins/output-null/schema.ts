import type { ConfigSchema } from '../../core/spi/index.js';

export const nullOutputSchema = {
  type: 'object',
  additionalProperties: false,
  properties: { type: { const: 'null', description: 'Counts rows and drops them.' } },
} as const satisfies ConfigSchema;
