import { DataError } from '../../core/spi/index.js';
import type { Dialect } from './dialect.js';
import { FIELD, RecordScanner, STEP } from './record-scanner.js';
import { chooseSpoolDialect } from './spool-writer.js';
import { hasMark } from './walk-records.js';

/** The names in the last skipped line of a file, or undefined when there is none or it cannot be read as a record. */
export function readHeader(head: Buffer, complete: boolean, dialect: Dialect): readonly string[] | undefined {
  if (dialect.skipLines === 0) return undefined;
  const bytes = Buffer.concat([head, Buffer.alloc(1)]);
  const open = { ...dialect, skipLines: dialect.skipLines - 1, columns: 1, allowExtra: true, allowOptional: true, comment: undefined };
  const firstRecord = (rules: Dialect): RecordScanner | undefined => {
    const scanner = new RecordScanner(rules, chooseSpoolDialect(dialect).quote);
    scanner.reset();
    scanner.feed(bytes, hasMark(head, head.length) ? 3 : 0, head.length, complete);
    return scanner.step() === STEP.good ? scanner : undefined;
  };
  const scanner = firstRecord(open);
  // A blank last line is no header: the record found there is the first one of the data.
  if (!scanner || firstRecord({ ...open, skipLines: dialect.skipLines })?.start === scanner.start) return undefined;
  return Array.from({ length: scanner.fields }, (_, i) => {
    const text = bytes.toString('utf8', scanner.starts[i], scanner.ends[i]);
    return (scanner.kinds[i] === FIELD.escaped ? undouble(text, dialect) : text).trim();
  });
}

function undouble(text: string, dialect: Dialect): string {
  const quote = String.fromCharCode(dialect.quote);
  const escape = dialect.escape < 0 ? quote : String.fromCharCode(dialect.escape);
  let out = '';
  for (let i = 0; i < text.length; i++) {
    const c = text[i] as string;
    const following = text[i + 1];
    if ((c === quote && following === quote) || (c === escape && (following === quote || following === escape))) i++;
    out += text[i] as string;
  }
  return out;
}

/**
 * For each column the index of its field in a file, or undefined when they stand in the same order. `base` is the header
 * of the first file ever read: `columns` follow it by position, unless they are the same names in another order.
 */
export function mapHeader(
  file: string,
  base: readonly string[],
  columns: readonly string[],
  header: readonly string[],
): readonly number[] | undefined {
  const position = header.length === base.length && header.every((name, i) => name === base[i]) ? undefined : positionsByName(file, base, header);
  const byName = columnsByName(base, columns);
  const order = columns.map((_, column) => {
    const inBase = byName?.[column] ?? column;
    return position?.[inBase] ?? inBase;
  });
  return order.every((field, column) => field === column) ? undefined : order;
}

function columnsByName(base: readonly string[], columns: readonly string[]): readonly number[] | undefined {
  if (base.length !== columns.length) return undefined;
  const lower = base.map((name) => name.toLowerCase());
  const found = columns.map((name) => lower.indexOf(name.toLowerCase()));
  return found.includes(-1) || new Set(found).size !== found.length ? undefined : found;
}

function positionsByName(file: string, base: readonly string[], header: readonly string[]): readonly number[] {
  const missing = base.filter((name) => !header.includes(name));
  const extra = header.filter((name) => !base.includes(name));
  const twice = header.filter((name, i) => header.indexOf(name) !== i);
  if (missing.length + extra.length + twice.length > 0 || header.length !== base.length) {
    const list = (words: string, names: readonly string[]): string[] => (names.length === 0 ? [] : [`${words}: ${names.join(', ')}`]);
    throw new DataError({
      code: 'CSV_HEADER_MISMATCH',
      message: `${file}: the header differs from that of the first file (${[...list('missing', missing), ...list('not expected', extra), ...list('twice', [...new Set(twice)])].join('; ')})`,
      hint: 'load such files with their own pipeline, or set match_columns: position if the order of the fields is the same',
      where: { file, line: 1 },
    });
  }
  return base.map((name) => header.indexOf(name));
}
