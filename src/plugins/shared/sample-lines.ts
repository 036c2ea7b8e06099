import { isUtf8 } from 'node:buffer';
import type { GuessSample } from '../../core/spi/index.js';

const MAX_LINES = 20_000;

/** The filled lines of a sample of UTF-8 text, without a last one that the sample may have cut; undefined: it is no such text. */
export function sampleLines({ bytes, complete }: GuessSample): string[] | undefined {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const whole = complete ? buffer : buffer.subarray(0, Math.max(buffer.lastIndexOf(10), buffer.lastIndexOf(13)) + 1);
  if (!isUtf8(whole) || whole.includes(0)) return undefined;
  return whole
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\r|\n/, MAX_LINES)
    .filter((line) => line !== '');
}
