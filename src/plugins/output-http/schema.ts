import type { ConfigSchema } from '../../core/spi/index.js';
import { HTTP_CONNECTION_PROPERTIES } from '../shared/http/schema.js';

export const httpOutputSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['type', 'url'],
  properties: {
    type: { const: 'http', description: 'An HTTP server that takes rows as JSON.' },
    ...HTTP_CONNECTION_PROPERTIES,
    method: { enum: ['POST', 'PUT', 'PATCH'], default: 'POST', description: 'Method of the requests.' },
    body: {
      enum: ['array', 'ndjson', 'object'],
      default: 'array',
      description: '`array`: `[{…},{…}]`; `ndjson`: one object a line; `object`: one row a request.',
    },
    wrap: { type: 'string', minLength: 1, description: 'Put the array into an object under this key: `{"records":[…]}` with `records`.' },
    batch_rows: { type: 'integer', minimum: 1, maximum: 1_000_000, default: 500, description: 'Most rows of a request.' },
    batch_bytes: { type: 'integer', minimum: 1, default: 1_000_000, description: 'A request of about this size is not made larger.' },
    idempotency_header: {
      type: ['string', 'null'],
      pattern: '^[A-Za-z0-9-]+$',
      'x-expected': 'the name of a header',
      default: 'Idempotency-Key',
      description: 'Header with a key that is the same when a request is sent again, so that the receiver can ignore it. null: none.',
    },
    refused_statuses: {
      type: 'array',
      default: [400, 409, 413, 422],
      items: { type: 'integer', minimum: 400, maximum: 499 },
      description: 'Statuses by which the receiver refuses rows for what they are.',
    },
    refused_path: {
      type: 'string',
      minLength: 1,
      description:
        'Write refused rows to this file, one JSON object a line with status, answer and row, and go on; batches are halved to find them. Default: a refused row ends the run.',
    },
  },
} as const satisfies ConfigSchema;
