import type { ParserFile } from '../../core/spi/index.js';
import { splitRecords } from './records.js';

const WHOLE_VALUES = { root: [], flatten: false };

/** Bytes of a file that grows up to the end of its last complete value, which is one that a newline follows. */
export async function countCompleteBytes(file: Pick<ParserFile, 'open'>): Promise<number> {
  let bytes = 0;
  let last = -1;
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of file.open()) {
      bytes += chunk.length;
      last = chunk.at(-1) ?? last;
      yield chunk;
    }
  }
  let begun = 0;
  for await (const item of splitRecords(counted(), WHOLE_VALUES)) {
    begun = item.offset;
    // What follows in that line, and in those behind it, belongs to the value.
    if (!item.ok && item.unclosed) return begun;
  }
  return last === 10 ? bytes : begun;
}
