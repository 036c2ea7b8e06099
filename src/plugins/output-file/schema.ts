import type { ConfigSchema } from '../../core/spi/index.js';
import { objectOutputProperties } from '../shared/object-output/index.js';

export const fileOutputSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    type: { const: 'file', description: 'Files of this machine.' },
    ...objectOutputProperties,
  },
} as const satisfies ConfigSchema;
