import { defineDecoder } from '../../core/spi/index.js';
import { zstdSchema } from './schema.js';
import { openZstdStream } from './zstd-stream.js';

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
    const stream = await openZstdStream();
    for await (const chunk of source) {
      ctx.signal.throwIfAborted();
      yield* stream.push(chunk);
    }
    stream.end();
  },
});
