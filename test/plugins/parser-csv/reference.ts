/**
 * The CSV rules once more, as plainly as possible: one character at a time over a string, without regard to speed. Used
 * as an oracle for the scanner, which works on bytes and in chunks.
 */
export interface ReferenceRules {
  readonly delimiter: string;
  readonly quote: string | null;
  readonly escape: string | null;
  readonly comment: string | null;
  readonly trim: boolean;
  readonly stray: boolean;
  readonly maxQuoted: number;
  readonly skip: number;
  readonly columns: number;
  readonly extra: boolean;
  readonly optional: boolean;
  readonly nullString: string | null;
}

interface Field {
  readonly value: string;
  readonly quoted: boolean;
}

export function parseReference(text: string, rules: ReferenceRules): { rows: (string | null)[][]; rejected: number[] } {
  const rows: (string | null)[][] = [];
  const rejected: number[] = [];
  let at = 0;
  let number = 0;
  for (let i = 0; i < rules.skip && at < text.length; i++) at = lineEnd(text, at).next;
  while (at < text.length) {
    const line = lineEnd(text, at);
    if (line.end === at || (rules.comment !== null && text.startsWith(rules.comment, at))) {
      at = line.next;
      continue;
    }
    number++;
    const record = readRecord(text, at, rules);
    if (record === undefined) {
      rejected.push(number);
      at = line.next;
      continue;
    }
    at = record.next;
    const row = toRow(record.fields, rules);
    if (row) rows.push(row);
    else rejected.push(number);
  }
  return { rows, rejected };
}

function toRow(fields: readonly Field[], rules: ReferenceRules): (string | null)[] | undefined {
  if (fields.length < rules.columns && !rules.optional) return undefined;
  const tail = fields.slice(rules.columns);
  if (!rules.extra && tail.some((field) => field.quoted || field.value !== '')) return undefined;
  return Array.from({ length: rules.columns }, (_, i) => {
    const field = fields[i];
    if (!field) return null;
    if (rules.nullString !== null) return field.value === rules.nullString ? null : field.value;
    return field.value === '' && !field.quoted ? null : field.value;
  });
}

function lineEnd(text: string, at: number): { end: number; next: number } {
  for (let p = at; p < text.length; p++) {
    if (text[p] === '\n') return { end: p, next: p + 1 };
    if (text[p] === '\r') return { end: p, next: text[p + 1] === '\n' ? p + 2 : p + 1 };
  }
  return { end: text.length, next: text.length };
}

function readRecord(text: string, start: number, rules: ReferenceRules): { fields: Field[]; next: number } | undefined {
  const fields: Field[] = [];
  let p = start;
  const atNewline = (q: number): boolean => q >= text.length || text[q] === '\n' || text[q] === '\r';
  const atDelimiter = (q: number): boolean => text.startsWith(rules.delimiter, q);
  for (;;) {
    const from = p;
    if (rules.trim) while (text[p] === ' ' && !atDelimiter(p)) p++;
    else if (text[p] === ' ' && !atDelimiter(p) && rules.quote !== null && text[p + 1] === rules.quote) p++;
    if (rules.quote !== null && text[p] === rules.quote) {
      const quoted = readQuoted(text, p + 1, rules, (q) => atNewline(q) || atDelimiter(q));
      if (!quoted) return undefined;
      p = quoted.next;
      while (text[p] === ' ' && !atDelimiter(p)) p++;
      fields.push({ value: quoted.value, quoted: true });
    } else {
      p = from;
      while (!atNewline(p) && !atDelimiter(p)) p++;
      const value = text.slice(from, p);
      fields.push({ value: rules.trim ? value.replace(/^ +| +$/g, '') : value, quoted: false });
    }
    if (atNewline(p)) return { fields, next: p >= text.length ? p : lineEnd(text, p).next };
    if (!atDelimiter(p)) return undefined;
    p += rules.delimiter.length;
  }
}

function readQuoted(text: string, start: number, rules: ReferenceRules, ends: (at: number) => boolean): { value: string; next: number } | undefined {
  const quote = rules.quote as string;
  let value = '';
  const endsField = (at: number): boolean => {
    let q = at;
    if (rules.trim) while (text[q] === ' ' && !ends(q)) q++;
    return ends(q);
  };
  for (let p = start; p < text.length;) {
    const c = text[p] as string;
    const following = text[p + 1];
    if (c === quote) {
      if (rules.stray) {
        if (endsField(p + 1)) return finish(value, p + 1, rules);
        if (following === quote && !endsField(p + 2)) p++;
      } else {
        if (following !== quote) return finish(value, p + 1, rules);
        p++;
      }
      value += quote;
      p++;
    } else if (c === rules.escape && following !== undefined && (following === quote || following === rules.escape)) {
      value += following;
      p += 2;
    } else {
      value += c;
      p++;
      // A value that is too long is noticed at the end of each line, not only at its own end.
      if ((text[p] === '\n' || text[p] === '\r') && value.length > rules.maxQuoted) return undefined;
    }
  }
  return undefined;
}

function finish(value: string, next: number, rules: ReferenceRules): { value: string; next: number } | undefined {
  return value.length > rules.maxQuoted ? undefined : { value, next };
}
