export type Newline = 'CRLF' | 'LF' | 'CR';

/** Embulk's rule: CRLF when they are more than half of the CRs and of the LFs, else CR or LF. */
export function guessNewline(text: string): Newline {
  const count = (pattern: RegExp): number => text.match(pattern)?.length ?? 0;
  const crlf = count(/\r\n/g);
  const cr = count(/\r/g) - crlf;
  const lf = count(/\n/g) - crlf;
  if (crlf > 0 && crlf > cr && crlf > lf) return 'CRLF';
  return cr > lf ? 'CR' : 'LF';
}

/** Lines without their ends; a last one that the sample may have cut is left out. */
export function splitLines(text: string, newline: Newline, complete: boolean): string[] {
  const lines = text.split(newline === 'CR' ? /\r/ : /\r?\n/);
  const last = lines.pop();
  if (last !== undefined && last !== '' && complete) lines.push(last);
  return lines;
}

const MARKERS = ['#', '//'];

/** A marker that starts lines at the top or more than one line elsewhere. */
export function guessComment(lines: readonly string[]): { marker: string; count: number } | undefined {
  return MARKERS.map((marker) => ({ marker, count: lines.filter((line) => line.startsWith(marker)).length }))
    .filter(({ marker, count }) => count > 0 && (count > 1 || lines[0]?.startsWith(marker) === true) && count < lines.length)
    .sort((a, b) => b.count - a.count)[0];
}

const NULL_WORDS = ['null', 'NULL', '#N/A', '\\N'];

/** The most frequent of the usual null words that are whole fields. */
export function guessNullString(records: readonly (readonly string[])[]): { word: string; count: number } | undefined {
  const counts = new Map(NULL_WORDS.map((word) => [word, 0]));
  for (const record of records) {
    for (const field of record) {
      const word = field.trim();
      const count = counts.get(word);
      if (count !== undefined) counts.set(word, count + 1);
    }
  }
  const best = [...counts].sort((a, b) => b[1] - a[1])[0];
  return best && best[1] > 0 ? { word: best[0], count: best[1] } : undefined;
}
