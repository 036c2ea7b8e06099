import {
  BugError,
  quoteIdentifier,
  quoteLiteral,
  quotePaths,
  type FileFact,
  type ParserFile,
  type Reading,
  type RejectRecord,
  type RowPlace,
  type SourceColumn,
  type Spool,
  type TaskContext,
} from '../../core/spi/index.js';
import { hashBytes } from './line-scan.js';
import { ByteCounter } from './scan-bytes.js';

/** The text of each column, null for NULL; or why the record is rejected. */
export type RecordOutcome = { readonly values: readonly (string | null)[] } | { readonly column: string | null; readonly reason: string };

export interface SourceRecord {
  /** Offset of its first byte in what was read, or null where offsets of the source are not known. */
  readonly offset: number | null;
  readonly outcome: RecordOutcome;
  /** The record as text. Only valid until the next batch. */
  raw(): string | null;
}

/** Reads the records of one file, in small batches. Called again for rejects and places: it must give the same each time. */
export type ReadRecords = (bytes: AsyncIterable<Uint8Array>, file: ParserFile) => AsyncIterable<readonly SourceRecord[]>;

const BLOCK = 1 << 20;
const BATCH = 1000;
const BATCH_CHARACTERS = 4 << 20;
/** Up to here a line of the spool fits DuckDB's own limit, whatever its characters. */
const SHORT_LINE = 500_000;

/**
 * The lane of parsers that read records in JavaScript: texts go to the spool as RFC 4180 and come back through DuckDB,
 * so that typing, rejects and Parquet are those of every other file. Rejects and places are found by reading again, so
 * that memory stays constant.
 */
export async function openSpooledRecords(
  files: readonly ParserFile[],
  columns: readonly SourceColumn[],
  read: ReadRecords,
  ctx: TaskContext,
): Promise<Reading> {
  const spool = ctx.spool('csv');
  try {
    const filled = await fillSpool(files, read, spool, ctx);
    const paths = await spool.finish();
    return {
      relation: { from: spoolSql(paths, columns, filled.longest), columns },
      check(rows, failure) {
        if (failure !== undefined) return Promise.reject(failure as Error);
        if (rows !== filled.good) {
          const problem = `${files[0]?.name ?? 'task'}: ${filled.good} records were spooled, but ${rows} rows were read back`;
          return Promise.reject(new BugError({ code: 'SPOOL_MISREAD', message: problem, hint: 'please report this with the file' }));
        }
        const { good, rejected, facts } = filled;
        return Promise.resolve({ keep: true, read: good + rejected, rejected, rejects: () => listRejects(files, read, ctx), files: facts });
      },
      places: (ordinals, withRaw) => listPlaces(files, read, ordinals, withRaw, ctx),
      close: () => spool.remove(),
    };
  } catch (error) {
    await spool.remove();
    throw error;
  }
}

interface Filled {
  readonly good: number;
  readonly rejected: number;
  /** Bytes of the longest line of the spool, or less than {@link SHORT_LINE} characters. */
  readonly longest: number;
  readonly facts: readonly FileFact[];
}

async function fillSpool(files: readonly ParserFile[], read: ReadRecords, spool: Spool, ctx: TaskContext): Promise<Filled> {
  const facts: FileFact[] = [];
  let [good, rejected, longest] = [0, 0, 0];
  for (const file of files) {
    const counter = new ByteCounter({ hash: true });
    const encoded = file.decoders.length > 0;
    let block = '';
    for await (const batch of read(counted(file.open(), encoded ? undefined : counter, ctx), file)) {
      ctx.signal.throwIfAborted();
      const before = rejected;
      for (const { outcome } of batch) {
        if (!('values' in outcome)) {
          rejected++;
          continue;
        }
        good++;
        const line = csvLine(outcome.values);
        if (line.length > SHORT_LINE) longest = Math.max(longest, Buffer.byteLength(line));
        block += line;
        if (block.length < BLOCK) continue;
        await spool.write(Buffer.from(block));
        block = '';
      }
      if (rejected > before) ctx.rejectsSoFar(rejected);
    }
    if (block !== '') await spool.write(Buffer.from(block));
    const { hash, bytes } = encoded ? await hashBytes(counted(file.openRaw(), undefined, ctx, true), ctx.signal) : counter.facts();
    facts.push({ source: file.name, hash, bytes });
  }
  return { good, rejected, longest, facts };
}

/** Progress is in raw bytes: those of `source` when they are counted for the hash, or when `raw` says so. */
async function* counted(
  source: AsyncIterable<Uint8Array>,
  counter: ByteCounter | undefined,
  ctx: TaskContext,
  raw = counter !== undefined,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    ctx.signal.throwIfAborted();
    counter?.add(chunk);
    if (raw) ctx.progress({ bytes: chunk.length });
    yield chunk;
  }
}

/** Every value in quotes: an unquoted empty field is NULL, a quoted one an empty text. */
function csvLine(values: readonly (string | null)[]): string {
  let line = '';
  let separator = '';
  for (const value of values) {
    line += separator;
    separator = ',';
    if (value !== null) line += value.includes('"') ? `"${value.replaceAll('"', '""')}"` : `"${value}"`;
  }
  return `${line}\n`;
}

function spoolSql(paths: readonly string[], columns: readonly SourceColumn[], longest: number): string {
  if (paths.length === 0) return `(SELECT ${columns.map((c) => `NULL::VARCHAR AS ${quoteIdentifier(c.name)}`).join(', ')} WHERE false)`;
  const names = columns.map((c) => `${quoteLiteral(c.name)}: 'VARCHAR'`).join(', ');
  // DuckDB buffers a multiple of the longest line, so that a larger limit is given only where a line needs it.
  const size = longest === 0 ? '' : `, max_line_size=${longest + 1}, buffer_size=${4 * (longest + 1)}`;
  return (
    `read_csv(${quotePaths(paths)}, auto_detect=false, header=false, delim=',', quote='"', escape='"', ` +
    `new_line='\\n', nullstr='', allow_quoted_nulls=false, strict_mode=true, compression='none', hive_partitioning=false${size}, columns={${names}})`
  );
}

interface Numbered {
  readonly file: ParserFile;
  readonly number: number;
  readonly record: SourceRecord;
}

async function* listRecords(files: readonly ParserFile[], read: ReadRecords, ctx: TaskContext): AsyncGenerator<readonly Numbered[]> {
  for (const file of files) {
    let number = 0;
    for await (const batch of read(file.open(), file)) {
      ctx.signal.throwIfAborted();
      yield batch.map((record) => ({ file, number: ++number, record }));
    }
  }
}

function placeOf({ file, number, record }: Numbered, withRaw: boolean): RowPlace {
  const offset = record.offset === null ? null : record.offset + (file.offset ?? 0);
  return { source: file.name, recordNumber: number, byteOffset: offset, raw: withRaw ? record.raw() : null };
}

async function* listRejects(files: readonly ParserFile[], read: ReadRecords, ctx: TaskContext): AsyncGenerator<RejectRecord[]> {
  for await (const batch of listRecords(files, read, ctx)) {
    const found: RejectRecord[] = [];
    for (const item of batch) {
      const { outcome } = item.record;
      if ('values' in outcome) continue;
      found.push({ ...placeOf(item, true), columnName: outcome.column, reason: outcome.reason });
    }
    if (found.length > 0) yield found;
  }
}

async function* listPlaces(
  files: readonly ParserFile[],
  read: ReadRecords,
  ordinals: Float64Array,
  withRaw: boolean,
  ctx: TaskContext,
): AsyncGenerator<RowPlace[]> {
  let [row, next, size] = [0, 0, 0];
  let found: RowPlace[] = [];
  for await (const batch of listRecords(files, read, ctx)) {
    for (const item of batch) {
      if (!('values' in item.record.outcome)) continue;
      row++;
      // An ordinal may be asked for twice: a row can fail in two columns.
      for (; ordinals[next] === row; next++) {
        const place = placeOf(item, withRaw);
        found.push(place);
        size += place.raw?.length ?? 0;
      }
    }
    if (found.length >= BATCH || size >= BATCH_CHARACTERS) {
      yield found;
      found = [];
      size = 0;
    }
    if (next >= ordinals.length) break;
  }
  if (found.length > 0) yield found;
}
