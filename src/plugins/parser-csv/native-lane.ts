import { randomUUID } from 'node:crypto';
import {
  quoteIdentifier,
  type FileFact,
  type Reading,
  type RejectRecord,
  type RowPlace,
  type SourceColumn,
  type Verdict,
} from '../../core/spi/index.js';
import type { BesideScan } from '../shared/beside-scan.js';
import type { ByteFacts } from '../shared/scan-bytes.js';
import { countRecords, removeCopies, sum, unpackTask, type CsvTask, type RecordCounts } from './csv-task.js';
import { dropRejects, readRejectSummary } from './duckdb-rejects.js';
import { locateLines } from './locate-lines.js';
import { locateRejects, locateRows } from './locate-records.js';
import { openOwnLane } from './own-lane.js';
import { readCsvSql } from './read-csv-sql.js';
import { chooseLane, countLines, needsCount, routingNeedles, type NativeNewline } from './routing.js';
import type { TypedColumns } from './typed-columns.js';
import { writeSuspects, type WrittenSuspects } from './suspect-rows.js';

/** Facts of all files, in their order. */
export type PassedFiles = readonly { readonly facts: ByteFacts; readonly file: FileFact }[];

/** The pass over the raw bytes that runs beside the scan. */
export interface BytePass extends Pick<BesideScan<PassedFiles>, 'begin' | 'result'> {
  /** Why the prediction from the first megabyte turned out wrong, as soon as it is seen. */
  contradiction(): string | undefined;
  /** Whether all fields so far had the forms that were predicted. */
  isPlain(): boolean;
  stop(): void;
}

/**
 * DuckDB reads the files itself; `check` proves that nothing was lost, else our own tokenizer reads them again. Columns that are `typed` it
 * gives as values; where the pass meets a field that is not plain, they are read again as text.
 */
export function openNativeLane(
  task: CsvTask,
  newline: NativeNewline,
  order: readonly number[] | undefined,
  pass: BytePass,
  typed?: TypedColumns,
): Reading {
  const { ctx, dialect } = task;
  const id = randomUUID().replaceAll('-', '');
  const rejects = { table: `csv_rejects_${id}`, scan: `csv_scans_${id}` };
  let handedOver = false;
  let counts: RecordCounts | undefined;
  /** Rows of each file, where every line behind the header is a row. */
  let rowLines: readonly number[] | undefined;
  let unpacking: Promise<CsvTask> | undefined;
  const suspects: WrittenSuspects[] = [];

  /** Our tokenizer reads plain text only. */
  const plainTask = (): Promise<CsvTask> => (unpacking ??= unpackTask(task));

  async function redo(reason: string): Promise<Verdict> {
    const plain = await plainTask();
    const instead = await openOwnLane(plain, async () => (await pass.result()).map((f) => f.file));
    handedOver = true;
    return { keep: false, reason, instead };
  }

  /** Something that our tokenizer need not read, but that the reader may have taken for another value. */
  const isDoubtful = (): boolean => typed !== undefined && pass.contradiction() === undefined && !pass.isPlain();

  function redoAsText(): Verdict {
    handedOver = true;
    const reason = 'a number or a time is written in an unusual way';
    return { keep: false, reason, instead: openNativeLane(task, newline, order, pass) };
  }

  async function keep(rows: number): Promise<Verdict> {
    const exact = counts;
    const rejected = exact ? sum(exact.rejected) : 0;
    return {
      keep: true,
      read: rows + rejected,
      rejected,
      rejects: exact ? () => locateTaskRejects(exact) : noRejects,
      files: (await pass.result()).map((f) => f.file),
    };
  }

  async function* placesOf(batches: AsyncIterable<Float64Array>, withRaw: boolean): AsyncGenerator<RowPlace[]> {
    const plain = await plainTask();
    if (rowLines) yield* locateLines(plain, newline, rowLines, batches, withRaw);
    else {
      counts ??= await countRecords(plain);
      for await (const ordinals of gather(batches)) yield* locateRows(plain, counts, ordinals, withRaw);
    }
  }

  async function* locateTaskRejects(exact: RecordCounts): AsyncGenerator<RejectRecord[]> {
    yield* locateRejects(await plainTask(), exact);
  }

  return {
    relation: { from: relationSql(task, newline, order, rejects, typed), columns: columnsOf(task, typed) },
    // DuckDB refuses what our decoders take, such as zeros behind the last gzip member.
    checksReadErrors: task.files.some((file) => file.compression !== 'none'),
    begin: () => pass.begin(),
    async check(rows) {
      if (isDoubtful()) return redoAsText();
      const facts = (await pass.result()).map((f) => f.facts);
      const lane = chooseLane(dialect, facts);
      if (lane.lane === 'own') return redo(lane.why);
      if (lane.newline !== newline && facts.some((f) => f.lf + f.cr > 0)) return redo('another newline than at the start of the file');
      if (task.orders.some((each) => String(each) !== String(order))) return redo('the files have their columns in different orders');
      if (isDoubtful()) return redoAsText();
      if (rows < 0) return redo(pass.contradiction() ?? 'the scan was stopped');
      const summary = await readRejectSummary(ctx.sql, rejects.table);
      if (summary.unconverted) return redoAsText();
      if (summary.unreliable) return redo('a quote was not closed where DuckDB expected it');
      const lines = facts.map((f) => Math.max(0, countLines(f, newline) - dialect.skipLines));
      const needles = routingNeedles(dialect);
      const doubtful = facts.some((f) => needsCount(needles, f));
      // A record has at least one line, so that where their numbers are equal each record has exactly one.
      if (summary.lines === 0 && sum(lines) === rows && !doubtful) {
        rowLines = lines;
        return keep(rows);
      }
      counts = await countRecords(await plainTask());
      if (counts.brokenQuotes) return redo('a quoted value is broken');
      if (sum(counts.good) !== rows || sum(counts.rejected) !== summary.lines)
        return redo(`${rows} rows and ${summary.lines} rejects were read, but there are ${sum(counts.good)} and ${sum(counts.rejected)}`);
      return keep(rows);
    },
    places: (ordinals, withRaw) => placesOf(once(ordinals), withRaw),
    placesOf,
    async suspects(columns) {
      if (!rowLines) return undefined;
      const written = await writeSuspects(await plainTask(), newline, order, columns);
      if (written) suspects.push(written);
      return written;
    },
    shouldStop: () => Promise.resolve(pass.contradiction() !== undefined || isDoubtful()),
    async close() {
      if (!handedOver) pass.stop();
      await dropRejects(ctx.sql, [rejects.table, rejects.scan]);
      for (const written of suspects) await written.remove();
      if (handedOver) return;
      await removeCopies(task.files);
      // Where unpacking failed there is nothing to remove, and the failure was thrown where the text was needed.
      const [plain] = await Promise.allSettled(unpacking ? [unpacking] : []);
      if (plain?.status === 'fulfilled') await removeCopies(plain.value.files);
    },
  };
}

/** Ordinals for one walk through the files. */
const ORDINALS_AT_ONCE = 1_000_000;

async function* gather(batches: AsyncIterable<Float64Array>): AsyncGenerator<Float64Array> {
  let all: number[] = [];
  for await (const batch of batches) {
    for (const ordinal of batch) all.push(ordinal);
    if (all.length < ORDINALS_AT_ONCE) continue;
    yield Float64Array.from(all);
    all = [];
  }
  if (all.length > 0) yield Float64Array.from(all);
}

async function* once<T>(value: T): AsyncGenerator<T> {
  yield value;
}

async function* noRejects(): AsyncGenerator<never[]> {
  // Nothing was rejected.
}

function relationSql(
  task: CsvTask,
  newline: NativeNewline,
  order: readonly number[] | undefined,
  rejects: { readonly table: string; readonly scan: string },
  typed: TypedColumns | undefined,
): string {
  const names = task.columns.map((column) => column.name);
  const inFile = order ? order.map((_, field) => names[order.indexOf(field)] as string) : names;
  const from = readCsvSql({
    paths: task.files.map((file) => file.path),
    largest: Math.max(0, ...task.files.map((file) => file.size)),
    names: inFile,
    ...(typed ? { types: inFile.map((name) => typed.types.get(name)?.readAs ?? 'VARCHAR') } : {}),
    delimiter: task.dialect.delimiter,
    quote: task.dialect.quote,
    newline,
    skip: task.dialect.skipLines,
    nullString: task.dialect.nullString,
    ...(task.files[0] ? { compression: task.files[0].compression } : {}),
    rejects,
  });
  const select = names.map((name) => quoteIdentifier(name)).join(', ');
  // DuckDB reads a blank line of a file with one column as NULL; it is no record.
  if (names.length === 1) return `(SELECT ${select} FROM ${from} WHERE ${select} IS NOT NULL)`;
  if (typed) return `(SELECT ${names.map((name) => valueSql(name, typed)).join(', ')} FROM ${from})`;
  return order ? `(SELECT ${select} FROM ${from})` : from;
}

function valueSql(name: string, typed: TypedColumns): string {
  const column = typed.types.get(name);
  const ref = quoteIdentifier(name);
  return column ? `${column.sql(ref)} AS ${ref}` : ref;
}

function columnsOf({ columns }: CsvTask, typed: TypedColumns | undefined): readonly SourceColumn[] {
  if (!typed) return columns;
  return columns.map((column) => (typed.types.has(column.name) ? { name: column.name, type: column.type } : column));
}
