import { readHeader, mapHeader } from './header.js';
import type { Dialect } from './dialect.js';
import type { Head } from '../shared/file-chunks.js';

/** The order of a file's fields; undefined for the usual one. */
export type FieldOrder = readonly number[] | undefined;

export interface HeaderRules {
  /** Header of the first file ever read, where headers are compared. */
  readonly base: readonly string[] | undefined;
  /** Columns of the config. */
  readonly columns: readonly string[];
  readonly dialect: Dialect;
}

/** What is looked at of a file before a lane is chosen, and at most for its header. */
export const HEAD_BYTES = 1 << 20;
/** How much of a file holds its header as a rule. */
export const SHORT_HEAD_BYTES = 16 << 10;

/**
 * Compares the headers of files that are read one after the other. Many files have the very bytes of the file before at their start,
 * so that few headers are parsed.
 */
export class HeaderWatch {
  readonly #rules: HeaderRules;
  /** Bytes up to the end of the last header that was parsed, with what they mean. */
  #known: { readonly bytes: Buffer; readonly order: FieldOrder } | undefined;

  constructor(rules: HeaderRules) {
    this.#rules = rules;
  }

  /** Whether files are compared at all. */
  get compares(): boolean {
    return this.#rules.base !== undefined;
  }

  /** The order of a file that begins as another one did. */
  sameAsKnown(start: Uint8Array): { readonly order: FieldOrder } | undefined {
    const known = this.#known;
    if (!known || start.length < known.bytes.length) return undefined;
    return known.bytes.equals(start.subarray(0, known.bytes.length)) ? known : undefined;
  }

  /**
   * The order of a file's fields, given its beginning; `more` reads further where that is too short. Errors: DataError
   * CSV_HEADER_MISMATCH.
   */
  async orderOf(file: string, head: Head, more: () => Promise<Head>): Promise<FieldOrder> {
    const { base, columns, dialect } = this.#rules;
    if (base === undefined) return undefined;
    const known = this.sameAsKnown(head.bytes);
    if (known) return known.order;
    const start = head.bytes.length > SHORT_HEAD_BYTES ? { bytes: head.bytes.subarray(0, SHORT_HEAD_BYTES), complete: false } : head;
    let found = readHeader(start.bytes, start.complete, dialect);
    if (!found && !start.complete) {
      const whole = await more();
      found = readHeader(whole.bytes, whole.complete, dialect);
    }
    const order = found ? mapHeader(file, base, columns, found) : undefined;
    if (found) this.#known = this.#remember(start.bytes, order) ?? this.#known;
    return order;
  }

  /** Only a header of one line without quotes ends at its first newline, whatever follows. */
  #remember(bytes: Buffer, order: FieldOrder): { readonly bytes: Buffer; readonly order: FieldOrder } | undefined {
    const { dialect } = this.#rules;
    const end = bytes.indexOf(10);
    if (dialect.newlines === 'cr' || dialect.newlines === 'crlf' || dialect.skipLines !== 1 || end < 1 || bytes[end - 1] === 13) return undefined;
    const line = bytes.subarray(0, end + 1);
    if (line.includes(13) || line.includes(dialect.quote) || (dialect.escape >= 0 && line.includes(dialect.escape))) return undefined;
    return { bytes: Buffer.from(line), order };
  }
}
