import { CR, DOUBLE_QUOTE, LF, SPACE, type Dialect } from './dialect.js';
import { FIELD, type RecordScanner } from './record-scanner.js';

/** The RFC 4180 rules of the spool: the config's own delimiter and quote where DuckDB can read them, so that most text is copied as it stands. */
export interface SpoolDialect {
  readonly delimiter: Uint8Array;
  readonly quote: number;
}

const SINGLE_QUOTE = 39;
const EMPTY = Buffer.alloc(0);
const FIRST_ROOM = 64 << 10;

export function chooseSpoolDialect(dialect: Pick<Dialect, 'delimiter' | 'quote'>): SpoolDialect {
  const delimiter = dialect.delimiter.length <= 4 ? dialect.delimiter : Uint8Array.of(44);
  if (dialect.quote >= 0) return { delimiter, quote: dialect.quote };
  return { delimiter, quote: delimiter.includes(DOUBLE_QUOTE) ? SINGLE_QUOTE : DOUBLE_QUOTE };
}

/** Collects normalised records in one growing buffer; each ends with LF. */
export class SpoolWriter {
  private readonly dialect: Dialect;
  private readonly spool: SpoolDialect;
  /** For each column the index of its field, when files hold them in another order. */
  private readonly order: readonly number[] | undefined;
  private readonly verbatim: boolean;
  private readonly padding: Uint8Array;
  private out: Buffer = EMPTY;
  private length = 0;
  /** Pending run of records to copy in one piece. */
  private runStart = 0;
  private runEnd = 0;

  constructor(dialect: Dialect, spool: SpoolDialect, order: readonly number[] | undefined) {
    this.dialect = dialect;
    this.spool = spool;
    this.order = order;
    this.verbatim = order === undefined && spool.delimiter === dialect.delimiter;
    this.padding = quoteBytes(Buffer.from(dialect.nullString ?? ''), spool.quote, dialect.nullString !== undefined);
  }

  add(record: RecordScanner, buf: Buffer): void {
    if (!this.verbatim || !record.canonical || startsWithMark(buf, record.start)) {
      this.flushRun(buf);
      this.encode(record, buf);
      return;
    }
    const whole = record.next - record.end === 1 && buf[record.end] === LF;
    if (whole && this.runEnd === record.start && this.runEnd > this.runStart) {
      this.runEnd = record.next;
      return;
    }
    this.flushRun(buf);
    if (whole) {
      this.runStart = record.start;
      this.runEnd = record.next;
      return;
    }
    this.reserve(record.end - record.start + 1);
    this.length += buf.copy(this.out, this.length, record.start, record.end);
    this.out[this.length++] = LF;
  }

  /** Bytes encoded so far; runs that are copied whole do not count. */
  get size(): number {
    return this.length;
  }

  /** The bytes collected since the last call. They are the caller's: a stream may hold them for a while. */
  take(buf: Buffer): Uint8Array {
    this.flushRun(buf);
    const bytes = this.out.subarray(0, this.length);
    this.out = EMPTY;
    this.length = 0;
    return bytes;
  }

  private flushRun(buf: Buffer): void {
    if (this.runEnd > this.runStart) {
      this.reserve(this.runEnd - this.runStart);
      this.length += buf.copy(this.out, this.length, this.runStart, this.runEnd);
    }
    this.runStart = this.runEnd = 0;
  }

  private encode(record: RecordScanner, buf: Buffer): void {
    const { delimiter } = this.spool;
    for (let column = 0; column < this.dialect.columns; column++) {
      if (column > 0) this.put(delimiter);
      const i = this.order ? (this.order[column] as number) : column;
      if (i >= record.fields) this.put(this.padding);
      else if (record.kinds[i] === FIELD.plain) this.plain(buf, record.starts[i] as number, record.ends[i] as number);
      else this.quoted(buf, record.starts[i] as number, record.ends[i] as number, record.kinds[i] === FIELD.escaped);
    }
    this.reserve(1);
    this.out[this.length++] = LF;
  }

  private plain(buf: Buffer, from: number, to: number): void {
    if (from === to ? this.dialect.nullString !== undefined : this.needsQuotes(buf, from, to)) {
      this.quoted(buf, from, to, false, true);
      return;
    }
    this.reserve(to - from);
    this.length += buf.copy(this.out, this.length, from, to);
  }

  private needsQuotes(buf: Buffer, from: number, to: number): boolean {
    const { quote, delimiter } = this.spool;
    if (buf[from] === SPACE || startsWithMark(buf, from)) return true;
    for (let i = from; i < to; i++) {
      const c = buf[i];
      if (c === quote || c === delimiter[0] || c === LF || c === CR) return true;
    }
    return false;
  }

  /** Writes a value within quotes. `literal`: quotes in it stand for themselves; else the source's own escapes are undone. */
  private quoted(buf: Buffer, from: number, to: number, escaped: boolean, literal = false): void {
    const { quote: out } = this.spool;
    const { quote, escape, innerNewline } = this.dialect;
    this.reserve(2 * (to - from) * (innerNewline ? innerNewline.length : 1) + 2);
    const target = this.out;
    let n = this.length;
    target[n++] = out;
    for (let i = from; i < to; i++) {
      let c = buf[i] as number;
      if (escaped && !literal) {
        const following = i + 1 < to ? buf[i + 1] : -1;
        if ((c === quote && following === quote) || (c === escape && (following === quote || following === escape))) {
          c = following as number;
          i++;
        } else if (innerNewline && (c === LF || c === CR)) {
          if (c === CR && following === LF) i++;
          for (const b of innerNewline) target[n++] = b;
          continue;
        }
      }
      if (c === out) target[n++] = c;
      target[n++] = c;
    }
    target[n++] = out;
    this.length = n;
  }

  private put(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.out.set(bytes, this.length);
    this.length += bytes.length;
  }

  private reserve(more: number): void {
    if (this.length + more <= this.out.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.out.length * 2, this.length + more, this.out.length === 0 ? FIRST_ROOM : 0));
    this.out.copy(larger, 0, 0, this.length);
    this.out = larger;
  }
}

/** At the start of a segment DuckDB would take these bytes for a byte order mark. */
function startsWithMark(buf: Buffer, at: number): boolean {
  return buf[at] === 0xef && buf[at + 1] === 0xbb && buf[at + 2] === 0xbf;
}

function quoteBytes(text: Buffer, quote: number, always: boolean): Uint8Array {
  if (!always) return text;
  const bytes: number[] = [quote];
  for (const c of text) bytes.push(...(c === quote ? [c, c] : [c]));
  return Uint8Array.from([...bytes, quote]);
}
