import type { SqlValue } from '../core/spi/index.js';
import { formatCount, formatTable, printable } from './format.js';
import { stringify } from './output.js';

export const RESULT_FORMATS = ['table', 'vertical', 'csv', 'tsv', 'jsonl', 'json', 'parquet'] as const;
export type ResultFormat = (typeof RESULT_FORMATS)[number];

export interface ResultColumns {
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  chunks(): AsyncIterable<SqlValue[][]>;
}

type Write = (text: string) => Promise<void>;

/** Rows kept to find the column widths of `table`; what follows is printed with these widths' table anew. */
const TABLE_ROWS = 1000;

/** Streams a result as text; memory does not grow with its size. Returns the number of rows. */
export async function writeResult(result: ResultColumns, format: Exclude<ResultFormat, 'parquet'>, write: Write): Promise<number> {
  const names = result.columns.map((c) => c.name);
  const distinct = distinctNames(names);
  const columns = result.columns.map(({ type }, i) => ({ name: distinct[i] ?? '', type }));
  switch (format) {
    case 'table':
      return writeTable(result, names, write);
    case 'vertical':
      return writeRows(result, write, (row, n) => vertical(names, row, n));
    case 'csv':
      await write(`${distinct.map(csvField).join(',')}\n`);
      return writeRows(result, write, (row) => row.map(csvField).join(','));
    case 'tsv':
      await write(`${distinct.map(tsvField).join('\t')}\n`);
      return writeRows(result, write, (row) => row.map(tsvField).join('\t'));
    case 'jsonl':
      return writeRows(result, write, (row) => jsonRow(columns, row));
    case 'json': {
      await write('[');
      const rows = await writeRows(result, write, (row, n) => `${n === 1 ? '\n' : ','}${n === 1 ? '' : '\n'}${jsonRow(columns, row)}`, '');
      await write(rows === 0 ? ']\n' : '\n]\n');
      return rows;
    }
  }
}

/** Equal names (in any case) told apart as DuckDB does in files, so that each format has the same: `a`, `a_1`, `a_2`. */
export function distinctNames(names: readonly string[]): readonly string[] {
  const seen = new Map<string, number>();
  return names.map((name) => {
    const key = name.toLowerCase();
    let distinct = name;
    let count = seen.get(key) ?? 0;
    while (seen.has(distinct.toLowerCase())) distinct = `${name}_${++count}`;
    seen.set(key, count);
    seen.set(distinct.toLowerCase(), seen.get(distinct.toLowerCase()) ?? 0);
    return distinct;
  });
}

async function writeRows(result: ResultColumns, write: Write, format: (row: SqlValue[], n: number) => string, end = '\n'): Promise<number> {
  let n = 0;
  for await (const columns of result.chunks()) {
    const count = columns[0]?.length ?? 0;
    let text = '';
    for (let i = 0; i < count; i++)
      text +=
        format(
          columns.map((column) => column[i] ?? null),
          ++n,
        ) + end;
    await write(text);
  }
  return n;
}

async function writeTable(result: ResultColumns, names: readonly string[], write: Write): Promise<number> {
  let rows: string[][] = [];
  let total = 0;
  for await (const columns of result.chunks()) {
    const count = columns[0]?.length ?? 0;
    for (let i = 0; i < count; i++) {
      rows.push(columns.map((column) => cell(column[i] ?? null)));
      total++;
      if (rows.length === TABLE_ROWS) {
        await write(`${formatTable(names, rows)}\n`);
        rows = [];
      }
    }
  }
  if (rows.length > 0 || total === 0) await write(`${formatTable(names, rows)}\n`);
  return total;
}

function vertical(names: readonly string[], row: readonly SqlValue[], n: number): string {
  const width = Math.max(...names.map((name) => name.length));
  return [`*** ${formatCount(n)} ***`, ...names.map((name, i) => `${name.padStart(width)}: ${cell(row[i] ?? null)}`)].join('\n');
}

function cell(value: SqlValue): string {
  return value === null ? 'NULL' : printable(plainText(value));
}

function plainText(value: Exclude<SqlValue, null>): string {
  if (value instanceof Uint8Array) return `\\x${Buffer.from(value).toString('hex')}`;
  return typeof value === 'object' ? stringify(value) : String(value);
}

/** RFC 4180; NULL is empty, the empty string `""`. */
function csvField(value: SqlValue): string {
  if (value === null) return '';
  const text = plainText(value);
  return text === '' || /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** NULL is `\N`; tab, newline, carriage return and backslash are escaped. */
function tsvField(value: SqlValue): string {
  if (value === null) return '\\N';
  return plainText(value).replace(/[\\\t\n\r]/g, (c) => ({ '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' })[c] as string);
}

/**
 * One row as a JSON object. Integers are numbers with all their digits; decimals too, so that 1.10 stays 1.10; NaN and
 * infinities, which JSON lacks, are strings.
 */
export function jsonRow(columns: ResultColumns['columns'], row: readonly SqlValue[]): string {
  return `{${columns.map(({ name, type }, i) => `${JSON.stringify(name)}:${jsonValue(row[i] ?? null, type)}`).join(',')}}`;
}

function jsonValue(value: SqlValue, type: string): string {
  if (value === null) return 'null';
  if (typeof value === 'string') return type.startsWith('DECIMAL') ? value : JSON.stringify(value);
  if (typeof value === 'number') return Number.isFinite(value) ? (Object.is(value, -0) ? '-0.0' : String(value)) : JSON.stringify(String(value));
  if (typeof value !== 'object') return value.toString();
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString('base64'));
  if (Array.isArray(value)) return `[${value.map((v) => jsonValue(v, elementType(type))).join(',')}]`;
  const fields = Object.entries(value).map(([k, v]) => `${JSON.stringify(k)}:${jsonValue(v, '')}`);
  return `{${fields.join(',')}}`;
}

function elementType(type: string): string {
  return type.endsWith('[]') ? type.slice(0, -2) : '';
}
