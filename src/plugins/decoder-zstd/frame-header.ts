import { damagedStream } from '../shared/decoder-error.js';
import type { ByteQueue } from './byte-queue.js';

export const FRAME_MAGIC = 0xfd2fb528;
/** What the zstd command accepts without `--long`. */
const MAX_WINDOW = 128 << 20;
const DICTIONARY_BYTES = [0, 1, 2, 4] as const;
const SIZE_BYTES = [0, 2, 4, 8] as const;

/** Frame header of RFC 8878, 3.1.1.1. */
export interface FrameHeader {
  /** The header's bytes after the magic. */
  readonly bytes: Uint8Array;
  readonly checksum: boolean;
  /** Size of the content where the frame says it. */
  readonly size: number | undefined;
}

export async function readFrameHeader(queue: ByteQueue): Promise<FrameHeader> {
  const descriptor = (await takeAll(queue, 1))[0] as number;
  const single = (descriptor & 0x20) !== 0;
  if ((descriptor & 0x08) !== 0) throw damagedStream('zstd', 'a reserved bit of a frame header is set');
  const dictionary = DICTIONARY_BYTES[(descriptor & 3) as 0 | 1 | 2 | 3];
  const sizeFlag = (descriptor >> 6) as 0 | 1 | 2 | 3;
  const sizeBytes = sizeFlag === 0 && single ? 1 : SIZE_BYTES[sizeFlag];
  const rest = await takeAll(queue, (single ? 0 : 1) + dictionary + sizeBytes);
  const view = Buffer.from(rest.buffer, rest.byteOffset, rest.length);
  const dictionaryAt = single ? 0 : 1;
  if (view.subarray(dictionaryAt, dictionaryAt + dictionary).some((byte) => byte !== 0))
    throw damagedStream('zstd', 'the frame needs a dictionary, which is not supported');
  const size = readSize(view.subarray(dictionaryAt + dictionary), sizeBytes);
  const window = single ? (size ?? 0) : windowSize(view[0] as number);
  if (window > MAX_WINDOW)
    throw damagedStream(
      'zstd',
      `the frame needs a window of ${Math.ceil(window / 1048576)} MiB, more than the 128 MiB that are allowed (was it written with --long?)`,
    );
  return { bytes: Buffer.concat([Uint8Array.of(descriptor), rest]), checksum: (descriptor & 4) !== 0, size };
}

function readSize(bytes: Buffer, length: 0 | 1 | 2 | 4 | 8): number | undefined {
  switch (length) {
    case 0:
      return undefined;
    case 1:
      return bytes[0];
    case 2:
      return bytes.readUInt16LE(0) + 256;
    case 4:
      return bytes.readUInt32LE(0);
    case 8:
      return Number(bytes.readBigUInt64LE(0));
  }
}

function windowSize(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 7);
}

export async function takeAll(queue: ByteQueue, count: number): Promise<Uint8Array> {
  const bytes = await queue.take(count);
  if (bytes.length < count) throw damagedStream('zstd', 'the stream ends too early');
  return bytes;
}
