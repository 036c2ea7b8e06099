import { closeSync, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { fileSystemError } from '../../core/spi/index.js';

export const CHUNK_BYTES = 4 << 20;

/** The beginning of a text; `complete` when that is all of it. */
export interface Head {
  readonly bytes: Buffer;
  readonly complete: boolean;
}

/**
 * Reads a local file in order. Each chunk is only valid until the next one is asked for. A reader of many small files
 * passes a `buffer` for all of them, one after the other.
 */
export async function* fileChunks(
  path: string,
  options: { readonly signal?: AbortSignal; readonly chunkBytes?: number; readonly buffer?: Buffer } = {},
): AsyncGenerator<Uint8Array> {
  try {
    const file = await open(path, 'r');
    try {
      const buffer = options.buffer ?? Buffer.allocUnsafeSlow(Math.max(1, Math.min(options.chunkBytes ?? CHUNK_BYTES, (await file.stat()).size + 1)));
      for (;;) {
        options.signal?.throwIfAborted();
        const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
        if (bytesRead === 0) return;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    throw fileSystemError(error, `reading ${path}`);
  }
}

/**
 * Reads a whole file of an expected size into `room`, which must hold more than that; the answer lies in it. For many small files:
 * in this thread, since handing each of three calls to another one costs more than what they do. Others have their turn in between.
 * A file that has grown is cut, one that has shrunk is short.
 */
export async function readSmall(path: string, size: number, room: Buffer): Promise<Buffer> {
  await setImmediate();
  try {
    const file = openSync(path, 'r');
    try {
      let filled = 0;
      while (filled < size) {
        const bytesRead = readSync(file, room, filled, size - filled, filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return room.subarray(0, filled);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw fileSystemError(error, `reading ${path}`);
  }
}

/** The first bytes of a file, at most `length`. */
export async function readHead(path: string, length: number): Promise<Head> {
  try {
    const file = await open(path, 'r');
    try {
      const size = Math.min(length, (await file.stat()).size) + 1;
      const buffer = Buffer.allocUnsafeSlow(size);
      let filled = 0;
      while (filled < size) {
        const { bytesRead } = await file.read(buffer, filled, size - filled, filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      const complete = filled <= length && filled < size;
      return { bytes: buffer.subarray(0, Math.min(filled, length)), complete };
    } finally {
      await file.close();
    }
  } catch (error) {
    throw fileSystemError(error, `reading ${path}`);
  }
}

/** Pieces of a file at equal distances, none at its start; each is good until the next one is asked for. */
export async function* readWindows(path: string, size: number, windows: { readonly count: number; readonly bytes: number }): AsyncGenerator<Buffer> {
  try {
    const file = await open(path, 'r');
    try {
      const buffer = Buffer.allocUnsafeSlow(windows.bytes);
      for (let i = 1; i <= windows.count; i++) {
        const { bytesRead } = await file.read(buffer, 0, buffer.length, Math.floor((size * i) / (windows.count + 1)));
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    throw fileSystemError(error, `reading ${path}`);
  }
}

/** The first bytes of a stream, at most `length`; the rest is not read. */
export async function streamHead(source: AsyncIterable<Uint8Array>, length: number): Promise<Head> {
  const parts: Uint8Array[] = [];
  let filled = 0;
  for await (const part of source) {
    parts.push(Uint8Array.from(part));
    filled += part.length;
    if (filled > length) return { bytes: Buffer.concat(parts).subarray(0, length), complete: false };
  }
  return { bytes: Buffer.concat(parts), complete: true };
}
