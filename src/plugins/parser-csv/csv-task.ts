import type { SourceColumn, TaskContext } from '../../core/spi/index.js';
import type { Dialect } from './dialect.js';
import { RecordScanner, type RejectReason } from './record-scanner.js';
import { chooseSpoolDialect, type SpoolDialect } from './spool-writer.js';
import type { TextFile } from './text-file.js';
import { createWalkBuffer, walkFile } from './walk-records.js';

/** What both lanes know about one task. */
export interface CsvTask {
  readonly files: readonly TextFile[];
  readonly columns: readonly SourceColumn[];
  readonly dialect: Dialect;
  readonly spool: SpoolDialect;
  /** Per file: for each column the index of its field, or undefined for the usual order. */
  readonly orders: readonly (readonly number[] | undefined)[];
  readonly ctx: TaskContext;
}

/** The same task over plain text: compressed files are unpacked. */
export async function unpackTask(task: CsvTask): Promise<CsvTask> {
  if (task.files.every((file) => file.compression === 'none')) return task;
  const files: TextFile[] = [];
  try {
    for (const file of task.files) files.push(await file.unpack());
    return { ...task, files };
  } catch (error) {
    await removeCopies(files);
    throw error;
  }
}

export async function removeCopies(files: readonly TextFile[]): Promise<void> {
  await Promise.all(files.map((file) => file.remove()));
}

/** Records of each file, in the order of the files. */
export interface RecordCounts {
  readonly good: readonly number[];
  readonly rejected: readonly number[];
  /** A quoted field was broken somewhere. */
  readonly brokenQuotes: boolean;
}

export function createScanner(task: Pick<CsvTask, 'dialect'>): RecordScanner {
  return new RecordScanner(task.dialect, chooseSpoolDialect(task.dialect).quote);
}

export function createBuffer(task: Pick<CsvTask, 'files'>): Buffer {
  return createWalkBuffer(Math.max(0, ...task.files.map((file) => file.size)));
}

/** The exact numbers of records of plain files, from our own scanner. */
export async function countRecords(task: CsvTask): Promise<RecordCounts> {
  const scanner = createScanner(task);
  const buffer = createBuffer(task);
  const good: number[] = [];
  const rejected: number[] = [];
  let brokenQuotes = false;
  for (const file of task.files) {
    let [g, r] = [0, 0];
    const visitor = {
      record(s: RecordScanner, isGood: boolean): void {
        if (isGood) g++;
        else {
          r++;
          brokenQuotes ||= isQuoteError(s.reason);
        }
      },
    };
    for await (const _ of walkFile(file.path, scanner, visitor, buffer, task.ctx.signal)) continue;
    good.push(g);
    rejected.push(r);
  }
  return { good, rejected, brokenQuotes };
}

export function isQuoteError(reason: RejectReason): boolean {
  return reason !== 'few' && reason !== 'many' && reason !== 'encoding';
}

export function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}
