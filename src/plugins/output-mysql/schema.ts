import type { ConfigSchema } from '../../core/spi/index.js';
import { connectionProperties } from '../shared/sql/connection-schema.js';
import { tableOutputProperties } from '../shared/sql-output/schema.js';

export const schema = {
  type: 'object',
  additionalProperties: false,
  required: ['table', 'mode'],
  properties: {
    ...connectionProperties,
    server_public_key: {
      type: 'string',
      minLength: 1,
      'x-connection': true,
      'x-advanced': true,
      description: 'PEM file of the server’s RSA key, for logins with `caching_sha2_password` without TLS; absent: the server is asked for it.',
    },
    compress: {
      type: 'boolean',
      default: false,
      'x-connection': true,
      'x-advanced': true,
      description: 'Compress the connection. Pays on links below some 200 Mbit/s only: the server is slow at it.',
    },
    ...tableOutputProperties,
    before_load: {
      type: 'string',
      minLength: 1,
      description:
        'One SQL statement that is run before the rows are written, in the same transaction (with `truncate` when the old rows are gone), unless it commits by itself.',
    },
    after_load: {
      type: 'string',
      minLength: 1,
      description: 'One SQL statement that is run after the rows are written, in the same transaction, unless it commits by itself.',
    },
  },
} as const satisfies ConfigSchema;
