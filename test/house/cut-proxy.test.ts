import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { startCutProxy, type CutProxy } from '../servers/cut-proxy.js';

let echo: Server;
let proxy: CutProxy;

test.before.each(async () => {
  echo = createServer((socket: Socket) => {
    socket.on('error', () => socket.destroy());
    socket.pipe(socket);
  });
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  proxy = await startCutProxy({ host: '127.0.0.1', port: (echo.address() as AddressInfo).port });
});

test.after.each(async () => {
  await proxy.stop();
  await new Promise((resolve) => echo.close(resolve));
});

/** Sends `bytes` and gathers what comes back, until the connection ends or `enough` arrived. */
async function talk(bytes: Buffer, enough = Number.POSITIVE_INFINITY): Promise<{ got: Buffer; end: string }> {
  const socket = connect(proxy.port, proxy.host);
  const chunks: Buffer[] = [];
  let size = 0;
  const end = new Promise<string>((resolve) => {
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size >= enough) resolve('enough');
    });
    socket.once('end', () => resolve('end'));
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
  });
  socket.write(bytes);
  const how = await end;
  socket.destroy();
  return { got: Buffer.concat(chunks), end: how };
}

const megabyte = Buffer.from(Array.from({ length: 1 << 20 }, (_, i) => i & 255));

test('bytes pass unchanged, at full speed and limited', async () => {
  assert.equal(await talk(megabyte, megabyte.length), { got: megabyte, end: 'enough' });
  proxy.set({ bytesPerSecond: 1_000_000 });
  const started = Date.now();
  assert.is((await talk(megabyte.subarray(0, 300_000), 300_000)).got.length, 300_000);
  assert.ok(Date.now() - started >= 250, 'a limited connection takes its time');
  proxy.set({ delayMs: 100 });
  const delayed = Date.now();
  assert.is((await talk(Buffer.from('x'), 1)).got.toString(), 'x');
  assert.ok(Date.now() - delayed >= 195, 'there and back');
});

test('a side that often has to wait leaves no listeners behind', async () => {
  const warnings: string[] = [];
  const warn = (warning: Error): void => void warnings.push(warning.message);
  process.on('warning', warn);
  try {
    const socket = connect(proxy.port, proxy.host);
    socket.write(Buffer.alloc(32 << 20));
    // Read in turns, so that the proxy's own buffer fills again and again.
    for (let left = 32 << 20; left > 0;) {
      await once(socket, 'readable');
      for (let part = socket.read() as Buffer | null; part !== null; part = socket.read() as Buffer | null) left -= part.length;
      await new Promise((resolve) => setImmediate(resolve));
    }
    socket.destroy();
  } finally {
    process.off('warning', warn);
  }
  assert.equal(warnings, []);
});

test('an orderly cut delivers exactly the bytes before it, a reset breaks off', async () => {
  proxy.set({ cutAfter: { direction: 'down', bytes: 1000, mode: 'end' } });
  assert.equal(await talk(megabyte.subarray(0, 5000)), { got: megabyte.subarray(0, 1000), end: 'end' });
  proxy.set({ cutAfter: { direction: 'up', bytes: 10, mode: 'reset' } });
  assert.is((await talk(megabyte.subarray(0, 5000))).end, 'ECONNRESET');
});

test('rules by connection, pauses and refusals', async () => {
  proxy.set((connection) => (connection === 1 ? { refuse: true } : {}));
  assert.is((await talk(Buffer.from('a'), 1)).end, 'ECONNRESET');
  assert.is((await talk(Buffer.from('a'), 1)).end, 'enough');
  proxy.set({ pauseAfter: { direction: 'down', bytes: 3 } });
  const before = proxy.passed.down;
  const paused = talk(Buffer.from('abcdef'), 6);
  await proxy.whenPassed('down', before + 3);
  assert.is(proxy.passed.down, before + 3);
  proxy.set({});
  assert.is((await paused).got.toString(), 'abcdef');
  proxy.set({ pauseAfter: { direction: 'down', bytes: 0 } });
  const cut = talk(Buffer.from('abc'));
  await proxy.whenPassed('up', proxy.passed.up + 3);
  assert.is(proxy.cut(), 1);
  assert.is((await cut).end, 'ECONNRESET');
});

test.run();
