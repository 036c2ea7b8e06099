import type { RejectRecord, RowPlace } from '../../core/spi/index.js';
import { createBuffer, createScanner, type CsvTask, type RecordCounts } from './csv-task.js';
import { MAX_RECORD } from './dialect.js';
import type { RecordScanner, RejectReason } from './record-scanner.js';
import { walkFile } from './walk-records.js';

const BATCH = 1000;
const BATCH_BYTES = 4 << 20;

/**
 * All rejected records, by scanning the files once more: nothing about them is held in memory. In a file that is
 * continued at an offset, numbers count from there.
 */
export async function* locateRejects(task: CsvTask, counts: RecordCounts): AsyncGenerator<RejectRecord[]> {
  const scanner = createScanner(task);
  const buffer = createBuffer(task);
  for (const [i, file] of task.files.entries()) {
    let left = counts.rejected[i] as number;
    if (left === 0) continue;
    let batch: RejectRecord[] = [];
    let bytes = 0;
    let number = 0;
    const visitor = {
      record(s: RecordScanner, good: boolean, buf: Buffer, base: number): boolean {
        number++;
        if (good || left === 0) return false;
        left--;
        bytes += s.end - s.start;
        batch.push({
          source: file.name,
          recordNumber: number,
          byteOffset: file.base === null ? null : file.base + base + s.start,
          columnName: s.reason === 'few' ? (task.columns[s.fields]?.name ?? null) : null,
          reason: describe(s.reason, s.fields, task.dialect.columns),
          raw: rawText(s, buf),
        });
        return batch.length >= BATCH || bytes >= BATCH_BYTES;
      },
    };
    for await (const _ of walkFile(file.path, scanner, visitor, buffer, task.ctx.signal)) {
      if (batch.length > 0) yield batch;
      batch = [];
      bytes = 0;
      if (left === 0) break;
    }
  }
}

/** Where the good rows with these ordinals (1-based, ascending, over all files) came from. */
export async function* locateRows(task: CsvTask, counts: RecordCounts, ordinals: Float64Array, withRaw: boolean): AsyncGenerator<RowPlace[]> {
  const scanner = createScanner(task);
  const buffer = createBuffer(task);
  let next = 0;
  let before = 0;
  for (const [i, file] of task.files.entries()) {
    const rows = counts.good[i] as number;
    if (next === ordinals.length) return;
    if ((ordinals[next] as number) > before + rows) {
      before += rows;
      continue;
    }
    let wanted = (ordinals[next] as number) - before;
    let batch: RowPlace[] = [];
    let bytes = 0;
    let number = 0;
    let row = 0;
    const visitor = {
      record(s: RecordScanner, good: boolean, buf: Buffer, base: number): boolean {
        number++;
        if (!good || ++row !== wanted) return false;
        while (row === wanted) {
          if (withRaw) bytes += s.end - s.start;
          batch.push({
            source: file.name,
            recordNumber: number,
            byteOffset: file.base === null ? null : file.base + base + s.start,
            raw: withRaw ? rawText(s, buf) : null,
          });
          next++;
          wanted = next < ordinals.length ? (ordinals[next] as number) - before : Infinity;
        }
        return batch.length >= BATCH || bytes >= BATCH_BYTES;
      },
    };
    for await (const _ of walkFile(file.path, scanner, visitor, buffer, task.ctx.signal)) {
      if (batch.length > 0) yield batch;
      batch = [];
      bytes = 0;
      if (wanted > rows) break;
    }
    before += rows;
  }
}

function rawText(scanner: RecordScanner, buf: Buffer): string | null {
  return scanner.end - scanner.start > MAX_RECORD ? null : buf.toString('utf8', scanner.start, scanner.end);
}

function describe(reason: RejectReason, found: number, expected: number): string {
  switch (reason) {
    case 'few':
      return `too few columns: expected ${expected}, found ${found}`;
    case 'many':
      return `too many columns: expected ${expected}, found ${found}`;
    case 'unclosed':
      return 'a quoted value is never closed';
    case 'after_quote':
      return 'text after a closing quote: a quote within a quoted value must be doubled';
    case 'quoted_too_long':
      return 'a quoted value is longer than max_quoted_size_limit';
    case 'record_too_long':
      return 'the record is longer than 2 MB, or a quoted value is never closed';
    case 'encoding':
      return 'malformed bytes: not valid in the given charset';
  }
}
