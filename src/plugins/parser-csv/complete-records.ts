import type { ParserFile } from '../../core/spi/index.js';
import { isWide } from '../shared/text-format/charset.js';
import { createScanner } from './csv-task.js';
import { CR, LF, MAX_RECORD, type Dialect } from './dialect.js';
import { STEP } from './record-scanner.js';
import { hasMark } from './walk-records.js';

const CHUNK = 1 << 20;

/**
 * Bytes of a file that grows up to the end of its last complete record: a newline within quotes ends none. A quote that stays open is
 * waited for until it is closed, or its record is longer than a record may be. Undefined for charsets whose bytes are no ASCII.
 */
export async function countCompleteBytes(
  file: Pick<ParserFile, 'open' | 'offset'>,
  dialect: Dialect,
  charset: string | undefined,
): Promise<number | undefined> {
  if (charset !== undefined && isWide(charset)) return undefined;
  const scanner = createScanner({ dialect: (file.offset ?? 0) > 0 ? { ...dialect, skipLines: 0 } : dialect });
  scanner.reset();
  const buf = Buffer.allocUnsafeSlow(CHUNK + MAX_RECORD + 16);
  let complete = 0;
  let base = 0;
  let filled = 0;
  const scan = (): void => {
    scanner.feed(buf, base === 0 && hasMark(buf, filled) ? 3 : 0, filled, false);
    for (let step = scanner.step(); step === STEP.good || step === STEP.reject; step = scanner.step()) {
      const last = buf[scanner.next - 1];
      // Of a line that is too long the end may be yet to come.
      if (last === LF || last === CR) complete = base + scanner.next;
    }
    buf.copyWithin(0, scanner.next, filled);
    base += scanner.next;
    filled -= scanner.next;
  };
  for await (const chunk of file.open()) {
    for (let from = 0; from < chunk.length; from += CHUNK) {
      const part = chunk.subarray(from, from + CHUNK);
      buf.set(part, filled);
      filled += part.length;
      scan();
    }
  }
  return complete;
}
