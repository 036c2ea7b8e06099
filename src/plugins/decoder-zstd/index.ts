import { defineDecoder, type PluginContext } from '../../core/spi/index.js';
import { damagedStream } from '../shared/decoder-error.js';
import { ByteQueue } from './byte-queue.js';
import { FRAME_MAGIC, readFrameHeader, takeAll } from './frame-header.js';
import { zstdSchema } from './schema.js';

const MAX_BLOCK = 128 << 10;
const RLE = 1;
const RESERVED = 3;

export default defineDecoder({
  kind: 'decoder',
  type: 'zstd',
  summary: 'Decompresses Zstandard, also several frames in one file; checksums are verified.',
  stability: 'stable',
  schema: zstdSchema,
  examples: [{ title: 'Files that end in .zst without saying so', config: { type: 'zstd' } }],
  extensions: ['.zst'],
  magic: Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd),

  async *decode(source, _config, ctx) {
    const queue = new ByteQueue(source);
    try {
      for (;;) {
        const start = await queue.take(4);
        if (start.length === 0) return;
        if (start.length < 4) throw damagedStream('zstd', 'the stream ends too early');
        const magic = Buffer.from(start).readUInt32LE(0);
        if (magic === FRAME_MAGIC) yield* decodeFrame(queue, start, ctx);
        else if (magic >>> 4 === 0x184d2a5) await skipFrame(queue);
        else throw damagedStream('zstd', 'the data is not zstd, or something else follows the last frame');
      }
    } finally {
      await queue.close();
    }
  },
});

async function skipFrame(queue: ByteQueue): Promise<void> {
  const size = Buffer.from(await takeAll(queue, 4)).readUInt32LE(0);
  if (!(await queue.skip(size))) throw damagedStream('zstd', 'the stream ends too early');
}

/** Feeds one block at a time, so that a few bytes that stand for gigabytes never unfold at once. */
async function* decodeFrame(queue: ByteQueue, magic: Uint8Array, ctx: PluginContext): AsyncGenerator<Uint8Array> {
  const [{ Decompress }, { default: xxhash }] = await Promise.all([import('fzstd'), import('xxhash-wasm')]);
  const header = await readFrameHeader(queue);
  const hash = header.checksum ? (await xxhash()).create64() : undefined;
  let decoded: Uint8Array[] = [];
  const decompress = new Decompress((data) => decoded.push(data));
  const push = (bytes: Uint8Array, last: boolean): Uint8Array[] => {
    decoded = [];
    try {
      decompress.push(bytes, last);
    } catch (error) {
      throw damagedStream('zstd', error instanceof Error ? error.message : String(error), error);
    }
    return decoded.filter((data) => data.length > 0);
  };
  push(Buffer.concat([magic, header.bytes]), false);
  let size = 0;
  for (let last = false; !last;) {
    ctx.signal.throwIfAborted();
    const head = await takeAll(queue, 3);
    const word = (head[0] as number) | ((head[1] as number) << 8) | ((head[2] as number) << 16);
    last = (word & 1) === 1;
    const kind = (word >> 1) & 3;
    const length = word >> 3;
    if (kind === RESERVED || length > MAX_BLOCK) throw damagedStream('zstd', 'a block header is wrong');
    const content = await takeAll(queue, kind === RLE ? 1 : length);
    for (const data of push(Buffer.concat([head, content]), last && !header.checksum)) {
      size += data.length;
      hash?.update(data);
      yield data;
    }
  }
  const stored = header.checksum ? await takeAll(queue, 4) : new Uint8Array(0);
  // A block may come out only when more bytes follow it.
  for (const data of header.checksum ? push(stored, true) : []) {
    size += data.length;
    hash?.update(data);
    yield data;
  }
  if (header.size !== undefined && header.size !== size) throw damagedStream('zstd', `the frame should hold ${header.size} bytes, but holds ${size}`);
  if (hash && BigInt(Buffer.from(stored).readUInt32LE(0)) !== (hash.digest() & 0xffffffffn)) throw damagedStream('zstd', 'the checksum is wrong');
}
