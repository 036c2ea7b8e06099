import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RemoteError, type PluginContext } from '../../../src/core/spi/index.js';
import { connectSftp, type SftpConnection } from '../../../src/plugins/output-sftp/connect.js';

test('a server that hangs up before it says a word is asked again', async () => {
  for (const word of ['', 'Exceeded MaxStartups\r\n']) {
    const server = createServer((socket) => socket.on('error', () => undefined).end(word)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const config = { host: '127.0.0.1', port, user: 'me', password: 'secret', host_fingerprint: 'SHA256:x', connect_timeout_secs: 5 };
    try {
      await connectSftp(config as unknown as SftpConnection, { signal: new AbortController().signal, root: '/' } as PluginContext);
      assert.unreachable();
    } catch (error) {
      assert.instance(error, RemoteError);
      assert.is((error as RemoteError).code, 'SFTP');
      assert.is((error as RemoteError).retryable, true);
      assert.match((error as RemoteError).message, `connecting to sftp me@127.0.0.1:${port}: `);
      assert.match((error as RemoteError).hint ?? '', 'MaxStartups');
    } finally {
      server.close();
    }
  }
});

test.run();
