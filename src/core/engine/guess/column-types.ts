import { quoteLiteral, type ColumnType, type GuessColumn, type SqlConnection, type TextFormat } from '../../spi/index.js';
import { conversionSql } from '../typing/convert.js';
import { guessTimeFormat, type TimeFormat } from './time-format.js';

export interface GuessedType {
  readonly type: ColumnType;
  readonly format?: string;
  /** Why, for the comment beside the column. */
  readonly reason: string;
  readonly warning?: string;
}

/** A type that all values may have: a quick test in JavaScript; the run's own conversion has the last word. */
interface Candidate {
  readonly type: ColumnType;
  readonly text?: TextFormat;
  /** For the reason: `integer`, `of the form %Y-%m-%d`. */
  readonly word: string;
  readonly fits: number;
}

type Counted = readonly (readonly [text: string, count: number])[];

const LONGEST_SCALE = 4;
/** From this share on a near miss is worth a word. */
const MOST = 0.6;
const BOOLEAN = /^(?:true|false|yes|no|on|off|t|f|y|n)$/i;
const INTEGER = /^-?(?:0|[1-9][0-9]*)$/;
const FRACTION = /^[-+]?(?:0|[1-9][0-9]*)?\.[0-9]+(?:[eE][-+]?[0-9]+)?$/;
const EXPONENT = /^[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]*)?[eE][-+]?[0-9]+$/;
const DOUBLE_WORD = /^(?:NaN|[-+]?Infinity)$/;
const MONEY = /^-?(?:0|[1-9][0-9]*)\.([0-9]+)$/;

export async function guessColumnType(column: GuessColumn, sql: SqlConnection): Promise<GuessedType> {
  const counted = countValues(column.values);
  const total = counted.reduce((sum, [, n]) => sum + n, 0);
  if (column.kind === 'json') return { type: 'json', reason: 'nested or mixed values' };
  if (total === 0) return { type: 'string', reason: 'no values in the sample' };
  if (column.kind === 'boolean') return { type: 'boolean', reason: sayAll(total, 'true or false') };
  const time = column.kind === 'number' ? undefined : guessTimeFormat(counted);
  const candidates = listCandidates(column, counted, time);
  for (const candidate of candidates) {
    if (candidate.fits < total) continue;
    const converted = await countConverted(candidate, counted, sql);
    if (converted < total) continue;
    if (time?.orElse !== undefined && candidate.text?.format === time.format) return refuseAmbiguous(time, total, counted);
    const format = candidate.text?.format;
    return {
      type: candidate.type,
      ...(format === undefined ? {} : { format }),
      reason: sayAll(total, candidate.word),
    };
  }
  if (column.kind === 'number') return { type: 'json', reason: 'numbers of several forms' };
  return { type: 'string', reason: explainString(candidates, counted, total) };
}

function sayAll(total: number, word: string): string {
  if (total > 1) return `all ${total} values are ${word.replace(/^integer/, 'integers')}`;
  const one = word
    .replace(/^integer/, 'an integer')
    .replace(/^numbers/, 'a number')
    .replace('JSON objects or arrays', 'a JSON object or array');
  return `the only value is ${one}`;
}

export function countValues(values: readonly (string | null)[]): Counted {
  const counts = new Map<string, number>();
  for (const value of values) if (value !== null) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts];
}

function listCandidates(column: GuessColumn, counted: Counted, time: TimeFormat | undefined): Candidate[] {
  const fitting = (test: (text: string) => boolean): number => counted.reduce((sum, [text, n]) => sum + (test(text) ? n : 0), 0);
  const list: Candidate[] = [];
  if (column.kind === 'text') list.push({ type: 'boolean', word: 'true or false', fits: fitting((t) => BOOLEAN.test(t)) });
  if (time) {
    const type = time.parts === 'date' ? 'date' : time.parts === 'zone' ? 'timestamp' : 'datetime';
    list.push({ type, text: { format: time.format }, word: `of the form ${time.format}`, fits: time.count });
  }
  if (column.kind === 'string') return list;
  const integers = fitting((t) => INTEGER.test(t));
  list.push({ type: 'long', word: 'integer', fits: integers });
  list.push({ type: 'decimal(38,0)', word: 'integer, some beyond 64 bits', fits: integers });
  const scale = commonScale(counted);
  if (scale !== undefined) {
    const precision = counted.every(([t]) => t.replace(/[-.]/g, '').length <= 18) ? 18 : 38;
    list.push({ type: `decimal(${precision},${scale})`, word: `numbers with ${scale} digits after the point`, fits: fitting((t) => MONEY.test(t)) });
  }
  const fractions = fitting((t) => FRACTION.test(t) || EXPONENT.test(t) || DOUBLE_WORD.test(t));
  const wideIntegers = counted.some(([t]) => INTEGER.test(t) && t.replace('-', '').length > 15);
  if (fractions > 0 && !wideIntegers) list.push({ type: 'double', word: 'numbers', fits: fractions + integers });
  if (column.kind === 'text') list.push({ type: 'json', word: 'JSON objects or arrays', fits: fitting((t) => /^[{[]/.test(t) && isJson(t)) });
  return list;
}

/** Fraction digits that all values share (money); one digit is no sign of a fixed scale. */
function commonScale(counted: Counted): number | undefined {
  let scale: number | undefined;
  for (const [text] of counted) {
    const digits = MONEY.exec(text)?.[1]?.length;
    if (digits === undefined || digits < 2 || digits > LONGEST_SCALE || (scale !== undefined && digits !== scale)) return undefined;
    scale = digits;
  }
  return scale;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

async function countConverted(candidate: Candidate, counted: Counted, sql: SqlConnection): Promise<number> {
  const list = quoteLiteral(JSON.stringify(counted.filter(([text]) => !text.includes('\0')).map(([text, n]) => [text, String(n)])));
  const conversion = conversionSql('t', { type: candidate.type, ...(candidate.text ? { text: candidate.text } : {}) });
  const [row] = await sql.rows(
    `select cast(coalesce(sum(n) filter (where v is not null), 0) as double) as fits from (select n, ${conversion} as v from ` +
      `(select p[1] as t, cast(p[2] as bigint) as n from (select unnest(from_json(${list}, '[["VARCHAR"]]')) as p)))`,
  );
  return Number(row?.['fits'] ?? 0);
}

function refuseAmbiguous(time: TimeFormat, total: number, counted: Counted): GuessedType {
  const example = counted[0]?.[0] ?? '';
  const text = `${total} values like '${example}' are ${time.format} or ${time.orElse ?? ''}: the sample does not tell`;
  return { type: 'string', reason: text, warning: `${text}; give the column's type and format` };
}

/** `97.2 % integer, 14 values like 'N/A'`, when most values have a type. */
function explainString(candidates: readonly Candidate[], counted: Counted, total: number): string {
  const best = [...candidates].sort((a, b) => b.fits - a.fits)[0];
  if (!best || best.fits < total * MOST) return 'text';
  if (best.fits === total) return `${best.word}, but not all convert`;
  const misfit = counted.find(([text]) => !matches(best, text));
  const share = Math.floor((best.fits / total) * 1000) / 10;
  const others = total - best.fits;
  return `${share} % ${best.word}, ${others} value${others === 1 ? '' : 's'} like '${(misfit?.[0] ?? '').slice(0, 40)}'`;
}

function matches(candidate: Candidate, text: string): boolean {
  if (candidate.text?.format !== undefined) return guessTimeFormat([[text, 1]])?.format === candidate.text.format;
  switch (candidate.type) {
    case 'boolean':
      return BOOLEAN.test(text);
    case 'double':
      return INTEGER.test(text) || FRACTION.test(text) || EXPONENT.test(text) || DOUBLE_WORD.test(text);
    case 'json':
      return isJson(text);
    default:
      return candidate.type.startsWith('decimal') && candidate.type !== 'decimal(38,0)' ? MONEY.test(text) : INTEGER.test(text);
  }
}
