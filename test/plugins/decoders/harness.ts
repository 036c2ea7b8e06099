import type { DecoderPlugin, PluginContext } from '../../../src/core/spi/index.js';

export const ctx: PluginContext = {
  signal: new AbortController().signal,
  log: { log: () => undefined },
  clock: { now: () => 0, sleep: () => Promise.resolve() },
  root: '/',
  tempDir: '/',
  reach: () => undefined,
  resource: () => Promise.reject(new Error('no resources here')),
};

/** Hands out one buffer again and again, as file readers do. */
export async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(size);
  for (let at = 0; at < bytes.length; at += size) {
    const piece = bytes.subarray(at, at + size);
    buffer.set(piece);
    yield buffer.subarray(0, piece.length);
    await Promise.resolve();
    buffer.fill(0xaa);
  }
}

export async function decode(decoder: DecoderPlugin<never>, bytes: Uint8Array, size = 1000): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of decoder.decode(inPieces(bytes, size), {} as never, ctx)) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}
