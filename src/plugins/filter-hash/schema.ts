import type { FromSchema } from 'json-schema-to-ts';
import type { ConfigSchema } from '../../core/spi/index.js';

export const hashSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['type', 'columns'],
  properties: {
    type: { const: 'hash', description: 'Replaces values by a hash, as 64 or 32 hex digits.' },
    columns: {
      type: 'array',
      minItems: 1,
      items: { type: 'string', minLength: 1 },
      description: 'Columns to hash; they become strings. NULL stays NULL.',
    },
    algorithm: { enum: ['sha256', 'md5'], default: 'sha256', description: 'The hash function. md5 is only for comparing with old data.' },
    salt: {
      type: 'string',
      minLength: 1,
      'x-secret': true,
      description: 'Key of the hash (HMAC): without it, short values can be found out by trying. Write {env: NAME}.',
    },
  },
} as const satisfies ConfigSchema;

export type HashConfig = Omit<FromSchema<typeof hashSchema>, 'salt'> & { readonly salt?: string | import('../../core/spi/index.js').Secret };
