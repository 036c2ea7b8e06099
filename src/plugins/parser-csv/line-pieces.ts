import { open } from 'node:fs/promises';
import { fileSystemError } from '../../core/spi/index.js';
import { CHUNK_BYTES } from '../shared/file-chunks.js';
import { MAX_RECORD } from './dialect.js';
import { hasMark } from './walk-records.js';

/** Whole lines of a file, each with its end; behind the last line of the file an end may stand at `to`, which is not the file's. */
export interface LinePiece {
  readonly bytes: Buffer;
  readonly from: number;
  readonly to: number;
  /** Of the byte at `from` in the file. */
  readonly offset: number;
}

/** A line begins in front of the piece in which it ends. */
const ROOM = MAX_RECORD + 16;

/** Two, so that one is read into while the other is looked through; for one file after the other. */
export function createPieceBuffers(largestFile: number): readonly [Buffer, Buffer] {
  const size = ROOM + Math.min(CHUNK_BYTES, largestFile) + 1;
  return [Buffer.allocUnsafeSlow(size), Buffer.allocUnsafeSlow(size)];
}

/** The lines of a file, each piece good until the next one is asked for; a byte order mark is passed over. Throws RangeError for a line longer than a record may be. */
export async function* readLinePieces(
  path: string,
  lineEnd: number,
  buffers: readonly [Buffer, Buffer],
  signal: AbortSignal,
): AsyncGenerator<LinePiece> {
  try {
    const file = await open(path, 'r');
    let reading: Promise<number> | undefined;
    try {
      let [bytes, other] = buffers;
      const read = async (into: Buffer): Promise<number> => (await file.read(into, ROOM, into.length - ROOM - 1, null)).bytesRead;
      let offset = 0;
      let rest = 0;
      reading = read(bytes);
      for (;;) {
        signal.throwIfAborted();
        const filled: number = await reading;
        const to = ROOM + filled;
        if (filled > 0) reading = read(other);
        const mark = offset === 0 && rest === 0 && hasMark(bytes.subarray(ROOM), filled) ? 3 : 0;
        const from = ROOM - rest + mark;
        if (filled === 0) {
          bytes[to] = lineEnd;
          if (rest > 0) yield { bytes, from, to, offset: offset - rest };
          return;
        }
        const end = bytes.lastIndexOf(lineEnd, to - 1) + 1;
        if (end > from) yield { bytes, from, to: end, offset: offset - rest + mark };
        const begun = Math.max(end, from);
        rest = to - begun;
        if (rest > ROOM) throw new RangeError(`${path}: a line is longer than ${ROOM} bytes`);
        bytes.copy(other, ROOM - rest, begun, to);
        offset += filled;
        [bytes, other] = [other, bytes];
      }
    } finally {
      await Promise.allSettled([reading]);
      await file.close();
    }
  } catch (error) {
    throw fileSystemError(error, `reading ${path}`);
  }
}
