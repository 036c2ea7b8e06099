import { quoteIdentifier, quoteLiteral, quotePaths } from '../../core/spi/index.js';
import { MAX_RECORD } from './dialect.js';
import type { NativeNewline } from './routing.js';
import type { Compression } from './text-file.js';

export interface ReadCsvOptions {
  readonly paths: readonly string[];
  /** Names in the order of the file's fields. */
  readonly names: readonly string[];
  /** DuckDB's, in the same order. Default: all VARCHAR. */
  readonly types?: readonly string[];
  readonly delimiter: Uint8Array;
  /** Byte, or -1 for no quoting. */
  readonly quote: number;
  readonly newline: NativeNewline;
  readonly skip: number;
  readonly nullString: string | undefined;
  readonly rejects?: { readonly table: string; readonly scan: string };
  readonly maxLineBytes?: number;
  readonly compression?: Compression;
  /** Bytes of the largest file, where that is known. */
  readonly largest?: number;
}

/** Half of DuckDB's own, and two of its tasks: up to 100 MB less are held, and no slower. It must hold the longest line. */
const BUFFER_BYTES = 16_000_000;
/** For files that fit into it whole: a buffer is made and given back for each of them. */
const SMALL_BUFFER_BYTES = 4_000_000;

/** A `read_csv(…)` call that leaves nothing to detection. */
export function readCsvSql(options: ReadCsvOptions): string {
  const quote = quoteLiteral(options.quote < 0 ? '' : String.fromCharCode(options.quote));
  const parts = [
    'auto_detect=false',
    // header=true would eat a leading blank line.
    'header=false',
    `skip=${options.skip}`,
    `delim=${quoteLiteral(Buffer.from(options.delimiter).toString())}`,
    `quote=${quote}`,
    `escape=${quote}`,
    // Given CRLF explicitly, DuckDB 1.5.6 loses rows whose last field is empty or quoted; left to itself it reads them right.
    ...(options.newline === '\\r\\n' ? [] : [`new_line='${options.newline}'`]),
    `nullstr=${quoteLiteral(options.nullString ?? '')}`,
    `allow_quoted_nulls=${options.nullString !== undefined}`,
    'strict_mode=true',
    "encoding='utf-8'",
    `compression='${options.compression ?? 'none'}'`,
    'hive_partitioning=false',
    'union_by_name=false',
    `columns={${options.names.map((name, i) => `${quoteLiteral(name)}: ${quoteLiteral(options.types?.[i] ?? 'VARCHAR')}`).join(', ')}}`,
    // Longer lines come with DuckDB's own choice of a buffer.
    ...(options.maxLineBytes === undefined
      ? [`max_line_size=${MAX_RECORD + 1}`, `buffer_size=${(options.largest ?? Infinity) <= MAX_RECORD ? SMALL_BUFFER_BYTES : BUFFER_BYTES}`]
      : [`max_line_size=${options.maxLineBytes}`]),
    ...(options.rejects
      ? [
          'store_rejects=true',
          'rejects_limit=0',
          `rejects_table=${quoteLiteral(options.rejects.table)}`,
          `rejects_scan=${quoteLiteral(options.rejects.scan)}`,
        ]
      : []),
  ];
  return `read_csv(${quotePaths(options.paths)}, ${parts.join(', ')})`;
}

/** A relation without rows. */
export function emptySql(names: readonly string[]): string {
  return `(SELECT ${names.map((name) => `NULL::VARCHAR AS ${quoteIdentifier(name)}`).join(', ')} WHERE false)`;
}
