/** Keys of the connection to an S3 service, for the schemas of its inputs and outputs. Names are Embulk's where it has them. */
export const S3_CONNECTION_PROPERTIES = {
  bucket: { type: 'string', minLength: 1, description: 'The bucket.' },
  region: {
    type: 'string',
    minLength: 1,
    description: 'Region of the bucket, e.g. `ap-northeast-1`. Default: the environment and profile, else `us-east-1`.',
  },
  endpoint: {
    type: 'string',
    minLength: 1,
    description: 'Address of a compatible service, e.g. `https://minio.example.com:9000`. Default: AWS.',
  },
  path_style: {
    type: 'boolean',
    description: 'Put the bucket into the path instead of the host name. Default: true with an endpoint outside AWS, else false.',
  },
  auth_method: {
    enum: ['default', 'basic', 'session', 'env', 'profile', 'properties', 'instance', 'web_identity', 'anonymous'],
    description:
      "How to sign: `basic` (access_key_id, secret_access_key), `session` (with session_token, too), `env` (AWS_* variables), `profile` (AWS config files), `properties` (a file with accessKey and secretKey), `instance` (role of the machine or container), `web_identity` (a token file), `anonymous`; `default` tries the SDK's chain. Default: `basic` with an access_key_id, else `default`.",
  },
  access_key_id: { type: 'string', minLength: 1, 'x-secret': true, description: 'Access key id, with `basic` and `session`.' },
  secret_access_key: { type: 'string', minLength: 1, 'x-secret': true, description: 'Secret access key, with `basic` and `session`.' },
  session_token: { type: 'string', minLength: 1, 'x-secret': true, description: 'Session token, with `session`.' },
  profile_name: { type: 'string', minLength: 1, description: 'Profile, with `profile` and `default`. Default: AWS_PROFILE, else `default`.' },
  profile_file: {
    type: 'string',
    minLength: 1,
    description: 'Credentials file of `profile` (default: ~/.aws/credentials), or the file of `properties`.',
  },
  role_arn: {
    type: 'string',
    minLength: 1,
    description: 'Role to take with these credentials; with `web_identity` the role of the token (default: AWS_ROLE_ARN).',
  },
  web_identity_token_file: {
    type: 'string',
    minLength: 1,
    description: 'Token file of `web_identity`. Default: AWS_WEB_IDENTITY_TOKEN_FILE.',
  },
  http_proxy: {
    type: 'object',
    additionalProperties: false,
    required: ['host'],
    'x-advanced': true,
    description: 'HTTP proxy on the way to the service.',
    properties: {
      host: { type: 'string', minLength: 1, description: 'Its host.' },
      port: { type: 'integer', minimum: 1, maximum: 65535, description: 'Its port. Default: 80, with https 443.' },
      https: { type: 'boolean', default: true, description: 'Speak TLS with the proxy itself.' },
      user: { type: 'string', minLength: 1, description: 'User at the proxy.' },
      password: { type: 'string', 'x-secret': true, description: 'Password at the proxy.' },
    },
  },
  maximum_retries: {
    type: 'integer',
    minimum: 0,
    maximum: 100,
    default: 7,
    'x-advanced': true,
    description: 'Tries of one request after the first.',
  },
  initial_retry_interval_millis: {
    type: 'integer',
    minimum: 0,
    default: 500,
    'x-advanced': true,
    description: 'Wait before a transfer that was cut is continued; it doubles each time.',
  },
  maximum_retry_interval_millis: { type: 'integer', minimum: 0, default: 30_000, 'x-advanced': true, description: 'Longest such wait.' },
} as const;
