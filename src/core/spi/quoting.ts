/** A SQL identifier, always quoted: `"a""b"`. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A SQL string literal. DuckDB knows no backslash escapes in plain literals. */
export function quoteLiteral(text: string): string {
  if (text.includes('\0')) throw new RangeError('a SQL literal cannot hold a NUL character');
  return `'${text.replaceAll("'", "''")}'`;
}

/** `shop.orders` as `"shop"."orders"`. */
export function quoteName(parts: readonly string[]): string {
  return parts.map(quoteIdentifier).join('.');
}

/**
 * A file's path for a scan of DuckDB (`read_parquet`, `read_csv`, …): it takes every path for a pattern, so that files of the folder `p1`
 * would be read for `p[1]`. What COPY writes to is none, and goes through {@link quoteLiteral}; file names that a scan gives are as on disk.
 */
export function quotePath(path: string): string {
  return quoteLiteral(escapePattern(path));
}

/** Several paths, as the list `['a', 'b']`. */
export function quotePaths(paths: readonly string[]): string {
  return `[${paths.map(quotePath).join(', ')}]`;
}

/**
 * A backslash parts folders in a pattern, even within a character class. This class names none, and fits nothing else: it rules out
 * the other ASCII characters and, as DuckDB compares bytes, those that others are made of.
 */
const BACKSLASH = '[!]-\x7f\u0080-\u{10ffff}\x01-[]';

/** The pattern that fits the path alone: a character class of one character stands for itself. */
export function escapePattern(path: string): string {
  if (!/[*?[]/.test(path)) return path;
  return path.replace(/[*?[\\]/g, (c) => (c === '\\' ? BACKSLASH : `[${c}]`));
}
