import { createHash } from 'node:crypto';
import type { ByteSearch, PairOf } from './byte-search.js';
import { isBlank } from './json-scanner.js';

export interface LineScan {
  /** `sha256:<hex>` of the raw bytes. */
  readonly hash: string;
  readonly bytes: number;
  /** Lines with at least one byte that is no white space. */
  readonly lines: number;
  /** With `search` at least the longest line, and at most a chunk where that is more. */
  readonly longestLine: number;
  readonly startsWithBom: boolean;
}

export interface LineScanOptions {
  /** For large amounts: lines are counted, not visited. */
  readonly search?: ByteSearch;
  /** Sees every chunk. */
  onChunk?(chunk: Buffer): void;
}

/** A line that begins with white space may hold nothing else. */
const MAYBE_BLANK: PairOf = { first: 10, firstBelow: 0, bits: 0, second: 10, secondBelow: 0x21 };

/** One pass over raw bytes: their hash, and how many lines that hold something. */
export async function scanLines(source: AsyncIterable<Uint8Array>, signal: AbortSignal, options: LineScanOptions = {}): Promise<LineScan> {
  const hash = createHash('sha256');
  let bytes = 0;
  let lines = 0;
  let longestLine = 0;
  let lineStart = 0;
  let lineHasText = false;
  let bom = 0;
  /** Counts a chunk whose lines all hold something; answers whether it could. */
  const countFilled = (buffer: Buffer): boolean => {
    const last = buffer.lastIndexOf(10);
    const view = last < 0 ? undefined : options.search?.take(buffer);
    if (!view || (!lineHasText && (buffer[0] as number) <= 0x20) || view.hasPairOf(MAYBE_BLANK)) return false;
    lines += view.countByte(10);
    longestLine = Math.max(longestLine, bytes + buffer.indexOf(10) - lineStart, last);
    lineStart = bytes + last + 1;
    lineHasText = last + 1 < buffer.length;
    bytes += buffer.length;
    return true;
  };
  for await (const chunk of source) {
    signal.throwIfAborted();
    const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    hash.update(buffer);
    options.onChunk?.(buffer);
    for (let i = 0; bytes + i < 3 && i < buffer.length; i++) if (buffer[i] === [0xef, 0xbb, 0xbf][bytes + i]) bom++;
    if (countFilled(buffer)) continue;
    let from = 0;
    for (;;) {
      const newline = buffer.indexOf(10, from);
      const end = newline < 0 ? buffer.length : newline;
      if (!lineHasText) {
        let i = from;
        while (i < end && isBlank(buffer[i] as number)) i++;
        lineHasText = i < end;
      }
      if (newline < 0) break;
      if (lineHasText) lines++;
      longestLine = Math.max(longestLine, bytes + newline - lineStart);
      lineStart = bytes + newline + 1;
      lineHasText = false;
      from = newline + 1;
    }
    bytes += buffer.length;
  }
  if (lineHasText) lines++;
  return { hash: `sha256:${hash.digest('hex')}`, bytes, lines, longestLine: Math.max(longestLine, bytes - lineStart), startsWithBom: bom === 3 };
}

/** The raw bytes' hash alone. */
export async function hashBytes(source: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<{ hash: string; bytes: number }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of source) {
    signal.throwIfAborted();
    hash.update(chunk);
    bytes += chunk.byteLength;
  }
  return { hash: `sha256:${hash.digest('hex')}`, bytes };
}
