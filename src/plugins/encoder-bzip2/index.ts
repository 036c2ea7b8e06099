import { setImmediate } from 'node:timers/promises';
import { defineEncoder } from '../../core/spi/index.js';
import { BitWriter } from './bit-writer.js';
import { writeBlock } from './block.js';
import { RunLengthBlock } from './run-length-block.js';
import { bzip2EncoderSchema } from './schema.js';

interface Bzip2Config {
  readonly level?: number;
}

export default defineEncoder<Bzip2Config>({
  kind: 'encoder',
  type: 'bzip2',
  summary: 'Compresses with bzip2 (slow: about a megabyte a second).',
  stability: 'stable',
  schema: bzip2EncoderSchema,
  examples: [{ title: 'For receivers that take nothing else', config: { type: 'bzip2' } }],
  extension: '.bz2',

  async *encode(source, config, ctx) {
    const level = config.level ?? 9;
    const out = new BitWriter();
    const block = new RunLengthBlock(level * 100_000 - 19);
    let combined = 0;
    for (const byte of [0x42, 0x5a, 0x68, 0x30 + level]) out.write(8, byte);
    const end = (): void => {
      const { data, crc } = block.finish();
      combined = (((combined << 1) | (combined >>> 31)) ^ crc) >>> 0;
      writeBlock(data, crc, out);
    };
    for await (const chunk of source) {
      let at = 0;
      while (at < chunk.length) {
        at = block.add(chunk, at);
        if (at === chunk.length) break;
        end();
        yield out.take();
        // Sorting a block takes a while; others want their turn.
        await setImmediate();
        ctx.signal.throwIfAborted();
      }
    }
    if (!block.isEmpty) end();
    out.write(24, 0x177245);
    out.write(24, 0x385090);
    out.write32(combined);
    out.padToByte();
    yield out.take();
  },
});
