import { isUtf8 } from 'node:buffer';
import { CR, LF, MAX_RECORD, SPACE, type Dialect } from './dialect.js';

/** What one step of the scanner found. */
export const STEP = { good: 0, reject: 1, more: 2, end: 3 } as const;
export type Step = (typeof STEP)[keyof typeof STEP];

export type RejectReason = 'few' | 'many' | 'unclosed' | 'after_quote' | 'quoted_too_long' | 'record_too_long' | 'encoding';

/** How a field's bytes become its value. */
export const FIELD = { plain: 0, quoted: 1, escaped: 2 } as const;

const ORDINARY = 0;
const DELIMITER = 1;
const QUOTE = 2;
const NEWLINE = 3;
const RETURN = 4;
const ESCAPE = 5;

/**
 * Finds records and fields in a buffer of UTF-8 bytes, one record a step, without copying. The buffer needs one byte
 * of room after `limit`: a sentinel newline stands there. A step that needs bytes beyond `limit` answers `more` and
 * leaves `next` at the record's start, unless `final` says that none will come.
 *
 * Rules are Embulk's, with the differences that DuckDB's reader forces on both lanes: spaces around quotes are
 * dropped, empty fields after the last column are ignored.
 */
export class RecordScanner {
  /** First byte of the last record, the byte after its text, and the byte after its newline. */
  start = 0;
  end = 0;
  next = 0;
  /** Number of fields of the last good record, before extra ones are dropped. */
  fields = 0;
  reason: RejectReason = 'few';
  /** True when the record's text means the same to DuckDB's reader (see `spoolDialect`). */
  canonical = true;
  /** Bounds of the fields' contents (inside the quotes) and how to read them. */
  starts: Int32Array;
  ends: Int32Array;
  kinds: Uint8Array;

  private readonly dialect: Dialect;
  private readonly spoolQuote: number;
  private readonly outside = new Uint8Array(256);
  private readonly inside = new Uint8Array(256);
  private buf: Uint8Array = new Uint8Array(1);
  private limit = 0;
  private final = false;
  private valid = true;
  private skipLeft = 0;
  /** Inside a physical line that is too long to hold. */
  private dropping = false;

  constructor(dialect: Dialect, spoolQuote: number) {
    this.dialect = dialect;
    this.spoolQuote = spoolQuote;
    const room = dialect.columns + 8;
    this.starts = new Int32Array(room);
    this.ends = new Int32Array(room);
    this.kinds = new Uint8Array(room);
    for (const table of [this.outside, this.inside]) {
      table[LF] = NEWLINE;
      table[CR] = RETURN;
    }
    this.outside[spoolQuote] = QUOTE;
    if (dialect.quote >= 0) this.outside[dialect.quote] = QUOTE;
    this.outside[dialect.delimiter[0] as number] = DELIMITER;
    if (dialect.escape >= 0) this.inside[dialect.escape] = ESCAPE;
    if (dialect.quote >= 0) this.inside[dialect.quote] = QUOTE;
  }

  /** Begins a new file: its first lines are skipped again. */
  reset(): void {
    this.skipLeft = this.dialect.skipLines;
    this.dropping = false;
  }

  /** Gives the next bytes; scanning goes on at `from`. */
  feed(buf: Uint8Array, from: number, limit: number, final: boolean): void {
    this.buf = buf;
    this.limit = limit;
    this.final = final;
    this.next = from;
    buf[limit] = LF;
    this.valid = isUtf8(buf.subarray(from, wholeCharacters(buf, from, limit, final)));
  }

  step(): Step {
    const { buf, limit, dialect } = this;
    for (;;) {
      const start = this.next;
      if (this.dropping && !this.dropLine()) return this.final ? STEP.end : STEP.more;
      if (this.dropping) {
        this.dropping = false;
        continue;
      }
      if (start >= limit) return this.final ? STEP.end : STEP.more;
      const first = buf[start] as number;
      if (this.skipLeft > 0 || (dialect.comment !== undefined && first === dialect.comment[0])) {
        if (dialect.comment !== undefined && this.skipLeft === 0 && !this.final && limit - start < dialect.comment.length) return STEP.more;
        if (this.skipLeft > 0 || startsWith(buf, start, limit, dialect.comment as Uint8Array)) {
          if (!this.lineFrom(start)) {
            if (limit - start <= MAX_RECORD) return STEP.more;
            if (this.skipLeft > 0) this.skipLeft--;
            this.dropping = true;
            continue;
          }
          if (this.skipLeft > 0) this.skipLeft--;
          continue;
        }
      }
      if (first === LF || first === CR) {
        if (!this.lineFrom(start)) return STEP.more;
        if (this.end === start) continue;
        this.next = start;
      }
      return this.record(start);
    }
  }

  private record(start: number): Step {
    const { buf, limit, outside, dialect } = this;
    const delimiter = dialect.delimiter;
    const wide = delimiter.length;
    this.start = start;
    this.canonical = !dialect.strayQuotes;
    let n = 0;
    let field = start;
    let p = start;
    for (;;) {
      let kind = outside[buf[p] as number];
      while (kind === ORDINARY) kind = outside[buf[++p] as number];
      if (kind === DELIMITER) {
        if (wide > 1 && !startsWith(buf, p, limit, delimiter)) {
          if (!this.final && limit - p < wide) return this.incomplete(start);
          p++;
          continue;
        }
        this.addPlain(n++, field, p);
        p += wide;
        field = p;
        continue;
      }
      if (kind === QUOTE) {
        if (buf[p] !== dialect.quote || !this.opensField(field, p)) {
          if (dialect.quote !== this.spoolQuote) this.canonical = false;
          p++;
          continue;
        }
        const after = this.quoted(n, p, start);
        if (after < 0) return after === -1 ? this.incomplete(start) : this.rejectLine(start);
        n++;
        p = after;
        while (p < limit && buf[p] === SPACE && outside[SPACE] === ORDINARY) {
          if (dialect.trim) this.canonical = false;
          p++;
        }
        if (p < limit && startsWith(buf, p, limit, delimiter)) {
          p += wide;
          field = p;
          continue;
        }
        const width = this.newlineAt(p, start);
        if (width === -1 || (width === 0 && p < limit && wide > 1 && !this.final && limit - p < wide)) return this.incomplete(start);
        if (width === 0 && p < limit) {
          this.reason = 'after_quote';
          return this.rejectLine(start);
        }
        return this.finish(start, p, p + width, n);
      }
      const width = this.newlineAt(p, start);
      if (width === -1) return this.incomplete(start);
      if (width === 0 && p < limit) {
        this.canonical = false;
        p++;
        continue;
      }
      this.addPlain(n++, field, p);
      return this.finish(start, p, p + width, n);
    }
  }

  /** Whether a quote at `p` opens the field that starts at `field`: DuckDB lets exactly one space stand before it, trimming any number. */
  private opensField(field: number, p: number): boolean {
    if (p === field) return true;
    if (!this.dialect.trim) return p === field + 1 && this.buf[field] === SPACE;
    this.canonical = false;
    return onlySpaces(this.buf, field, p);
  }

  /** Reads a quoted field whose opening quote is at `open`; answers the byte after the closing quote, -1 for more, -2 for a reject. */
  private quoted(n: number, open: number, start: number): number {
    const { buf, limit, inside, dialect } = this;
    const quote = dialect.quote;
    const begin = open + 1;
    let p = begin;
    let escaped = false;
    let surplus = 0;
    for (;;) {
      let kind = inside[buf[p] as number];
      while (kind === ORDINARY) kind = inside[buf[++p] as number];
      if (p >= limit) {
        if (!this.final) return -1;
        this.reason = p - start > MAX_RECORD ? 'record_too_long' : 'unclosed';
        return -2;
      }
      if (kind === NEWLINE || kind === RETURN) {
        if (dialect.innerNewline) {
          escaped = true;
          this.canonical = false;
        }
        if (p - start > MAX_RECORD) {
          this.reason = 'record_too_long';
          return -2;
        }
        if (p - begin > dialect.maxQuoted && utf16Length(buf, begin, p) - surplus > dialect.maxQuoted) {
          this.reason = 'quoted_too_long';
          return -2;
        }
        p++;
        continue;
      }
      if (p + 1 >= limit && !this.final) return -1;
      const following = p + 1 < limit ? (buf[p + 1] as number) : -1;
      if (kind === QUOTE) {
        if (dialect.strayQuotes) {
          const ends = this.endsField(p + 1, start);
          if (ends === undefined) return -1;
          if (!ends) {
            const doubled = following === quote ? this.endsField(p + 2, start) : true;
            if (doubled === undefined) return -1;
            if (!doubled) {
              escaped = true;
              surplus++;
              p++;
            }
            p++;
            continue;
          }
        } else if (following === quote) {
          escaped = true;
          surplus++;
          p += 2;
          continue;
        }
        if (p - begin > dialect.maxQuoted && utf16Length(buf, begin, p) - surplus > dialect.maxQuoted) {
          this.reason = 'quoted_too_long';
          return -2;
        }
        this.addField(n, begin, p, escaped ? FIELD.escaped : FIELD.quoted);
        return p + 1;
      }
      // The escape byte means something only before a quote or before itself.
      if (following === quote || following === dialect.escape) {
        escaped = true;
        surplus++;
        this.canonical = false;
        p += 2;
      } else {
        p++;
      }
    }
  }

  /** Stray mode: whether a field may end before `p`; undefined when more bytes are needed. */
  private endsField(p: number, start: number): boolean | undefined {
    const { buf, limit, dialect } = this;
    if (p >= limit) return this.final ? true : undefined;
    if (startsWith(buf, p, limit, dialect.delimiter)) return true;
    if (dialect.trim && buf[p] === SPACE) {
      let q = p;
      while (q < limit && buf[q] === SPACE) q++;
      return this.endsField(q, start);
    }
    const width = this.newlineAt(p, start);
    return width === -1 ? undefined : width > 0;
  }

  /** Width of the newline at `p`: 0 for none or the end of the data, -1 when more bytes are needed. */
  private newlineAt(p: number, start: number): number {
    const { buf, limit, dialect } = this;
    if (p >= limit) return this.final ? 0 : -1;
    const c = buf[p];
    if (c === LF) {
      if (dialect.newlines === 'any') return 1;
      return dialect.newlines === 'lf' && !(p > start && buf[p - 1] === CR) ? 1 : 0;
    }
    if (c !== CR || dialect.newlines === 'lf') return 0;
    if (p + 1 >= limit && !this.final) return -1;
    const pair = p + 1 < limit && buf[p + 1] === LF;
    if (pair) return dialect.newlines === 'cr' ? 0 : 2;
    return dialect.newlines === 'crlf' ? 0 : 1;
  }

  /** Sets `end` and `next` to the end of the physical line that starts at `start`; false when it is not complete. */
  private lineFrom(start: number): boolean {
    const { buf, limit } = this;
    for (let p = start; ; p++) {
      while (p < limit && buf[p] !== LF && buf[p] !== CR) p++;
      const width = this.newlineAt(p, start);
      if (width === -1) return false;
      if (width > 0 || p >= limit) {
        this.end = p;
        this.next = Math.min(p + width, limit);
        return true;
      }
    }
  }

  /** Goes on within a line that is too long to hold; true when its end was found. */
  private dropLine(): boolean {
    if (this.lineFrom(this.next)) return true;
    // A CR at the very end may be half of a CRLF.
    this.next = this.limit > this.next && this.buf[this.limit - 1] === CR ? this.limit - 1 : this.limit;
    return false;
  }

  private incomplete(start: number): Step {
    if (this.limit - start <= MAX_RECORD + 2) {
      this.next = start;
      return STEP.more;
    }
    this.reason = 'record_too_long';
    return this.rejectLine(start);
  }

  /** Rejects the physical line at `start` only; what follows is read as records again. */
  private rejectLine(start: number): Step {
    this.start = start;
    if (this.lineFrom(start)) return STEP.reject;
    if (this.limit - start <= MAX_RECORD + 2) {
      this.next = start;
      return STEP.more;
    }
    this.reason = 'record_too_long';
    this.dropping = true;
    this.end = this.limit;
    this.next = this.limit;
    this.dropLine();
    return STEP.reject;
  }

  private finish(start: number, end: number, next: number, n: number): Step {
    const { dialect } = this;
    this.end = end;
    this.next = next;
    this.fields = n;
    const columns = dialect.columns;
    if (end - start > MAX_RECORD) {
      this.reason = 'record_too_long';
      return this.rejectLine(start);
    }
    if (!this.valid && !isUtf8(this.buf.subarray(start, end))) return this.refuse('encoding');
    if (n === columns) return STEP.good;
    if (n < columns) {
      if (!dialect.allowOptional) return this.refuse('few');
      this.canonical = false;
      return STEP.good;
    }
    if (!dialect.allowExtra && !this.emptyTail(columns, n)) return this.refuse('many');
    this.canonical = false;
    return STEP.good;
  }

  private emptyTail(from: number, n: number): boolean {
    for (let i = from; i < n; i++) if (this.kinds[i] !== FIELD.plain || this.ends[i] !== this.starts[i]) return false;
    return true;
  }

  private refuse(reason: RejectReason): Step {
    this.reason = reason;
    return STEP.reject;
  }

  private addPlain(n: number, from: number, to: number): void {
    if (this.dialect.trim && to > from && (this.buf[from] === SPACE || this.buf[to - 1] === SPACE)) {
      this.canonical = false;
      while (from < to && this.buf[from] === SPACE) from++;
      while (from < to && this.buf[to - 1] === SPACE) to--;
    }
    this.addField(n, from, to, FIELD.plain);
  }

  private addField(n: number, from: number, to: number, kind: number): void {
    if (n === this.starts.length) this.grow();
    this.starts[n] = from;
    this.ends[n] = to;
    this.kinds[n] = kind;
  }

  private grow(): void {
    const room = this.starts.length * 2;
    const [starts, ends, kinds] = [this.starts, this.ends, this.kinds];
    this.starts = new Int32Array(room);
    this.ends = new Int32Array(room);
    this.kinds = new Uint8Array(room);
    this.starts.set(starts);
    this.ends.set(ends);
    this.kinds.set(kinds);
  }
}

function startsWith(buf: Uint8Array, at: number, limit: number, text: Uint8Array): boolean {
  if (at + text.length > limit) return false;
  for (let i = 0; i < text.length; i++) if (buf[at + i] !== text[i]) return false;
  return true;
}

function onlySpaces(buf: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (buf[i] !== SPACE) return false;
  return true;
}

/** Where the last complete character of a chunk ends at the latest, so that a cut one does not count as malformed. */
function wholeCharacters(buf: Uint8Array, from: number, limit: number, final: boolean): number {
  if (final) return limit;
  for (let end = limit; end > from && limit - end < 4; end--) {
    const c = buf[end - 1] as number;
    if (c < 0x80) return end;
    if (c >= 0xc0) return end - 1;
  }
  return limit;
}

function utf16Length(buf: Uint8Array, from: number, to: number): number {
  let units = 0;
  for (let i = from; i < to; i++) {
    const c = buf[i] as number;
    if (c < 0x80 || c >= 0xc0) units += c >= 0xf0 ? 2 : 1;
  }
  return units;
}
