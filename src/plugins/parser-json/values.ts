import { kindOf, membersOf, followPointer, stringOf, textOf, type JsonSlice } from '../shared/json-scanner.js';
import type { JsonColumn, TextRule } from './config.js';

export type RecordText =
  | { readonly ok: true; readonly values: readonly (string | null)[] }
  | { readonly ok: false; readonly column: string | null; readonly reason: string };

/** The texts of one record's columns, by the rules that the native lane follows too (native-sql.ts). */
export function readRecord(bytes: Buffer, record: JsonSlice, columns: readonly JsonColumn[]): RecordText {
  const kind = kindOf(bytes, record.start);
  if (kind !== 'object') return { ok: false, column: null, reason: `expected a JSON object, found ${withArticle(kind)}` };
  const top = new Map<string, JsonSlice>();
  if (columns.some((c) => c.path.length > 0)) for (const { key, value } of membersOf(bytes, record)) top.set(key, value);
  const values: (string | null)[] = [];
  for (const column of columns) {
    const [first, ...rest] = column.path;
    const start = first === undefined ? record : top.get(first);
    const slice = start && rest.length > 0 ? followPointer(bytes, start, rest) : start;
    const text = slice ? textFor(bytes, slice, column.rule) : null;
    if (text === undefined)
      return { ok: false, column: column.name, reason: `expected a JSON string, found ${withArticle(kindOf(bytes, (slice as JsonSlice).start))}` };
    values.push(text);
  }
  return { ok: true, values };
}

/** Undefined = a value of another type that no text could show as such. JSON null and a missing value are both NULL. */
function textFor(bytes: Buffer, slice: JsonSlice, rule: TextRule): string | null | undefined {
  const kind = kindOf(bytes, slice.start);
  if (kind === 'null') return null;
  switch (rule) {
    case 'json':
    case 'number':
      return textOf(bytes, slice);
    case 'string':
      return kind === 'string' ? stringOf(bytes, slice) : undefined;
    case 'time':
      return kind === 'string' ? stringOf(bytes, slice) : textOf(bytes, slice);
    case 'boolean':
      // 0 and 1 would pass as CSV words, but are no JSON booleans.
      return kind === 'number' ? `number ${textOf(bytes, slice)}` : textOf(bytes, slice);
  }
}

function withArticle(kind: string): string {
  return kind === 'null' ? 'null' : `${/^[aeiou]/.test(kind) ? 'an' : 'a'} ${kind}`;
}
