import { createHash } from 'node:crypto';
import { isBlank } from './json-scanner.js';

export interface LineScan {
  /** `sha256:<hex>` of the raw bytes. */
  readonly hash: string;
  readonly bytes: number;
  /** Lines with at least one byte that is no white space. */
  readonly lines: number;
  readonly longestLine: number;
  readonly startsWithBom: boolean;
}

/** One pass over raw bytes: their hash, and how many lines that hold something. */
export async function scanLines(source: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<LineScan> {
  const hash = createHash('sha256');
  let bytes = 0;
  let lines = 0;
  let longestLine = 0;
  let lineStart = 0;
  let lineHasText = false;
  let bom = 0;
  for await (const chunk of source) {
    signal.throwIfAborted();
    const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    hash.update(buffer);
    for (let i = 0; bytes + i < 3 && i < buffer.length; i++) if (buffer[i] === [0xef, 0xbb, 0xbf][bytes + i]) bom++;
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
