import type { SourceColumn } from './schema.js';

/**
 * The relation form: something that stands behind FROM in the run's DuckDB. Column names of the relation are
 * exactly `columns[].name`; columns with `text` are VARCHAR. Rows come in source order when DuckDB preserves order.
 */
export interface Relation {
  readonly from: string;
  readonly columns: readonly SourceColumn[];
}

/** One rejected record. Becomes a row of `<table>__rejects`. */
export interface RejectRecord {
  /** File, object or stream name, as the user knows it. */
  readonly source: string;
  /** 1-based record number within the source, header lines not counted; null when the source has no places. */
  readonly recordNumber: number | null;
  /** Offset of the record's first byte in the decoded source. */
  readonly byteOffset: number | null;
  readonly columnName: string | null;
  readonly reason: string;
  /** The record's text, exact where it is valid UTF-8. */
  readonly raw: string | null;
}

/** Where a row of a relation came from. */
export interface RowPlace {
  readonly source: string;
  readonly recordNumber: number;
  readonly byteOffset: number | null;
  readonly raw: string | null;
}

/** Rows that may be wrong, with their places: see `Reading.suspects`. */
export interface SuspectRows {
  /**
   * What stands behind FROM: the columns that were asked for, as in the reading's relation, and as VARCHAR the four of {@link PLACE_COLUMNS}.
   * Good until `close`.
   */
  readonly from: string;
}

/** Source, 1-based record number, byte offset (NULL or empty where there is none) and text of a row; see {@link RejectRecord}. */
export const PLACE_COLUMNS = { source: '__source', record: '__record', offset: '__offset', raw: '__raw' } as const;

/** What became of one file of a task; feeds the file's identity in the state. */
export interface FileFact {
  /** Same text as the task's file. */
  readonly source: string;
  /** `sha256:<hex>` of the raw, undecoded bytes that were read. */
  readonly hash: string;
  readonly bytes: number;
}

export type Verdict =
  | {
      readonly keep: true;
      /** Records read, good and bad. */
      readonly read: number;
      /** Records whose shape was wrong and that therefore never entered the relation. */
      readonly rejected: number;
      /** Those records, in order; at most `rejected` of them. */
      rejects(): AsyncIterable<RejectRecord[]>;
      readonly files: readonly FileFact[];
    }
  /** The result of this relation must be thrown away; read this one instead. */
  | { readonly keep: false; readonly reason: string; readonly instead: Reading };

/**
 * One task's data as a relation. The engine scans `relation` once, then asks `check`; value errors found on the way
 * are placed by `places`. `close` frees spool files and connections, also after an error.
 */
export interface Reading {
  readonly relation: Relation;
  /**
   * DuckDB was given the statement that scans the relation: work beside the scan starts here. What runs in the main thread before
   * holds up the statement itself. Called once or more often, and not where a sink scans in its own way: `check` comes all the same.
   */
  begin?(): void;
  /**
   * `rows` = rows the relation delivered in that scan. Called exactly once, when the scan is over. -1: the scan was stopped
   * (`shouldStop`) or failed with `failure`; the answer is then another reading, or the failure is thrown on.
   */
  check(rows: number, failure?: unknown): Promise<Verdict>;
  /**
   * Places of relation rows, given their 1-based ordinals in ascending order; answers in the same order.
   * Only called after `check` said keep. A source without places leaves it out.
   */
  places?(ordinals: Float64Array, withRaw: boolean): AsyncIterable<RowPlace[]>;
  /**
   * The same for ordinals that become known little by little, so that places are found while the engine still looks for rows; only
   * beside `places`.
   */
  placesOf?(batches: AsyncIterable<Float64Array>, withRaw: boolean): AsyncIterable<RowPlace[]>;
  /**
   * All rows of the relation whose text in one of these columns may not convert, perhaps with others, in order. For sources that find them much
   * faster than a second scan would; undefined where they cannot. Only called after `check` said keep, with columns that have `text`.
   */
  suspects?(columns: readonly SourceColumn[]): Promise<SuspectRows | undefined>;
  /**
   * True when the scan should stop because the relation can be judged early (for example too many shape errors);
   * polled about once a second while the scan runs. The engine then interrupts the scan and calls `check(-1)`.
   */
  shouldStop?(): Promise<boolean>;
  /** DuckDB unpacks the source itself: also a scan that failed while reading or writing files is judged by `check(-1, failure)`. */
  readonly checksReadErrors?: boolean;
  close(): Promise<void>;
}

/** The bytes form: record-aligned chunks of CSV (RFC 4180, no header, `\n`) or NDJSON, spooled by the engine in segments. */
export interface ByteSource {
  readonly form: 'bytes';
  readonly format: 'csv' | 'ndjson';
  readonly columns: readonly SourceColumn[];
  readonly source: string;
  chunks(): AsyncIterable<Uint8Array>;
  /** Rows that the source says it sent, known once `chunks` has ended; another number of rows read back is an error. */
  rows?(): number | undefined;
}

/** The rows form: batches of plain rows, for small APIs. Values are JSON-like; numbers beyond 2^53 come as strings or bigint. */
export interface RowSource {
  readonly form: 'rows';
  readonly columns: readonly SourceColumn[];
  readonly source: string;
  batches(): AsyncIterable<readonly (readonly unknown[])[]>;
}

/** The relation form, ready to be read. */
export interface ReadingSource {
  readonly form: 'relation';
  readonly reading: Reading;
  /** Name for rejects and messages. Default: the pipeline's. */
  readonly source?: string;
}

export type TaskSource = ReadingSource | ByteSource | RowSource;
