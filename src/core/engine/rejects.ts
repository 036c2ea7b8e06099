import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
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
  /** The first records, for the error message and `sluice rejects`. */
  readonly first: readonly RejectRow[];
  finish(): Promise<void>;
}

const KEPT = 1000;

export interface RejectWriterOptions {
  readonly path: string;
  readonly runId: string;
  /** ISO time, the run's start. */
  readonly at: string;
  /** False when a filter hides values: place and reason only. */
  readonly withRaw: boolean;
}

/** Writes rejected records as NDJSON; the file appears with the first record. */
export function createRejectWriter(options: RejectWriterOptions): RejectWriter {
  const first: RejectRow[] = [];
  let rows = 0;
  let stream: ReturnType<typeof createWriteStream> | undefined;
  let failure: unknown;
  const check = (): void => {
    if (failure) throw fileSystemError(failure, `writing rejects to ${options.path}`);
  };
  return {
    get rows() {
      return rows;
    },
    first,
    async write(records) {
      if (records.length === 0) return;
      // A stream that has failed and closed meanwhile tells nothing more: waiting for it would never end.
      check();
      if (!stream) {
        stream = createWriteStream(options.path, { flags: 'w', highWaterMark: 1 << 20 });
        stream.on('error', (error) => (failure = error));
      }
      const lines: string[] = [];
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
        lines.push(JSON.stringify(row));
      }
      rows += records.length;
      if (!stream.write(`${lines.join('\n')}\n`))
        await Promise.race([once(stream, 'drain'), once(stream, 'close')]).catch((error: unknown) => (failure = error));
      check();
    },
    async finish() {
      if (!stream) return;
      stream.end();
      if (!stream.closed) await once(stream, 'close').catch((error: unknown) => (failure = error));
      check();
    },
  };
}
