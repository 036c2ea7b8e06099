import { createReadStream } from 'node:fs';

/** How much of a spool is read at once, in bytes. */
export const READ_BYTES = 1 << 20;

/** Finished spool files, one after the other. */
export async function* readFiles(files: readonly string[]): AsyncIterable<Buffer> {
  for (const file of files) yield* createReadStream(file, { highWaterMark: READ_BYTES }) as AsyncIterable<Buffer>;
}
