/** How physical lines end. `any` takes LF, CR and CRLF, also mixed. */
export type NewlineRule = 'any' | 'lf' | 'cr' | 'crlf';

/** The CSV rules of one config as bytes; what the scanner works with. All text is UTF-8. */
export interface Dialect {
  readonly delimiter: Uint8Array;
  /** Byte, or -1 when quoting is off. */
  readonly quote: number;
  /** Byte, or -1 when only a doubled quote stands for a quote. Equal to `quote` under RFC 4180. */
  readonly escape: number;
  readonly newlines: NewlineRule;
  readonly comment: Uint8Array | undefined;
  /** Spaces around unquoted values are dropped. */
  readonly trim: boolean;
  /** A quote that is not followed by a delimiter or the end of the line belongs to the value. */
  readonly strayQuotes: boolean;
  /** Largest quoted value in UTF-16 units (as Embulk counts), or Infinity. */
  readonly maxQuoted: number;
  /** What stands for a newline inside a quoted value; undefined keeps it as it is. */
  readonly innerNewline: Uint8Array | undefined;
  readonly columns: number;
  readonly allowExtra: boolean;
  readonly allowOptional: boolean;
  /** Physical lines before the data of each file. */
  readonly skipLines: number;
  readonly nullString: string | undefined;
}

/** Longest record in bytes without its newline; DuckDB's own limit counts the newline. */
export const MAX_RECORD = 1_999_999;

export const LF = 10;
export const CR = 13;
export const SPACE = 32;
export const DOUBLE_QUOTE = 34;
