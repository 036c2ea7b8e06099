import { LF, type Dialect } from './dialect.js';

const WINDOW = 32 << 10;
/** One window of each so many bytes, however small the chunks are. */
const STRIDE = 4 << 20;
const MIN_RECORDS = 1000;

/**
 * Estimates the share of records with a wrong number of fields from windows of the text: DuckDB's reject tables are
 * filled only when its scan has ended, and many rejects cost it more time and memory than our own tokenizer needs.
 */
export class ShapeSampler {
  private readonly columns: number;
  private readonly delimiter: number | undefined;
  private readonly quote: number;
  private lines = 0;
  private wrong = 0;
  private untilNext = 0;

  constructor(dialect: Dialect) {
    this.columns = dialect.columns;
    this.delimiter = dialect.delimiter.length === 1 ? dialect.delimiter[0] : undefined;
    this.quote = dialect.quote;
  }

  add(chunk: Uint8Array): void {
    this.untilNext -= chunk.length;
    if (this.delimiter === undefined || this.untilNext > 0) return;
    this.untilNext = STRIDE;
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length);
    const start = bytes.indexOf(LF) + 1;
    const window = bytes.subarray(start, start + WINDOW);
    let fields = 1;
    let quotes = 0;
    let lines = 0;
    let wrong = 0;
    let length = 0;
    // Not for…of: the protocol of iterators costs ten times the work.
    for (let i = 0; i < window.length; i++) {
      const c = window[i] as number;
      if (c === LF) {
        // A line within a quoted value tells nothing, nor does any other line of this window.
        if (quotes % 2 === 1) return;
        if (length > 0 && quotes === 0) {
          lines++;
          if (fields !== this.columns) wrong++;
        }
        fields = 1;
        quotes = 0;
        length = 0;
        continue;
      }
      length++;
      if (c === this.delimiter) fields++;
      else if (c === this.quote) quotes++;
    }
    this.lines += lines;
    this.wrong += wrong;
  }

  tooManyErrors(): string | undefined {
    return tooManyErrors(this.lines, this.wrong);
  }
}

/** Why records that were looked at speak against DuckDB's reader, if they do. */
export function tooManyErrors(records: number, misshapen: number): string | undefined {
  return records >= MIN_RECORDS && misshapen >= records / 100 ? 'one record in a hundred or more has a wrong number of columns' : undefined;
}
