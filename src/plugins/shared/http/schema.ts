/** Keys of the connection to an HTTP server, for the schemas of its input and output. */
export const HTTP_CONNECTION_PROPERTIES = {
  url: {
    type: 'string',
    pattern: '^https?://[^@/]+(/|$|\\?)',
    'x-expected': 'an http or https URL without a user',
    description: 'Address, with https unless the server is near.',
  },
  headers: {
    type: 'object',
    default: {},
    additionalProperties: { type: 'string', 'x-secret': true, description: 'Value of the header.' },
    description: 'Further headers. Like `auth` they are sent to the origin of `url` alone.',
  },
  auth: {
    type: 'object',
    additionalProperties: false,
    required: ['type'],
    description: 'How to say who is asking.',
    properties: {
      type: {
        enum: ['basic', 'bearer', 'header', 'query'],
        description: '`basic` (user, password), `bearer` (token), `header` or `query` (name, value): a key in a header or parameter of its own.',
      },
      user: { type: 'string', description: 'User of `basic`.' },
      password: { type: 'string', 'x-secret': true, description: 'Password of `basic`.' },
      token: { type: 'string', minLength: 1, 'x-secret': true, description: 'Token of `bearer`.' },
      name: { type: 'string', minLength: 1, description: 'Name of the header or parameter.' },
      value: { type: 'string', minLength: 1, 'x-secret': true, description: 'Its value.' },
    },
  },
  allow_hosts: {
    type: 'array',
    default: [],
    items: { type: 'string', minLength: 1 },
    description: 'Hosts (`host` or `host:port`) besides that of `url` which redirects and next links may lead to. They get no credentials.',
  },
  requests_per_second: { type: 'number', exclusiveMinimum: 0, description: 'Most requests in a second. Default: no limit.' },
  timeout_secs: { type: 'number', exclusiveMinimum: 0, default: 60, description: 'A server that is silent for so long is given up.' },
  retry_limit: { type: 'integer', minimum: 0, maximum: 100, default: 7, 'x-advanced': true, description: 'Tries of one request after the first.' },
  initial_retry_interval_millis: {
    type: 'integer',
    minimum: 0,
    default: 1000,
    'x-advanced': true,
    description: 'Wait before the second try; it doubles each time. `Retry-After` of the server wins.',
  },
  maximum_retry_interval_millis: {
    type: 'integer',
    minimum: 0,
    default: 300_000,
    'x-advanced': true,
    description: 'Longest wait. A server that asks for a longer one fails the request.',
  },
} as const;
