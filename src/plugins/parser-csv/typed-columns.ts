import { duckdbType, type SourceColumn } from '../../core/spi/index.js';
import { ByteSearch } from '../shared/byte-search.js';
import { readWindows, type Head } from '../shared/file-chunks.js';
import type { CsvTask } from './csv-task.js';
import type { Dialect } from './dialect.js';
import { PlainFields, roomBefore, type PlainForm } from './plain-fields.js';
import { plainNumberOf } from './plain-number.js';
import type { NativeNewline } from './routing.js';

/** Columns that DuckDB's reader may give as values, as long as their fields in all records are plain or null. */
export interface TypedColumns {
  /** In the order of a file's fields; undefined: not looked at. */
  readonly forms: readonly (PlainForm | undefined)[];
  /** By name of the column. */
  readonly types: ReadonlyMap<string, TypedColumn>;
}

export interface TypedColumn {
  /** What the reader is asked for. */
  readonly readAs: string;
  /** The column's value from what was read. */
  readonly sql: (ref: string) => string;
}

/** A delimiter or quote that may stand in a value, or in a null, would make this a game of chance. */
const MAY_BE_OF_A_VALUE = /[-+.:A-Za-z0-9\s]/;
const MAX_FIELDS = 1000;
/** Where a file is larger, a sample of its start tells little. */
const LARGE = 8 << 20;
const WINDOWS = { count: 8, bytes: 128 << 10 };

/**
 * Which columns are plain in the samples; undefined when none is, and for dialects that may be read another way. What was found holds for all
 * records only after `PlainFields` has seen them.
 */
export async function chooseTypedColumns(
  task: CsvTask,
  newline: NativeNewline,
  order: readonly number[] | undefined,
  heads: readonly Head[],
): Promise<TypedColumns | undefined> {
  const { columns, dialect, files } = task;
  if (columns.length < 2 || columns.length > MAX_FIELDS || newline === '\\r' || !isUsual(dialect)) return undefined;
  const forms: (PlainForm | undefined)[] = columns.map(() => undefined);
  const types = new Map<string, TypedColumn>();
  for (const [i, column] of columns.entries()) {
    const typed = column.text && typedColumn(column);
    if (!typed) continue;
    types.set(column.name, typed);
    forms[order?.[i] ?? i] = typed.form;
  }
  const sampler = new Sampler(task.dialect, newline, forms);
  for (const head of heads) if (!sampler.holds(head.bytes, dialect.skipLines, head.complete)) return undefined;
  for (const file of files.slice(0, heads.length)) {
    if (file.compression !== 'none' || file.size < LARGE) continue;
    // Lines before the first newline may be cut.
    for await (const window of readWindows(file.path, file.size, WINDOWS)) if (!sampler.holds(window, 1, false)) return undefined;
  }
  for (const [i, column] of columns.entries()) if (forms[order?.[i] ?? i] === undefined) types.delete(column.name);
  return types.size === 0 ? undefined : { forms, types };
}

function isUsual({ delimiter, quote, nullString }: Dialect): boolean {
  const marks = String.fromCharCode(...delimiter, ...(quote < 0 ? [] : [quote]));
  if (delimiter.length !== 1 || MAY_BE_OF_A_VALUE.test(marks.replace('\t', ''))) return false;
  return nullString === undefined || (/^[ -~]*$/.test(nullString) && ![...marks].some((mark) => nullString.includes(mark)));
}

const AS_IT_IS = (ref: string): string => ref;

function typedColumn(column: SourceColumn): (TypedColumn & { readonly form: PlainForm }) | undefined {
  const { type, text } = column;
  const format = text?.format;
  const number = plainNumberOf(type);
  if (number) return { form: { kind: 'number', ...number }, readAs: duckdbType(type), sql: AS_IT_IS };
  switch (type) {
    case 'boolean':
      return { form: { kind: 'boolean' }, readAs: 'BOOLEAN', sql: AS_IT_IS };
    case 'date':
      return format === undefined || format === '%Y-%m-%d' ? { form: { kind: 'day' }, readAs: 'DATE', sql: AS_IT_IS } : undefined;
    case 'datetime': {
      const form = timeForm(format, false);
      return form && { form, readAs: 'TIMESTAMP', sql: AS_IT_IS };
    }
    case 'timestamp': {
      const form = (text?.timezone ?? 'UTC') === 'UTC' ? timeForm(format, true) : undefined;
      return form && { form, readAs: 'TIMESTAMP', sql: (ref) => `make_timestamptz(epoch_us(${ref}))` };
    }
    default:
      return undefined;
  }
}

function timeForm(format: string | undefined, zulu: boolean): PlainForm | undefined {
  if (format === undefined) return { kind: 'time', between: undefined, fraction: true, zulu };
  const between = format === '%Y-%m-%d %H:%M:%S' ? ' ' : format === '%Y-%m-%dT%H:%M:%S' ? 'T' : undefined;
  return between && { kind: 'time', between, fraction: false, zulu: false };
}

/** Strikes out the forms that a sample does not have. */
class Sampler {
  readonly #dialect: Dialect;
  readonly #newline: NativeNewline;
  readonly #forms: (PlainForm | undefined)[];

  constructor(dialect: Dialect, newline: NativeNewline, forms: (PlainForm | undefined)[]) {
    this.#dialect = dialect;
    this.#newline = newline;
    this.#forms = forms;
  }

  /** False when the records cannot be told apart, or nothing is left to look for. */
  holds(bytes: Buffer, skipLines: number, complete: boolean): boolean {
    const forms = this.#forms;
    const dialect = { ...this.#dialect, skipLines };
    const search = new ByteSearch(bytes.length + 1, roomBefore(forms.length, dialect.nullString?.length ?? 0));
    search.room.set(bytes);
    while (forms.some((form) => form !== undefined)) {
      const fields = new PlainFields(search, dialect, this.#newline, forms);
      fields.beginFile();
      fields.take(search.room.byteOffset, bytes.length);
      if (complete) fields.endFile();
      if (fields.other === undefined) return true;
      if (fields.other < 0 || forms[fields.other] === undefined) return false;
      forms[fields.other] = undefined;
    }
    return false;
  }
}
