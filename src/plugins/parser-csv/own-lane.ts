import { BugError, type FileFact, type Reading, type Spool } from '../../core/spi/index.js';
import { createBuffer, createScanner, isQuoteError, sum, type CsvTask, type RecordCounts } from './csv-task.js';
import { locateRejects, locateRows } from './locate-records.js';
import { emptySql, readCsvSql } from './read-csv-sql.js';
import type { RecordScanner } from './record-scanner.js';
import { SpoolWriter } from './spool-writer.js';
import { walkFile } from './walk-records.js';

/** Written to the spool in pieces of about this size. */
const FLUSH = 1 << 20;
/** Doubled quotes can make a record longer than its source. */
const SPOOL_LINE = 4_500_000;

/**
 * Our own tokenizer: rewrites the files as RFC 4180 into the spool, which DuckDB then reads like any other file, so that
 * typing, rejects and Parquet are the same as in the native lane. The task's files are plain text; `facts` come from the
 * pass over the raw bytes.
 */
export async function openOwnLane(task: CsvTask, facts: () => Promise<readonly FileFact[]>): Promise<Reading> {
  const spool = task.ctx.spool('csv');
  try {
    const counts = await normalise(task, spool);
    const paths = await spool.finish();
    return createReading(task, counts, paths, facts, spool);
  } catch (error) {
    await spool.remove();
    throw error;
  }
}

async function normalise(task: CsvTask, spool: Spool): Promise<RecordCounts> {
  const scanner = createScanner(task);
  const buffer = createBuffer(task);
  const good: number[] = [];
  const rejected: number[] = [];
  let brokenQuotes = false;
  let rejectedBefore = 0;
  for (const [i, file] of task.files.entries()) {
    const writer = new SpoolWriter(task.dialect, task.spool, task.orders[i]);
    let [g, r] = [0, 0];
    const visitor = {
      record(s: RecordScanner, isGood: boolean, buf: Buffer): boolean {
        if (!isGood) {
          r++;
          brokenQuotes ||= isQuoteError(s.reason);
          return false;
        }
        g++;
        writer.add(s, buf);
        return writer.size >= FLUSH;
      },
    };
    for await (const _ of walkFile(file.path, scanner, visitor, buffer, task.ctx.signal)) {
      const bytes = writer.take(buffer);
      if (bytes.length > 0) await spool.write(bytes);
      if (r > 0) task.ctx.rejectsSoFar(rejectedBefore + r);
    }
    good.push(g);
    rejected.push(r);
    rejectedBefore += r;
  }
  return { good, rejected, brokenQuotes };
}

function createReading(
  task: CsvTask,
  counts: RecordCounts,
  paths: readonly string[],
  facts: () => Promise<readonly FileFact[]>,
  spool: Spool,
): Reading {
  const names = task.columns.map((column) => column.name);
  const good = sum(counts.good);
  const rejected = sum(counts.rejected);
  const from =
    paths.length === 0
      ? emptySql(names)
      : readCsvSql({ paths, names, ...task.spool, newline: '\\n', skip: 0, nullString: task.dialect.nullString, maxLineBytes: SPOOL_LINE });
  return {
    relation: { from, columns: task.columns },
    async check(rows, failure) {
      if (failure !== undefined) throw failure;
      if (rows !== good) {
        throw new BugError({
          code: 'CSV_SPOOL_MISREAD',
          message: `${task.files[0]?.name ?? 'csv'}: ${good} records were spooled, but ${rows} rows were read back`,
          hint: 'please report this with the file',
        });
      }
      return { keep: true, read: good + rejected, rejected, rejects: () => locateRejects(task, counts), files: await facts() };
    },
    places: (ordinals, withRaw) => locateRows(task, counts, ordinals, withRaw),
    async close() {
      await spool.remove();
      await Promise.all(task.files.map((file) => file.remove()));
    },
  };
}
