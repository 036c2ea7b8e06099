import { isUtf8 } from 'node:buffer';
import { ByteSearch } from '../shared/byte-search.js';
import type { Head } from '../shared/file-chunks.js';
import { createScanner, isQuoteError } from './csv-task.js';
import { CR, LF, type Dialect } from './dialect.js';
import { PlainFields, roomBefore } from './plain-fields.js';
import { hasMark, walkSample } from './walk-records.js';

/** Why a file is not for DuckDB's reader, by its start, if it is not: many shape errors, or any broken quote, make that slow or wrong. */
export function judgeSample({ bytes, complete }: Head, dialect: Dialect): string | undefined {
  const faultless = passFaultless(bytes, complete, dialect);
  const rest = bytes.subarray(faultless?.end);
  return judgeRecords(rest, complete, faultless ? { ...dialect, skipLines: 0 } : dialect, faultless?.records ?? 0);
}

/** `good`: records before these bytes. */
function judgeRecords(head: Buffer, complete: boolean, dialect: Dialect, good: number): string | undefined {
  const scanner = createScanner({ dialect });
  const bytes = Buffer.concat([head, Buffer.alloc(1)]);
  const hasCr = head.includes(CR);
  let bad = 0;
  let broken = false;
  let multiline = false;
  walkSample(bytes, head.length, complete, scanner, (isGood) => {
    if (isGood) {
      good++;
      multiline ||= hasCr && head.subarray(scanner.start, scanner.end).includes(LF);
    } else {
      bad++;
      broken ||= isQuoteError(scanner.reason);
    }
  });
  if (broken) return 'a quoted value is broken';
  // DuckDB loses such files: no row, one reject.
  if (multiline) return 'values hold newlines, and lines do not end with LF alone';
  return bad >= (good + bad) / 100 && bad > 0 ? 'one record in a hundred or more is rejected' : undefined;
}

/**
 * The records before the last one, whose end is missing, when they are of RFC 4180, end with LF and have as many fields as there are columns;
 * undefined for any other text. Takes a tenth of the scanner's time.
 */
function passFaultless(head: Buffer, complete: boolean, dialect: Dialect): { readonly end: number; readonly records: number } | undefined {
  const { delimiter, quote, escape, maxQuoted, columns } = dialect;
  if (delimiter.length !== 1 || (quote >= 0 && escape !== quote) || maxQuoted !== Infinity || head.includes(CR)) return undefined;
  if (!isUtf8(complete ? head : head.subarray(0, head.lastIndexOf(LF) + 1))) return undefined;
  const search = new ByteSearch(head.length + 1, roomBefore(columns, 0));
  search.room.set(head);
  const anything = Array.from({ length: columns }, () => undefined);
  const fields = new PlainFields(search, { ...dialect, nullString: undefined }, '\\n', anything);
  fields.beginFile();
  fields.take(search.room.byteOffset, head.length);
  const end = head.length - fields.begun;
  // A mark is passed over at the start of a file alone.
  const isPlain = fields.other === undefined && fields.misshapen === 0 && !hasMark(head.subarray(end), fields.begun);
  return isPlain && end > 0 ? { end, records: fields.records } : undefined;
}
