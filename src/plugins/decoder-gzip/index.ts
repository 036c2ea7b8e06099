import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { defineDecoder } from '../../core/spi/index.js';
import { damagedStream } from '../shared/decoder-error.js';
import { gzipSchema } from './schema.js';

export default defineDecoder({
  kind: 'decoder',
  type: 'gzip',
  summary: 'Decompresses gzip, also several members in one file.',
  stability: 'stable',
  schema: gzipSchema,
  examples: [{ title: 'Files that end in .gz without saying so', config: { type: 'gzip' } }],
  extensions: ['.gz'],
  magic: Uint8Array.of(0x1f, 0x8b),

  async *decode(source, _config, ctx) {
    const gunzip = createGunzip({ chunkSize: 256 << 10 });
    // The pipeline destroys the decompressor when the source fails, and the other way round; its own promise says why.
    const done = pipeline(Readable.from(copied(source)), gunzip, { signal: ctx.signal }).then(
      () => undefined,
      (error: unknown) => ({ error }),
    );
    try {
      yield* gunzip as AsyncIterable<Uint8Array>;
    } catch (error) {
      throw explain((await done)?.error ?? error);
    } finally {
      gunzip.destroy();
    }
    const failed = await done;
    if (failed) throw explain(failed.error);
  },
});

function explain(failure: unknown): unknown {
  const { code, message } = failure as NodeJS.ErrnoException;
  // zlib takes a zero behind a member for the end of all, while the source still goes on.
  if (code === 'ERR_STREAM_PREMATURE_CLOSE') return damagedStream('gzip', 'something else follows the last member', failure);
  return typeof code === 'string' && code.startsWith('Z_') ? damagedStream('gzip', message, failure) : failure;
}

/** A source may reuse its buffer for the next chunk, while zlib still reads this one in another thread. */
async function* copied(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) yield Uint8Array.from(chunk);
}
