import { randomUUID } from 'node:crypto';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { fileSystemError, PLACE_COLUMNS, quoteIdentifier, quoteLiteral, type SourceColumn, type SuspectRows } from '../../core/spi/index.js';
import type { CsvTask } from './csv-task.js';
import { CR, LF, MAX_RECORD, type Dialect } from './dialect.js';
import { createPieceBuffers, readLinePieces, type LinePiece } from './line-pieces.js';
import { plainNumberOf } from './plain-number.js';
import { readCsvSql } from './read-csv-sql.js';
import type { NativeNewline } from './routing.js';
import { SuspectLines } from './suspect-lines.js';

/** Bytes held back for one write. */
const AT_ONCE = 1 << 20;
/** A delimiter or quote that may stand in a number would make this a game of chance. */
const MAY_BE_OF_A_NUMBER = /[-+.0-9\s]/;
const { source, record, offset, raw } = PLACE_COLUMNS;

/** What to do with the file once it is not needed. */
export interface WrittenSuspects extends SuspectRows {
  remove(): Promise<void>;
}

/**
 * Copies the lines whose text in one of `columns` is no plain number, with their places; for files whose every line behind the header is one
 * good record. The fields stay as they are in the line, and DuckDB reads them as it did before. Undefined where columns have other types, and
 * for dialects that may read another way.
 */
export async function writeSuspects(
  task: CsvTask,
  newline: NativeNewline,
  order: readonly number[] | undefined,
  columns: readonly SourceColumn[],
): Promise<WrittenSuspects | undefined> {
  const { dialect } = task;
  const names = task.columns.map((column) => column.name);
  const watched = columns.flatMap(({ name, type }) => {
    const number = plainNumberOf(type);
    const at = names.indexOf(name);
    return number && at >= 0 ? [{ name, number, field: order?.[at] ?? at }] : [];
  });
  if (watched.length < columns.length || !isUsual(dialect)) return undefined;
  watched.sort((a, b) => a.field - b.field);
  const path = join(task.ctx.tempDir, `suspects-${randomUUID()}.csv`);
  const remove = (): Promise<void> => rm(path, { force: true });
  try {
    const complete = await copySuspects(task, newline, new SuspectLines(dialect, newline, watched), path);
    if (complete)
      return {
        from: relationSql(
          path,
          dialect,
          watched.map((each) => each.name),
        ),
        remove,
      };
    await remove();
    return undefined;
  } catch (error) {
    await remove();
    throw fileSystemError(error, `writing ${path}`);
  }
}

function isUsual({ delimiter, quote }: Dialect): boolean {
  return delimiter.length === 1 && quote >= 0 && !MAY_BE_OF_A_NUMBER.test(String.fromCharCode(quote, delimiter[0] as number).replace('\t', ''));
}

/** False when a line is too long to be read back. */
async function copySuspects(task: CsvTask, newline: NativeNewline, lines: SuspectLines, path: string): Promise<boolean> {
  const buffers = createPieceBuffers(Math.max(0, ...task.files.map((file) => file.size)));
  const out = await open(path, 'wx');
  try {
    const writer = new SuspectWriter(out, task.dialect);
    for (const file of task.files) {
      writer.begin(file.name, file.base);
      lines.begin();
      for await (const piece of readLinePieces(file.path, newline === '\\r' ? CR : LF, buffers, task.ctx.signal)) {
        lines.take(piece);
        while (lines.next(task.dialect.skipLines)) writer.add(piece, lines);
        if (writer.longest > MAX_RECORD) return false;
        await writer.flush(AT_ONCE);
      }
    }
    await writer.flush(0);
    return true;
  } finally {
    await out.close();
  }
}

/** Lines as records of the same dialect: places and text in quotes, then the watched fields as they are. */
class SuspectWriter {
  /** Bytes of the longest record. */
  longest = 0;
  readonly #out: FileHandle;
  readonly #quote: number;
  readonly #delimiter: number;
  readonly #skipped: number;
  #waiting = Buffer.allocUnsafeSlow(AT_ONCE);
  #at = 0;
  #source: Uint8Array = new Uint8Array(0);
  #base: number | null = null;

  constructor(out: FileHandle, dialect: Dialect) {
    this.#out = out;
    this.#quote = dialect.quote;
    this.#delimiter = dialect.delimiter[0] as number;
    this.#skipped = dialect.skipLines;
  }

  begin(name: string, base: number | null): void {
    this.#source = Buffer.from(name);
    this.#base = base;
  }

  add({ bytes, from, offset: first }: LinePiece, { number, start, end, bounds }: SuspectLines): void {
    const begun = this.#at;
    this.#makeRoom(2 * (end - start + this.#source.length) + (end - start) + 64 + bounds.length);
    this.#number(number - this.#skipped);
    if (this.#base === null) this.#quoted(bytes, 0, 0);
    else this.#number(this.#base + first + start - from);
    this.#quoted(this.#source, 0, this.#source.length);
    this.#quoted(bytes, start, end);
    const out = this.#waiting;
    let at = this.#at;
    for (let i = 0; i < bounds.length; i += 2) {
      const to = bounds[i + 1] as number;
      for (let k = bounds[i] as number; k < to; k++) out[at++] = bytes[k] as number;
      out[at++] = i + 2 < bounds.length ? this.#delimiter : LF;
    }
    this.#at = at;
    if (at - begun > this.longest) this.longest = at - begun;
  }

  async flush(from: number): Promise<void> {
    if (this.#at > from) await this.#out.writeFile(this.#waiting.subarray(0, this.#at));
    if (this.#at > from) this.#at = 0;
  }

  #makeRoom(bytes: number): void {
    if (this.#at + bytes <= this.#waiting.length) return;
    const larger = Buffer.allocUnsafeSlow(2 * (this.#at + bytes));
    this.#waiting.copy(larger, 0, 0, this.#at);
    this.#waiting = larger;
  }

  #number(value: number): void {
    const out = this.#waiting;
    let digits = 1;
    for (let power = 10; power <= value; power *= 10) digits++;
    out[this.#at] = this.#quote;
    let rest = value;
    for (let at = this.#at + digits; at > this.#at; at--) {
      const next = Math.floor(rest / 10);
      out[at] = 48 + rest - 10 * next;
      rest = next;
    }
    this.#at += digits + 1;
    out[this.#at++] = this.#quote;
    out[this.#at++] = this.#delimiter;
  }

  #quoted(bytes: Uint8Array, from: number, to: number): void {
    const out = this.#waiting;
    const quote = this.#quote;
    let at = this.#at;
    out[at++] = quote;
    for (let i = from; i < to; i++) {
      const byte = bytes[i] as number;
      out[at++] = byte;
      if (byte === quote) out[at++] = quote;
    }
    out[at++] = quote;
    out[at++] = this.#delimiter;
    this.#at = at;
  }
}

function relationSql(path: string, dialect: Dialect, names: readonly string[]): string {
  const { nullString } = dialect;
  const from = readCsvSql({
    paths: [path],
    names: [record, offset, source, raw, ...names],
    delimiter: dialect.delimiter,
    quote: dialect.quote,
    newline: '\\n',
    skip: 0,
    nullString,
  });
  // The null string is null also in quotes, and a place is never null.
  const places = [source, record, offset, raw].map((name) =>
    nullString === undefined ? name : `coalesce(${name}, ${quoteLiteral(nullString)}) AS ${name}`,
  );
  return `(SELECT ${[...names.map((name) => quoteIdentifier(name)), ...places].join(', ')} FROM ${from})`;
}
