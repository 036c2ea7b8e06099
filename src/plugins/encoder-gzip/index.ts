import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { defineEncoder } from '../../core/spi/index.js';
import { gzipEncoderSchema } from './schema.js';

interface GzipConfig {
  readonly level?: number;
}

export default defineEncoder<GzipConfig>({
  kind: 'encoder',
  type: 'gzip',
  summary: 'Compresses with gzip.',
  stability: 'stable',
  schema: gzipEncoderSchema,
  examples: [{ title: 'As small as it gets', config: { type: 'gzip', level: 9 } }],
  extension: '.gz',
  copyOptions: (config) => (config.level === undefined ? 'COMPRESSION gzip' : undefined),

  async *encode(source, config, ctx) {
    const gzip = createGzip({ chunkSize: 256 << 10, ...(config.level === undefined ? {} : { level: config.level }) });
    // The pipeline destroys the compressor when the source fails; its own promise says why.
    const done = pipeline(Readable.from(copied(source)), gzip, { signal: ctx.signal }).then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    try {
      yield* gzip as AsyncIterable<Uint8Array>;
    } catch (error) {
      throw (await done)?.error ?? error;
    } finally {
      gzip.destroy();
    }
    const failed = await done;
    if (failed) throw failed.error;
  },
});

/** A source may reuse its buffer for the next chunk, while zlib still reads this one in another thread. */
async function* copied(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) yield Uint8Array.from(chunk);
}
