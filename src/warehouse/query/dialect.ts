import { placeInText } from './sql-tokens.js';
import type { RewrittenText } from './text-map.js';

/** SQL on its way to DuckDB, which still knows what the user wrote. */
export interface SqlText {
  /** Text for DuckDB. */
  readonly text: string;
  /** What the user wrote. */
  readonly original: string;
  /** Offset in `original` of an offset in `text`. */
  originOf(offset: number): number;
  /** Offset in `text` of a byte offset in it (DuckDB counts UTF-8 bytes). */
  offsetOfByte(byte: number): number;
  /** Offset in `original` of a byte offset in `text`. */
  originOfByte(byte: number): number;
  /** Line and column of an offset in `original`. */
  place(offset: number): { readonly line: number; readonly column: number };
}

/**
 * The seam for further SQL dialects: text in, DuckDB's text out. Table names stay as they are; they are resolved
 * afterwards, on DuckDB's parse tree.
 */
export interface Dialect {
  readonly name: 'duckdb';
  translate(text: string): SqlText;
}

export const duckdbDialect: Dialect = {
  name: 'duckdb',
  translate: (text) => sqlText(text, { text, originOf: (offset) => offset }),
};

export function sqlText(original: string, rewritten: RewrittenText): SqlText {
  const offsetOfByte = (byte: number): number => Buffer.from(rewritten.text).subarray(0, byte).toString().length;
  return {
    text: rewritten.text,
    original,
    originOf: (offset) => rewritten.originOf(offset),
    offsetOfByte,
    originOfByte: (byte) => rewritten.originOf(offsetOfByte(byte)),
    place: (offset) => placeInText(original, offset),
  };
}
