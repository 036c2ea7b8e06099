import type { ParserFile } from '../../core/spi/index.js';
import type { LineConfig } from './line-reading.js';
import { readCharset } from './text-columns.js';
import { isWide } from './text-format/charset.js';

const LF = 10;
const CR = 13;

/** Bytes of a file that grows up to the end of its last complete line. Undefined for charsets whose bytes are no ASCII. */
export async function countCompleteBytes(file: Pick<ParserFile, 'open'>, config: LineConfig): Promise<number | undefined> {
  if (isWide(readCharset(config.charset))) return undefined;
  const newline = config.line_delimiter_recognized ?? null;
  let at = 0;
  let complete = 0;
  let before = -1;
  for await (const chunk of file.open()) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    for (let i = bytes.length - 1; i >= 0; i--) {
      const byte = bytes[i];
      const ends = newline === 'CR' ? byte === CR : byte === LF && (newline !== 'CRLF' || (i > 0 ? bytes[i - 1] : before) === CR);
      // Where any newline will do, a CR may still become half of one.
      const returns = newline === null && byte === CR && i + 1 < bytes.length;
      if (!ends && !returns) continue;
      complete = at + i + 1;
      break;
    }
    at += bytes.length;
    before = bytes.at(-1) ?? before;
  }
  return complete;
}
