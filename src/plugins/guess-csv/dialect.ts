import type * as csvParse from 'csv-parse/sync';

/** csv-parse, loaded when it is needed. */
export type CsvParse = Pick<typeof csvParse, 'parse' | 'CsvError'>;

export interface Dialect {
  readonly delimiter: string;
  readonly quote: string | null;
  readonly escape: string | null;
}

export interface GuessedDialect extends Dialect {
  readonly records: readonly (readonly string[])[];
  /** Share of the records that have the most frequent number of fields. */
  readonly share: number;
  readonly reasons: Readonly<Record<'delimiter' | 'quote' | 'escape', string>>;
}

const DELIMITERS = [',', '\t', '|', ';', '::'];

/**
 * Tries the likely dialects with csv-parse on the sample's lines and takes the one whose records agree best; Embulk's
 * scores for quote and escape come first. Undefined when no candidate can read the sample.
 */
export function guessDialect(lines: readonly string[], csv: CsvParse, given: Partial<Dialect>): GuessedDialect | undefined {
  const text = lines.join('\n');
  const delimiters = given.delimiter === undefined ? DELIMITERS.filter((d) => text.includes(d)) : [given.delimiter];
  if (delimiters.length === 0) delimiters.push(',');
  const tried: (GuessedDialect & { score: number })[] = [];
  for (const delimiter of delimiters) {
    const quote = given.quote === undefined ? guessQuote(lines, delimiter) : given.quote;
    const escapes = given.escape === undefined ? guessEscapes(lines, delimiter, quote) : [given.escape];
    for (const escape of escapes) {
      const records = tryParse(text, { delimiter, quote, escape }, csv);
      if (!records || records.length === 0) continue;
      const { width, share } = commonWidth(records);
      tried.push({
        delimiter,
        quote,
        escape,
        records,
        share,
        score: (width === 1 ? 0.3 : share * (1 + Math.min(width, 50) / 1000)) * (share < 0.3 ? 0.5 : 1),
        reasons: {
          delimiter: width === 1 ? 'one column, no delimiter found' : `${percent(share)} of ${records.length} records have ${width} fields with it`,
          quote:
            quote === null
              ? 'no quoted fields that would parse'
              : text.includes(quote)
                ? `${quote} surrounds fields`
                : 'none in the sample; the usual one',
          escape: escape === quote || escape === null ? 'a quote within quotes is doubled' : 'stands before quotes',
        },
      });
    }
  }
  tried.sort((a, b) => b.score - a.score);
  return tried[0];
}

export function percent(share: number): string {
  return `${(Math.floor(share * 1000) / 10).toString()} %`;
}

export function commonWidth(records: readonly (readonly string[])[]): { width: number; share: number } {
  const counts = new Map<number, number>();
  for (const record of records) counts.set(record.length, (counts.get(record.length) ?? 0) + 1);
  const [width, count] = [...counts].sort((a, b) => b[1] - a[1] || b[0] - a[0])[0] ?? [0, 0];
  return { width, share: records.length === 0 ? 0 : count / records.length };
}

function tryParse(text: string, dialect: Dialect, csv: CsvParse): string[][] | undefined {
  try {
    return csv.parse(text, {
      delimiter: dialect.delimiter,
      quote: dialect.quote,
      ...(dialect.quote === null ? {} : { escape: dialect.escape ?? dialect.quote }),
      record_delimiter: '\n',
      relax_column_count: true,
      skip_empty_lines: true,
      ltrim: dialect.quote !== null,
    }) as string[][];
  } catch (error) {
    if (error instanceof csv.CsvError) return undefined;
    throw error;
  }
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}

/** Embulk's score: quotes seen, 20 for a quoted field, 40 more for one without a delimiter inside; at least 10 a line. */
function guessQuote(lines: readonly string[], delimiter: string): string | null {
  const d = escapeRegExp(delimiter);
  const scores = ['"', "'"].map((q) => {
    const field = new RegExp(`(?:^|${d})\\s*${q}(?:(?!${q}).)*${q}\\s*(?=$|${d})`, 'g');
    const plain = new RegExp(`(?:^|${d})\\s*${q}(?:(?!${q}|${d}).)*${q}\\s*(?=$|${d})`, 'g');
    let score = 0;
    for (const line of lines) {
      const count = line.split(q).length - 1;
      if (count > 0) score += count + 20 * (line.match(field)?.length ?? 0) + 40 * (line.match(plain)?.length ?? 0);
    }
    return { q, score: score / Math.max(1, lines.length) };
  });
  const best = scores.sort((a, b) => b.score - a.score)[0];
  if (best && best.score >= 10) return best.q;
  // A quote that starts fields is one, even when it is rare in the sample.
  const starts = new RegExp(`(?:^|${d})"`);
  if (lines.some((line) => starts.test(line))) return '"';
  return lines.some((line) => line.includes('"')) ? null : '"';
}

function guessEscapes(lines: readonly string[], delimiter: string, quote: string | null): (string | null)[] {
  if (quote === null) return [null];
  const backslash = lines.reduce((n, line) => n + line.split(`\\${quote}`).length - 1, 0);
  const doubled = lines.reduce(
    (n, line) => n + line.split(`${quote}${quote}`).length - 1 - (line.split(`${delimiter}${quote}${quote}`).length - 1),
    0,
  );
  return backslash > doubled ? ['\\', quote] : backslash > 0 ? [quote, '\\'] : [quote];
}
