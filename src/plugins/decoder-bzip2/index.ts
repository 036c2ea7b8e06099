import { defineDecoder } from '../../core/spi/index.js';
import { damagedStream } from '../shared/decoder-error.js';
import { BitReader, EndOfBits } from './bit-reader.js';
import { BLOCK_MAGIC, Bzip2Error, END_MAGIC, readBlock, writeBlock } from './block.js';
import { bzip2Schema } from './schema.js';

/** No coded block can be longer: 18,002 groups of 50 symbols of 20 bits, and its tables. */
const BLOCK_INPUT = 2_300_000;

export default defineDecoder({
  kind: 'decoder',
  type: 'bzip2',
  summary: 'Decompresses bzip2, also several streams in one file; every checksum is verified.',
  stability: 'stable',
  schema: bzip2Schema,
  examples: [{ title: 'Files that end in .bz2 without saying so', config: { type: 'bzip2' } }],
  extensions: ['.bz2'],
  magic: Uint8Array.of(0x42, 0x5a, 0x68),

  async *decode(source, _config, ctx) {
    const bits = new BitReader();
    const input = source[Symbol.asyncIterator]();
    let ended = false;
    // A block is decoded only once all of it must be there, so that decoding itself need not wait.
    const fill = async (): Promise<void> => {
      const parts: Uint8Array[] = [];
      let filled = bits.available;
      while (!ended && filled < BLOCK_INPUT) {
        ctx.signal.throwIfAborted();
        const { done, value } = await input.next();
        if (done) ended = true;
        else {
          parts.push(Uint8Array.from(value));
          filled += value.length;
        }
      }
      if (parts.length > 0) bits.append(Buffer.concat(parts));
    };
    try {
      await fill();
      let first = true;
      while (!bits.empty) {
        const size = readStreamHeader(bits, first);
        if (size === undefined) return;
        first = false;
        const room = new Uint32Array(size);
        let combined = 0;
        for (;;) {
          await fill();
          if (!isBlock(bits)) break;
          const block = readBlock(bits, room);
          yield* writeBlock(block);
          combined = (((combined << 1) | (combined >>> 31)) ^ block.crc) >>> 0;
        }
        if (bits.read32() !== combined) throw new Bzip2Error('the stream has a wrong checksum');
        bits.alignToByte();
        await fill();
      }
    } catch (error) {
      if (error instanceof EndOfBits) throw damagedStream('bzip2', 'the stream ends too early', error);
      if (error instanceof Bzip2Error) throw damagedStream('bzip2', error.message, error);
      throw error;
    } finally {
      await input.return?.();
    }
  },
});

/** Bytes per block of the stream that starts here; undefined for zero padding after the last one. */
function readStreamHeader(bits: BitReader, first: boolean): number | undefined {
  const magic = bits.read(8);
  if (magic === 0 && !first) return undefined;
  const level = magic === 0x42 && bits.read(8) === 0x5a && bits.read(8) === 0x68 ? bits.read(8) - 0x30 : 0;
  if (level < 1 || level > 9) throw new Bzip2Error(first ? 'the data is not bzip2' : 'something else follows the last stream');
  return level * 100_000;
}

function isBlock(bits: BitReader): boolean {
  const high = bits.read(24);
  const low = bits.read(24);
  if (high === BLOCK_MAGIC[0] && low === BLOCK_MAGIC[1]) return true;
  if (high === END_MAGIC[0] && low === END_MAGIC[1]) return false;
  throw new Bzip2Error('neither a block nor the end of the stream follows');
}
