import { open } from 'node:fs/promises';
import { fileSystemError } from '../../core/spi/index.js';
import { MAX_RECORD } from './dialect.js';
import { STEP, type RecordScanner } from './record-scanner.js';

const CHUNK = 4 << 20;

/**
 * Sees every record, good or rejected; bounds are those of the scanner, relative to `buf`, whose first byte is at `base`
 * of the file. Answer true to pause the walk, so that what was collected can be handed on.
 */
export interface RecordVisitor {
  record(scanner: RecordScanner, good: boolean, buf: Buffer, base: number): boolean | void;
}

/** A read buffer for one walk at a time; files no larger than it are read in one call. */
export function createWalkBuffer(largestFile = Infinity): Buffer {
  const room = Math.min(largestFile + 1, CHUNK + MAX_RECORD + 16);
  return Buffer.allocUnsafeSlow(room + 1);
}

/** Walks all records of a local UTF-8 file and pauses after each chunk, before its bytes are overwritten. A byte order mark is passed over. */
export async function* walkFile(
  path: string,
  scanner: RecordScanner,
  visitor: RecordVisitor,
  buf: Buffer,
  signal?: AbortSignal,
): AsyncGenerator<void> {
  const room = buf.length - 1;
  try {
    const file = await open(path, 'r');
    try {
      scanner.reset();
      let base = 0;
      let filled = 0;
      let offset = 0;
      let first = true;
      for (;;) {
        signal?.throwIfAborted();
        const { bytesRead } = await file.read(buf, filled, Math.min(room - filled, CHUNK), offset);
        offset += bytesRead;
        filled += bytesRead;
        const final = bytesRead === 0;
        if (first && filled < 3 && !final) continue;
        const from = first && hasMark(buf, filled) ? 3 : 0;
        first = false;
        scanner.feed(buf, from, filled, final);
        let step = scanner.step();
        while (step === STEP.good || step === STEP.reject) {
          if (visitor.record(scanner, step === STEP.good, buf, base) === true) yield;
          step = scanner.step();
        }
        yield;
        if (step === STEP.end) return;
        buf.copyWithin(0, scanner.next, filled);
        base += scanner.next;
        filled -= scanner.next;
      }
    } finally {
      await file.close();
    }
  } catch (error) {
    throw fileSystemError(error, `reading ${path}`);
  }
}

export function hasMark(bytes: Uint8Array, length: number): boolean {
  return length >= 3 && bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}

/** Walks a sample that is already in memory; a last record that was cut is left out. `buf` needs one byte of room. */
export function walkSample(buf: Buffer, length: number, complete: boolean, scanner: RecordScanner, record: (good: boolean) => void): void {
  scanner.reset();
  scanner.feed(buf, hasMark(buf, length) ? 3 : 0, length, complete);
  for (let step = scanner.step(); step === STEP.good || step === STEP.reject; step = scanner.step()) record(step === STEP.good);
}
