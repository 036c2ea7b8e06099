import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { EncoderPlugin, PluginContext } from '../../../src/core/spi/index.js';
import bzip2Decoder from '../../../src/plugins/decoder-bzip2/index.js';
import bzip2 from '../../../src/plugins/encoder-bzip2/index.js';
import gzip from '../../../src/plugins/encoder-gzip/index.js';
import zstd from '../../../src/plugins/encoder-zstd/index.js';

const test = suite('encoders');
const context = { signal: new AbortController().signal } as PluginContext;

/** Pieces of `step` bytes, always in the same buffer, as sources may do. */
async function* pieces(bytes: Uint8Array, step: number): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.alloc(step);
  for (let at = 0; at < bytes.length; at += step) {
    const piece = bytes.subarray(at, at + step);
    buffer.set(piece);
    yield buffer.subarray(0, piece.length);
  }
}

async function all(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const chunk of chunks) parts.push(Buffer.from(chunk));
  return Buffer.concat(parts);
}

async function encode<C>(plugin: EncoderPlugin<C>, config: C, bytes: Uint8Array, step = 65_536): Promise<Buffer> {
  return all(plugin.encode(pieces(bytes, step), config, context));
}

const rows = Buffer.from(Array.from({ length: 40_000 }, (_, i) => `${i},name ${i % 97},${(i * 7919) % 1000}\n`).join(''));
const samples: readonly (readonly [string, Buffer])[] = [
  ['nothing', Buffer.alloc(0)],
  ['one byte', Buffer.from('x')],
  ['four equal bytes', Buffer.from('aaaa')],
  ['a run that ends at its longest', Buffer.concat([Buffer.alloc(255, 97), Buffer.alloc(256, 97), Buffer.from('b')])],
  ['one value, many times', Buffer.alloc(300_000, 7)],
  ['a period', Buffer.from('abcabc'.repeat(20_000))],
  ['all bytes', Buffer.from(Array.from({ length: 256 * 30 }, (_, i) => (i * 31) % 256))],
  ['noise', randomBytes(150_000)],
  ['rows', rows],
];

test('bzip2 is read by our decoder and, where it is installed, by bzip2 itself', async () => {
  const program = spawnSync('bzip2', ['--help']).status === 0;
  for (const [name, bytes] of samples) {
    for (const level of [1, 9]) {
      const encoded = await encode(bzip2, { level }, bytes, 30_011);
      const decoded = await all(bzip2Decoder.decode(pieces(encoded, 4096), {}, context));
      assert.ok(decoded.equals(bytes), `${name}, level ${level}`);
      if (program)
        assert.ok(spawnSync('bzip2', ['-dc'], { input: encoded, maxBuffer: 1 << 28 }).stdout.equals(bytes), `${name}, level ${level}: bzip2 -d`);
    }
  }
});

test('bzip2 makes several blocks, and small ones of regular data', async () => {
  const encoded = await encode(bzip2, { level: 1 }, rows);
  assert.ok(rows.length > 700_000);
  assert.ok(encoded.length < rows.length / 4, `${encoded.length} of ${rows.length}`);
});

test('gzip is read by zlib', async () => {
  for (const [name, bytes] of samples) {
    for (const config of [{}, { level: 0 }, { level: 9 }]) assert.ok(gunzipSync(await encode(gzip, config, bytes, 999)).equals(bytes), name);
  }
});

test('an encoder fails with its source', async () => {
  const broken = async function* (): AsyncGenerator<Uint8Array> {
    yield rows.subarray(0, 1000);
    throw new Error('the disk is gone');
  };
  for (const plugin of [gzip, bzip2] as readonly EncoderPlugin[]) {
    const error = await all(plugin.encode(broken(), {}, context)).catch((thrown: unknown) => thrown);
    assert.is((error as Error).message, 'the disk is gone', plugin.type);
  }
});

test('DuckDB takes over where it can write the same', () => {
  assert.is(gzip.copyOptions?.({}), 'COMPRESSION gzip');
  assert.is(gzip.copyOptions?.({ level: 9 }), undefined);
  assert.is(zstd.copyOptions?.({}), 'COMPRESSION zstd');
  assert.is(bzip2.copyOptions, undefined);
});

test.run();
