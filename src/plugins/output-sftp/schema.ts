import type { ConfigSchema } from '../../core/spi/index.js';
import { objectOutputProperties } from '../shared/object-output/index.js';

export const sftpOutputSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['host', 'user'],
  properties: {
    type: { const: 'sftp', description: 'Files of an SSH server.' },
    host: { type: 'string', minLength: 1, description: 'Name or address of the server.' },
    port: { type: 'integer', minimum: 1, maximum: 65535, default: 22, description: 'Its port.' },
    user: { type: 'string', minLength: 1, description: 'User to log in as.' },
    password: { type: 'string', 'x-secret': true, description: 'Password; either this or a key.' },
    private_key: { type: 'string', 'x-secret': true, description: 'Private key in OpenSSH or PEM form, e.g. `{file: ~/.ssh/id_ed25519}`.' },
    passphrase: { type: 'string', 'x-secret': true, description: 'Passphrase of the private key.' },
    host_fingerprint: {
      type: 'string',
      pattern: '^SHA256:[A-Za-z0-9+/]{43}=?$',
      'x-expected': 'a fingerprint such as SHA256:… (43 characters), as `ssh-keygen -lf` shows it',
      description: "Fingerprint of the server's key, `SHA256:…`. Without it the server must be in `known_hosts`.",
    },
    known_hosts: { type: 'string', minLength: 1, description: 'File with the keys of known servers. Default: `~/.ssh/known_hosts`.' },
    connect_timeout_secs: { type: 'integer', minimum: 1, default: 30, 'x-advanced': true, description: 'How long to wait for the server to answer.' },
    ...objectOutputProperties,
  },
} as const satisfies ConfigSchema;
