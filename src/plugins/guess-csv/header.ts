import { commonWidth } from './dialect.js';

type Light = 'empty' | 'boolean' | 'long' | 'double' | 'time' | 'json' | 'string';

const BOOLEAN = /^(?:true|false|yes|no|on|off|[tfyn])$/i;
const TIME =
  /^(?:\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[ T_].*)?|\d{4}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:\d{4}|\d{6})?|\d{1,2}\/[A-Z][a-z]{2}\/\d{4}.*|[A-Z][a-z]{2},? .*\d{1,2}:\d{2}(?::\d{2})?.*)$/;

/** A rough type, enough to tell a header from data. */
export function lightType(text: string): Light {
  if (text === '') return 'empty';
  if (BOOLEAN.test(text)) return 'boolean';
  if (TIME.test(text)) return 'time';
  if (/^-?(?:0|[1-9]\d*)$/.test(text)) return 'long';
  if (/^[-+]?(?:\d+\.\d*|\.\d+)(?:[eE][-+]?\d+)?$/.test(text) || /^[-+]?(?:NaN|Infinity)$/.test(text)) return 'double';
  if (/^(?:\{.*\}|\[.*\])$/.test(text)) return 'json';
  return 'string';
}

export interface HeaderGuess {
  /** Records before the first one of data. */
  readonly preamble: number;
  readonly header: boolean;
  readonly reason: string;
}

/** Embulk's rules: lines narrower than what follows are a preamble; a header differs in types or in lengths from the rest. Ours: or in digits. */
export function guessHeader(records: readonly (readonly string[])[]): HeaderGuess {
  const preamble = guessPreamble(records);
  const rows = records.slice(preamble);
  const first = rows[0];
  const rest = rows.slice(1);
  if (!first || rest.length === 0) return { preamble, header: false, reason: 'a single line is data' };
  const width = commonWidth(rest).width;
  const restRows = rest.filter((row) => row.length === width);
  const firstTypes = first.map(lightType);
  const restTypes = Array.from({ length: width }, (_, c) => mergeTypes(restRows.map((row) => lightType(row[c] ?? ''))));
  const named = first.every((cell, i) => firstTypes[i] === 'string' || firstTypes[i] === 'boolean' || cell === '');
  if (named && first.some((cell) => cell !== '')) {
    const at = restTypes.findIndex((type, i) => type !== 'empty' && type !== firstTypes[i]);
    if (at >= 0)
      return { preamble, header: true, reason: `the first line is text, while column ${at + 1} holds ${restTypes[at] ?? ''} values below` };
    const distinct = new Set(first.map((c) => c.toLowerCase())).size === first.length;
    const unlike = first.findIndex((cell, c) =>
      isUnlike(
        cell,
        restRows.map((row) => row[c] ?? ''),
      ),
    );
    const coded = first.findIndex((cell, c) =>
      isNameOfCodes(
        cell,
        restRows.map((row) => row[c] ?? '').filter((value) => value !== ''),
      ),
    );
    if (distinct && coded >= 0)
      return { preamble, header: true, reason: `the first line's text has no digit, while all values of column ${coded + 1} have` };
    if (distinct && unlike >= 0)
      return { preamble, header: true, reason: `the first line's text is of another length than the values of column ${unlike + 1}` };
  }
  return { preamble, header: false, reason: 'the first line looks like the others' };
}

/** Records among which a table is looked for; a preamble is shorter. */
const TOP = 50;

/**
 * Records before the table: the widest width that most of the records share from its first appearance on, after narrower ones
 * only. A single record that is too wide starts no table, so that what stands before it is not taken for a preamble.
 */
function guessPreamble(records: readonly (readonly string[])[]): number {
  const widths = records.slice(0, TOP).map((row) => row.length);
  const wider = [...new Set(widths)].sort((a, b) => b - a);
  for (const width of wider) {
    const first = widths.indexOf(width);
    const below = widths.slice(first);
    const same = below.filter((w) => w === width).length;
    if (same > 1 && same * 2 > below.length && widths.slice(0, first).every((w) => w < width)) return first;
  }
  return 0;
}

function mergeTypes(types: readonly Light[]): Light {
  const seen = new Set(types.filter((t) => t !== 'empty'));
  if (seen.size === 0) return 'empty';
  if (seen.size === 1) return [...seen][0] as Light;
  if (seen.size === 2 && seen.has('long') && (seen.has('double') || seen.has('boolean') || seen.has('time')))
    return seen.has('double') ? 'double' : 'long';
  return 'string';
}

/** Codes, addresses and times of day under a name: `id` above `A-17`, `start` above `12:30`. */
function isNameOfCodes(cell: string, values: readonly string[]): boolean {
  return /^[\p{L}_][\p{L}_ .-]*$/u.test(cell) && values.length > 2 && values.every((value) => /\d/.test(value));
}

function isUnlike(cell: string, values: readonly string[]): boolean {
  const lengths = values.map((v) => v.length);
  const mean = lengths.reduce((a, b) => a + b, 0) / lengths.length;
  if (mean === 0) return false;
  const variance = lengths.reduce((sum, n) => sum + (n - mean) ** 2, 0) / lengths.length;
  return variance <= 0.2 && Math.abs(cell.length - mean) / mean > 0.7;
}
