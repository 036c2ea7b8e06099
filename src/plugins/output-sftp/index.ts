import type { PluginContext } from '../../core/spi/index.js';
import { defineObjectOutput, type ObjectOutputConfig } from '../shared/object-output/index.js';
import { connectSftp, type SftpConnection } from './connect.js';
import { sftpOutputSchema } from './schema.js';
import { createSftpPlace } from './sftp-place.js';

interface SftpConfig extends ObjectOutputConfig, SftpConnection {}

export default defineObjectOutput<SftpConfig>({
  type: 'sftp',
  summary: 'Files of an SSH server: written under another name first, then renamed; the server must prove who it is.',
  stability: 'beta',
  schema: sftpOutputSchema,
  examples: [
    {
      title: 'With a key',
      config: {
        type: 'sftp',
        host: 'files.example.com',
        user: 'export',
        private_key: { env: 'SFTP_KEY' },
        path_prefix: 'incoming/orders_',
        formatter: { type: 'csv' },
      },
    },
  ],
  probesInPlan: true,
  open: (folder, config, ctx) => Promise.resolve(createSftpPlace(folder, config, () => connectSftp(config, ctx))),

  async probe(config: SftpConfig, ctx: PluginContext) {
    const client = await connectSftp(config, ctx);
    try {
      return `SFTP server, login folder ${await client.cwd()}`;
    } finally {
      await client.end();
    }
  },
});
