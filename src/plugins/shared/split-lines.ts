/** How lines end. `any` takes LF, CR and CRLF, also mixed. */
export type NewlineRule = 'any' | 'LF' | 'CR' | 'CRLF';

/** One physical line that is not empty, without its newline: a range of a buffer that is only valid until the next batch. */
export interface TextLine {
  /** Offset of its first byte in the stream. */
  readonly offset: number;
  readonly buffer: Buffer;
  readonly start: number;
  readonly end: number;
  /** Its bytes are not given then. */
  readonly tooLong: boolean;
}

export interface LineOptions {
  readonly newlines: NewlineRule;
  /** Physical lines before the data, empty ones too. */
  readonly skipLines: number;
}

/** Longest line in bytes. A longer one is never held in memory. */
export const MAX_LINE = 1_999_999;

const LF = 10;
const CR = 13;
const BATCH = 1000;
const EMPTY = Buffer.alloc(0);

/** Cuts a byte stream into lines, in batches. Empty lines are left out; a UTF-8 byte order mark at the start is passed over. */
export async function* splitLines(source: AsyncIterable<Uint8Array>, options: LineOptions): AsyncGenerator<readonly TextLine[]> {
  const cutter = new LineCutter(options);
  for await (const chunk of source) yield* cutter.cut(chunk, false);
  yield* cutter.cut(EMPTY, true);
}

class LineCutter {
  private readonly newlines: NewlineRule;
  private skip: number;
  private bytes: Buffer = EMPTY;
  /** Offset in the source of `bytes[0]`. */
  private base = 0;
  private started = false;
  /** Offset of a line that is too long and whose end has not come yet. */
  private longStart: number | undefined;

  constructor(options: LineOptions) {
    this.newlines = options.newlines;
    this.skip = options.skipLines;
  }

  *cut(chunk: Uint8Array, last: boolean): Generator<readonly TextLine[]> {
    this.bytes = this.bytes.length > 0 ? Buffer.concat([this.bytes, chunk]) : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const { bytes } = this;
    if (!this.started && bytes.length < 3 && !last) {
      this.bytes = Buffer.from(bytes);
      return;
    }
    let from = this.started || !(bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) ? 0 : 3;
    this.started = true;
    let batch: TextLine[] = [];
    for (const { at, length } of findNewlines(bytes, from, this.newlines, last)) {
      const line = this.take(from, at);
      if (line) batch.push(line);
      from = at + length;
      if (batch.length < BATCH) continue;
      yield batch;
      batch = [];
    }
    if (last) {
      const line = this.take(from, bytes.length);
      if (line) batch.push(line);
    } else this.keepRest(from);
    if (batch.length > 0) yield batch;
  }

  private take(from: number, to: number): TextLine | undefined {
    const offset = this.longStart ?? this.base + from;
    const tooLong = this.longStart !== undefined || to - from > MAX_LINE;
    this.longStart = undefined;
    if (this.skip > 0) {
      this.skip--;
      return undefined;
    }
    if (tooLong) return { offset, buffer: EMPTY, start: 0, end: 0, tooLong };
    return to > from ? { offset, buffer: this.bytes, start: from, end: to, tooLong } : undefined;
  }

  private keepRest(from: number): void {
    const { bytes } = this;
    let start = from;
    // One more byte: it may be the first half of a CRLF.
    if (this.longStart !== undefined || bytes.length - from > MAX_LINE + 1) {
      this.longStart ??= this.base + from;
      start = bytes.at(-1) === CR ? Math.max(from, bytes.length - 1) : bytes.length;
    }
    this.bytes = Buffer.from(bytes.subarray(start));
    this.base += start;
  }
}

/** Newlines from `from` on; a CR that ends the bytes is only one when they are the last. */
function* findNewlines(bytes: Buffer, from: number, rule: NewlineRule, last: boolean): Generator<{ at: number; length: number }> {
  if (rule === 'LF' || rule === 'CR') {
    for (let at = bytes.indexOf(rule === 'LF' ? LF : CR, from); at >= 0; at = bytes.indexOf(rule === 'LF' ? LF : CR, at + 1)) yield { at, length: 1 };
    return;
  }
  if (rule === 'CRLF') {
    for (let at = bytes.indexOf('\r\n', from); at >= 0; at = bytes.indexOf('\r\n', at + 2)) yield { at, length: 2 };
    return;
  }
  const next = (byte: number, start: number): number => {
    const at = bytes.indexOf(byte, start);
    return at < 0 ? Infinity : at;
  };
  let lf = next(LF, from);
  let cr = next(CR, from);
  while (lf < Infinity || cr < Infinity) {
    if (lf < cr) {
      yield { at: lf, length: 1 };
      lf = next(LF, lf + 1);
    } else if (lf === cr + 1) {
      yield { at: cr, length: 2 };
      cr = next(CR, cr + 2);
      lf = next(LF, lf + 1);
    } else {
      if (cr === bytes.length - 1 && !last) return;
      yield { at: cr, length: 1 };
      cr = next(CR, cr + 1);
    }
  }
}
