import { connectionProperties } from '../sql/connection-schema.js';

/** Config keys of a connection to MySQL or MariaDB. */
export const mysqlConnectionProperties = {
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
} as const;
