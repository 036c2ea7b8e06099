import { CR, LF, SPACE, type Dialect } from './dialect.js';
import type { LinePiece } from './line-pieces.js';
import { endOfPlainNumber, type PlainNumber } from './plain-number.js';
import type { NativeNewline } from './routing.js';

/** A field that is looked at. */
export interface WatchedField {
  /** Its position in the line. */
  readonly field: number;
  readonly number: PlainNumber;
}

/** Goes through lines that are one good record each, and stops at those where a watched field is neither a plain number nor null. */
export class SuspectLines {
  /** Of the line that was found: its bounds without its end, in the piece. */
  start = 0;
  end = 0;
  /** 1-based, of the lines since the last `begin`. */
  number = 0;
  /** First byte of each watched field, and the byte behind it. */
  readonly bounds: Int32Array;
  readonly #watched: readonly WatchedField[];
  readonly #delimiter: number;
  readonly #quote: number;
  readonly #lineEnd: number;
  readonly #crlf: boolean;
  readonly #null: Uint8Array;
  #piece: LinePiece | undefined;
  #at = 0;

  /** `watched` in the order of the line. */
  constructor(dialect: Dialect, newline: NativeNewline, watched: readonly WatchedField[]) {
    this.#watched = watched;
    this.bounds = new Int32Array(2 * watched.length);
    this.#delimiter = dialect.delimiter[0] ?? -1;
    this.#quote = dialect.quote;
    this.#lineEnd = newline === '\\r' ? CR : LF;
    this.#crlf = newline === '\\r\\n';
    this.#null = Buffer.from(dialect.nullString ?? '');
  }

  begin(): void {
    this.number = 0;
  }

  take(piece: LinePiece): void {
    this.#piece = piece;
    this.#at = piece.from;
  }

  /** Whether there is a further one in the piece; lines up to `skip` are passed over. */
  next(skip: number): boolean {
    if (!this.#piece) return false;
    const { bytes, to } = this.#piece;
    while (this.#at < to) {
      const start = this.#at;
      this.number++;
      const plain = this.number <= skip || this.#isPlain(bytes, start);
      const end = bytes.indexOf(this.#lineEnd, plain ? this.#at : start);
      this.#at = end + 1;
      if (plain) continue;
      this.start = start;
      this.end = this.#crlf && end > start && bytes[end - 1] === CR ? end - 1 : end;
      return true;
    }
    return false;
  }

  /** Leaves `#at` somewhere in the line, and the bounds of the fields when one of them is not plain. */
  #isPlain(bytes: Buffer, start: number): boolean {
    const { bounds } = this;
    const watched = this.#watched;
    let at = start;
    let field = 0;
    let plain = true;
    for (let i = 0; i < watched.length; i++) {
      const { field: wanted, number } = watched[i] as WatchedField;
      for (; field < wanted; field++) {
        at = this.#endOfField(bytes, at);
        if (bytes[at] === this.#delimiter) at++;
      }
      bounds[2 * i] = at;
      const end = this.#endOfPlain(bytes, at, number);
      if (end < 0) plain = false;
      at = end < 0 ? this.#endOfField(bytes, at) : end;
      bounds[2 * i + 1] = at;
    }
    this.#at = at;
    return plain;
  }

  #isEnd(bytes: Buffer, at: number): boolean {
    const byte = bytes[at];
    return byte === this.#delimiter || byte === this.#lineEnd || (this.#crlf && byte === CR && bytes[at + 1] === LF);
  }

  /** Where a field ends that is null or a plain number, also a quoted one; else -1. */
  #endOfPlain(bytes: Buffer, from: number, number: PlainNumber): number {
    const quoted = bytes[from] === this.#quote;
    const last = endOfPlainNumber(bytes, quoted ? from + 1 : from, number);
    if (last >= 0 && !quoted && this.#isEnd(bytes, last)) return last;
    if (last >= 0 && quoted && bytes[last] === this.#quote && this.#isEnd(bytes, last + 1)) return last + 1;
    const word = this.#null;
    for (let i = 0; i < word.length; i++) if (bytes[from + i] !== word[i]) return -1;
    return this.#isEnd(bytes, from + word.length) ? from + word.length : -1;
  }

  #endOfField(bytes: Buffer, from: number): number {
    let at = from;
    // DuckDB takes spaces around a quoted value away.
    while (bytes[at] === SPACE) at++;
    if (bytes[at] === this.#quote) {
      do {
        at++;
        while (bytes[at] !== this.#quote && bytes[at] !== this.#lineEnd) at++;
        // A doubled one belongs to the value.
        if (bytes[at] === this.#quote) at++;
      } while (bytes[at] === this.#quote);
    } else at = from;
    while (!this.#isEnd(bytes, at)) at++;
    return at;
  }
}
