import type { Secret } from '../../../core/spi/index.js';

/** Config keys of the plugins that sign in to Google; they may also come from a named connection of sluice.yml. */
export interface GoogleAuthConfig {
  readonly auth_method?: 'service_account' | 'refresh_token' | 'application_default';
  readonly json_keyfile?: string | { readonly content: string | Secret };
  readonly client_id?: string;
  readonly client_secret?: string | Secret;
  readonly refresh_token?: string | Secret;
  readonly token_uri?: string;
}

export const googleAuthProperties = {
  auth_method: {
    'x-connection': true,
    enum: ['service_account', 'refresh_token', 'application_default'],
    description:
      'How to sign in. Left out, the keys decide: `json_keyfile` is a service account, `refresh_token` a user; with neither, the application default credentials of the machine.',
  },
  json_keyfile: {
    'x-connection': true,
    description: "A service account's key: the path of its JSON file, or `content` with the JSON itself, as a reference.",
    anyOf: [
      { type: 'string', minLength: 1 },
      {
        type: 'object',
        additionalProperties: false,
        required: ['content'],
        properties: {
          content: {
            type: 'string',
            minLength: 1,
            'x-secret': true,
            description: 'The JSON of the key, e.g. `{env: GOOGLE_KEY}` or `{file: PATH}`.',
          },
        },
      },
    ],
  },
  client_id: { type: 'string', minLength: 1, 'x-connection': true, description: 'Client of an OAuth refresh token.' },
  client_secret: { type: 'string', minLength: 1, 'x-secret': true, 'x-connection': true, description: "The client's secret." },
  refresh_token: {
    type: 'string',
    minLength: 1,
    'x-secret': true,
    'x-connection': true,
    description: 'OAuth refresh token of a user who may read the data.',
  },
  token_uri: {
    type: 'string',
    minLength: 1,
    'x-connection': true,
    'x-advanced': true,
    description:
      "Where tokens are asked for; https only. Default: the key file's own `token_uri`, else Google's. Link-local and metadata addresses are refused.",
  },
} as const;
