import { open, type FileHandle } from 'node:fs/promises';
import { fileSystemError, type JsonObject, type RejectRecord } from '../spi/index.js';

/** Columns of a rejects table, in order; the NDJSON lines written here have exactly these keys. */
export interface RejectRow extends JsonObject {
  readonly run_id: string;
  readonly source: string;
  readonly record_number: number | null;
  readonly byte_offset: number | null;
  readonly column_name: string | null;
  readonly reason: string;
  readonly raw: string | null;
  readonly rejected_at: string;
}

export interface RejectWriter {
  write(records: readonly RejectRecord[]): Promise<void>;
  readonly rows: number;
  /** Bytes of the longest line, or somewhat more. */
  readonly longestLine: number;
  /** The first records, for the error message and `sluice rejects`. */
  readonly first: readonly RejectRow[];
  finish(): Promise<void>;
}

const KEPT = 1000;
/** Characters held back for one write. */
const AT_ONCE = 1 << 20;

export interface RejectWriterOptions {
  readonly path: string;
  readonly runId: string;
  /** ISO time, the run's start. */
  readonly at: string;
  /** False when a filter hides values: place and reason only. */
  readonly withRaw: boolean;
}

/** Writes rejected records as NDJSON; the file is made for the first ones. */
export function createRejectWriter(options: RejectWriterOptions): RejectWriter {
  const first: RejectRow[] = [];
  let rows = 0;
  let file: FileHandle | undefined;
  const lineOf = createLineWriter();
  let waiting: string[] = [];
  let size = 0;
  let longestLine = 0;
  const flush = async (): Promise<void> => {
    const text = waiting.join('');
    waiting = [];
    size = 0;
    try {
      file ??= await open(options.path, 'w');
      await file.writeFile(text);
    } catch (error) {
      await file?.close();
      file = undefined;
      throw fileSystemError(error, `writing rejects to ${options.path}`);
    }
  };
  return {
    get rows() {
      return rows;
    },
    get longestLine() {
      return longestLine;
    },
    first,
    async write(records) {
      for (const record of records) {
        const row: RejectRow = {
          run_id: options.runId,
          source: record.source,
          record_number: record.recordNumber,
          byte_offset: record.byteOffset,
          column_name: record.columnName,
          reason: record.reason,
          raw: options.withRaw ? record.raw : null,
          rejected_at: options.at,
        };
        if (first.length < KEPT) first.push(row);
        const line = lineOf(row);
        waiting.push(line);
        size += line.length;
        // A UTF-16 unit takes at most three bytes.
        if (line.length * 3 > longestLine) longestLine = line.length * 3;
      }
      rows += records.length;
      if (size >= AT_ONCE) await flush();
    },
    async finish() {
      if (size > 0) await flush();
      await file?.close();
      file = undefined;
    },
  };
}

/** `JSON.stringify` of a row, with what rows have in common turned to text once: rejects may be millions. */
function createLineWriter(): (row: RejectRow) => string {
  const known = new Map<string | null, string>();
  const textOf = (value: string | null): string => {
    let text = known.get(value);
    if (text === undefined) {
      text = JSON.stringify(value);
      if (known.size >= KEPT) known.clear();
      known.set(value, text);
    }
    return text;
  };
  return (row) =>
    `{"run_id":${textOf(row.run_id)},"source":${textOf(row.source)},"record_number":${row.record_number},"byte_offset":${row.byte_offset},` +
    `"column_name":${textOf(row.column_name)},"reason":${textOf(row.reason)},"raw":${JSON.stringify(row.raw)},"rejected_at":${textOf(row.rejected_at)}}\n`;
}
