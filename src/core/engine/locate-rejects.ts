import type { Reading, RejectRecord, RowPlace, SqlValue, TaskContext } from '../spi/index.js';
import { accountingError } from './accounting-error.js';
import { registerOnce } from './registered-functions.js';
import { buildLocate, buildLocateWithJson, buildSelect, type FusedFilter, type RejectReason, type SelectSource } from './select.js';

/** Whose rejected rows are looked for. */
export interface LocateWork {
  readonly source: string;
  readonly filters: readonly FusedFilter[];
  readonly firstFilter: number;
  readonly keepRaw: boolean;
}

export interface LocateOptions {
  /** In place of the relation's own FROM clause. */
  readonly from: string;
  /** Reject codes that occurred; default all. */
  readonly codes?: ReadonlySet<number>;
  /** Has the rows sorted. Without it places are found while DuckDB still scans, and {@link RowsOutOfOrder} is thrown where it reorders. */
  readonly sorted: boolean;
}

/** DuckDB gave rows in another order than that of the source, as a join does. */
export class RowsOutOfOrder extends Error {}

/** Rows whose places are asked for at once, where each question reads the source again from its start. */
const PLACES_AT_ONCE = 1_000_000;
const PLACES_IN_STEP = 1000;
const TEXTS_AT_ONCE = 10_000;

interface RejectedBatch {
  readonly ordinals: Float64Array;
  readonly statuses: Int32Array;
  /** Text of the rows, only from sources without places. */
  readonly raws: readonly (string | null)[];
}

/** Finds where rejected rows came from: a second scan of the failing columns only, and the reading's places. */
export async function* locateRejects(
  reading: Reading,
  source: SelectSource,
  work: LocateWork,
  options: LocateOptions,
  ctx: TaskContext,
): AsyncGenerator<RejectRecord[]> {
  const scoped = { ...source, from: options.from };
  const hasPlaces = reading.places !== undefined;
  const all = options.codes ?? new Set(buildSelect(scoped, work.filters, { firstFilter: work.firstFilter }).reasons.map((_, i) => i + 1));
  const plan = hasPlaces
    ? buildLocate(scoped, work.filters, all, { firstFilter: work.firstFilter, sorted: options.sorted })
    : buildLocateWithJson(scoped, work.filters, work.firstFilter);
  registerOnce(ctx.sql, plan.functions);
  const reasonOf = (status: number | undefined): RejectReason => plan.reasons[(status ?? 0) - 1] ?? { column: null, reason: 'rejected' };
  // Places are looked up while the rows come; without them the task's own connection is free, which alone knows what a whole-run filter reads.
  const connection = hasPlaces ? await ctx.connect() : undefined;
  try {
    const chunks = (connection ?? ctx.sql).chunks(plan.select);
    if (hasPlaces) yield* locateInSource(reading, chunks, reasonOf, work);
    else yield* withoutPlaces(chunks, reasonOf, work.source);
  } finally {
    connection?.close();
  }
}

async function* withoutPlaces(
  chunks: AsyncIterable<SqlValue[][]>,
  reasonOf: (status: number | undefined) => RejectReason,
  source: string,
): AsyncGenerator<RejectRecord[]> {
  for await (const { ordinals, statuses, raws } of rejectedBatches(chunks, TEXTS_AT_ONCE)) {
    yield Array.from(ordinals, (ordinal, i): RejectRecord => {
      const { column, reason } = reasonOf(statuses[i]);
      return { source, recordNumber: ordinal, byteOffset: null, columnName: column, reason, raw: raws[i] ?? null };
    });
  }
}

async function* locateInSource(
  reading: Reading,
  chunks: AsyncIterable<SqlValue[][]>,
  reasonOf: (status: number | undefined) => RejectReason,
  work: LocateWork,
): AsyncGenerator<RejectRecord[]> {
  /** Of the ordinals that were handed out. */
  const waiting: Int32Array[] = [];
  let asked = 0;
  const batches = async function* (): AsyncGenerator<Float64Array> {
    for await (const { ordinals, statuses } of rejectedBatches(chunks, reading.placesOf ? PLACES_IN_STEP : PLACES_AT_ONCE)) {
      waiting.push(statuses);
      asked += statuses.length;
      yield ordinals;
    }
  };
  const found = reading.placesOf ? reading.placesOf(batches(), work.keepRaw) : placesOfEach(reading, batches(), work.keepRaw);
  let statuses: Int32Array = new Int32Array(0);
  let at = 0;
  let places = 0;
  for await (const batch of found) {
    places += batch.length;
    if (places > asked) break;
    yield batch.map((place): RejectRecord => {
      while (at === statuses.length) [statuses, at] = [waiting.shift() ?? new Int32Array(1), 0];
      const { column, reason } = reasonOf(statuses[at++]);
      return { source: place.source, recordNumber: place.recordNumber, byteOffset: place.byteOffset, columnName: column, reason, raw: place.raw };
    });
  }
  if (places !== asked) throw accountingError(work.source, `${asked} rejected rows but ${places} places`);
}

async function* placesOfEach(reading: Reading, batches: AsyncIterable<Float64Array>, withRaw: boolean): AsyncGenerator<RowPlace[]> {
  for await (const ordinals of batches) yield* reading.places?.(ordinals, withRaw) ?? [];
}

/** Gathers DuckDB's small chunks of (ordinal, status[, raw]) into batches. */
async function* rejectedBatches(chunks: AsyncIterable<SqlValue[][]>, size: number): AsyncGenerator<RejectedBatch> {
  let ordinals: number[] = [];
  let statuses: number[] = [];
  let raws: (string | null)[] = [];
  let last = 0;
  const batch = (): RejectedBatch => ({ ordinals: Float64Array.from(ordinals), statuses: Int32Array.from(statuses), raws });
  for await (const [places = [], codes = [], texts] of chunks) {
    for (const place of places) {
      const ordinal = Number(place);
      if (ordinal < last) throw new RowsOutOfOrder(`row ${ordinal} after row ${last}`);
      last = ordinal;
      ordinals.push(ordinal);
    }
    for (const code of codes) statuses.push(Number(code));
    for (const text of texts ?? []) raws.push(typeof text === 'string' ? text : null);
    if (ordinals.length < size) continue;
    yield batch();
    ordinals = [];
    statuses = [];
    raws = [];
  }
  if (ordinals.length > 0) yield batch();
}
