import type { ByteFacts } from '../shared/scan-bytes.js';
import { SPACE, type Dialect } from './dialect.js';

export type NativeNewline = '\\n' | '\\r\\n' | '\\r';
export type Lane = { readonly lane: 'own'; readonly why: string } | { readonly lane: 'native'; readonly newline: NativeNewline };
export type RoutingFacts = Pick<ByteFacts, 'lf' | 'cr' | 'crlf' | 'needles'>;

/** Byte sequences whose presence decides the lane. */
export interface RoutingNeedles {
  readonly list: readonly Uint8Array[];
  readonly quote?: number;
  readonly escape?: number;
  readonly comment?: number;
  /** A quote before a space: DuckDB reads `"a" "b"` as `a b`, which is a reject. */
  readonly quoteSpace?: number;
}

export function routingNeedles(dialect: Dialect): RoutingNeedles {
  const { quote, escape, comment } = dialect;
  const list: Uint8Array[] = [];
  const add = (...bytes: number[]): number => list.push(Uint8Array.from(bytes)) - 1;
  const escapes = escape >= 0 && escape !== quote;
  const quoteMatters = quote >= 0 && (dialect.maxQuoted !== Infinity || dialect.innerNewline !== undefined || escapes);
  return {
    list,
    ...(quoteMatters ? { quote: add(quote) } : {}),
    ...(quoteMatters && escapes ? { escape: add(escape) } : {}),
    ...(comment ? { comment: list.push(comment) - 1 } : {}),
    ...(quote >= 0 && dialect.delimiter[0] !== SPACE ? { quoteSpace: add(quote, SPACE) } : {}),
  };
}

/**
 * Whether a file must be counted by our own scanner before DuckDB's result is trusted. Malformed text is one reason:
 * DuckDB looks for it only in columns that the query uses.
 */
export function needsCount(needles: RoutingNeedles, facts: ByteFacts): boolean {
  return !facts.utf8 || (needles.quoteSpace !== undefined && (facts.needles[needles.quoteSpace] ?? -1) >= 0);
}

/**
 * Whether DuckDB's reader gives our result for files with these facts. Its reader must never see: an escape other than
 * the quote (`\n` becomes `n`), a comment option (cuts values anywhere), mixed newlines (aborts, or loses rows).
 */
export function chooseLane(dialect: Dialect, files: readonly RoutingFacts[]): Lane {
  const why = optionsNeedOwn(dialect);
  if (why !== undefined) return { lane: 'own', why };
  let newline: NativeNewline | undefined;
  const needles = routingNeedles(dialect);
  for (const facts of files) {
    const has = (needle: number | undefined): boolean => needle !== undefined && (facts.needles[needle] ?? -1) >= 0;
    const { innerNewline } = dialect;
    if (has(needles.comment)) return { lane: 'own', why: 'the comment marker may occur' };
    if (has(needles.quote)) {
      if (dialect.maxQuoted !== Infinity) return { lane: 'own', why: 'quoted values have a size limit' };
      if (has(needles.escape)) return { lane: 'own', why: 'the escape character occurs' };
      if (innerNewline !== undefined && (facts.cr > 0 || innerNewline[0] !== 10 || innerNewline.length > 1))
        return { lane: 'own', why: 'newlines within values are rewritten' };
    }
    const kind = newlineOf(facts);
    if (kind === 'mixed' || (kind !== undefined && newline !== undefined && kind !== newline)) return { lane: 'own', why: 'newlines are mixed' };
    if (dialect.newlines === 'lf' && facts.cr > 0) return { lane: 'own', why: 'only LF ends a line, and CR occurs' };
    newline ??= kind;
  }
  return { lane: 'native', newline: newline ?? '\\n' };
}

function optionsNeedOwn(dialect: Dialect): string | undefined {
  if (dialect.strayQuotes) return 'stray quotes are accepted';
  if (dialect.trim) return 'values are trimmed';
  if (dialect.allowExtra || dialect.allowOptional) return 'records may have more or fewer fields';
  if (dialect.delimiter.length > 4) return 'the delimiter is longer than 4 bytes';
  if (dialect.newlines === 'cr' || dialect.newlines === 'crlf') return 'only one newline is recognised';
  return undefined;
}

function newlineOf(facts: RoutingFacts): NativeNewline | 'mixed' | undefined {
  const { lf, cr, crlf } = facts;
  if (cr === 0) return lf === 0 ? undefined : '\\n';
  if (lf === 0) return '\\r';
  return lf === cr && cr === crlf ? '\\r\\n' : 'mixed';
}

/** Physical lines of a file, given its only kind of newline. */
export function countLines(facts: ByteFacts, newline: NativeNewline): number {
  const ends = newline === '\\n' ? facts.lf : newline === '\\r' ? facts.cr : facts.crlf;
  return ends + (facts.bytes > 0 && facts.last !== 10 && facts.last !== 13 ? 1 : 0);
}
