import { join } from 'node:path';
import { engineError, engineErrorKind } from '../duckdb/index.js';
import {
  BugError,
  RemoteError,
  quoteIdentifier,
  type FileFact,
  type Reading,
  type RejectFile,
  type RejectRelation,
  type RejectRecord,
  type SourceColumn,
  type SqlConnection,
  type StageContext,
  type StageReport,
  type StagedRelation,
  type Verdict,
} from '../spi/index.js';
import { accountingError } from './accounting-error.js';
import { locateRejects, RowsOutOfOrder } from './locate-rejects.js';
import { registerOnce } from './registered-functions.js';
import type { RejectBudget } from './reject-budget.js';
import { createRejectWriter, type RejectRow, type RejectWriter } from './rejects.js';
import { relateRejects } from './suspect-rejects.js';
import { buildSelect, countStatuses, STATUS, type FusedFilter, type RejectReason, type SelectSource } from './select.js';

/** Where a task's rows go: the output, or the spool before a whole-run filter. */
export interface Sink {
  stage(relation: StagedRelation, ctx: StageContext): Promise<StageReport>;
  stageRejects(rejects: RejectFile, ctx: StageContext): Promise<StageReport>;
  /** Left out where rejects are always wanted as a file. */
  stageRejectRelation?(rejects: RejectRelation, ctx: StageContext): Promise<StageReport>;
}

export interface TaskWork {
  readonly source: string;
  readonly filters: readonly FusedFilter[];
  readonly firstFilter: number;
  /** The last of the filters are the target's refusals. */
  readonly refuses: boolean;
  readonly constants: readonly { readonly column: SourceColumn; readonly value: string | null }[];
  readonly sink: Sink;
  readonly budget: RejectBudget;
  readonly runId: string;
  readonly startedAt: number;
  readonly keepRaw: boolean;
  /** Deletes everything this task has staged so far: its scan is thrown away. */
  discard(): Promise<void>;
  /** A reject limit is set so low that a few bad rows decide; probe the start before scanning everything. */
  readonly probeRows: number;
  /** Rows that went into the whole-run filter this task reads from; its rows out are the relation's. */
  readonly rowsIn?: number;
}

/** What a finished task leaves behind; stored as JSON. */
export interface TaskReport {
  readonly read: number;
  readonly added: number;
  readonly written: number;
  readonly filtered: number;
  readonly rejected: number;
  readonly bytes: number;
  /** What a source that is no file said it sent. */
  readonly bytesRead?: number;
  readonly stage: StageReport;
  readonly rejects: StageReport | null;
  readonly files: readonly FileFact[];
  readonly redone: readonly string[];
  /** What the source wants the user to know. */
  readonly notes?: readonly string[];
}

export interface TaskResult {
  readonly report: TaskReport;
  readonly firstRejects: readonly RejectRow[];
}

/** Raised when the budget is passed in the middle of a task; carries what was found so far. */
export class RejectsExceeded extends Error {
  readonly first: readonly RejectRow[];
  constructor(first: readonly RejectRow[]) {
    super('reject limit passed');
    this.first = first;
  }
}

/** Reads, converts, filters and stages one task. `open` may be followed by other readings when a lane must be redone. */
export async function runTask(open: Reading, work: TaskWork, ctx: StageContext): Promise<TaskResult> {
  const redone: string[] = [];
  let reading = open;
  try {
    for (;;) {
      const pass = await scan(reading, work, ctx);
      const verdict = await reading.check(pass.rows, pass.failure);
      if (!verdict.keep) {
        ctx.log.log('info', 'reading again in the careful lane', { source: work.source, reason: verdict.reason });
        redone.push(verdict.reason);
        await reading.close();
        await work.discard();
        reading = verdict.instead;
        continue;
      }
      if (pass.stage === undefined)
        throw new BugError({ code: 'SCAN_STOPPED', message: `${work.source}: the scan was stopped but its reading says keep` });
      return await finishTask(reading, verdict, pass.stage, pass.select, work, redone, ctx);
    }
  } finally {
    await reading.close();
  }
}

interface Pass {
  /** Rows the relation delivered; -1 when the scan was stopped early. */
  readonly rows: number;
  readonly stage: StageReport | undefined;
  readonly failure?: unknown;
  readonly select: ReturnType<typeof buildSelect>;
}

async function scan(reading: Reading, work: TaskWork, ctx: StageContext): Promise<Pass> {
  const source: SelectSource = { ...reading.relation, constants: work.constants };
  const select = buildSelect(source, work.filters, { firstFilter: work.firstFilter });
  registerOnce(ctx.sql, select.functions);
  if (work.probeRows > 0) await probe(reading, source, select.reasons, work, ctx);
  let stopped = false;
  const watch = reading.shouldStop ? watchFor(reading.shouldStop.bind(reading), () => ((stopped = true), ctx.sql.interrupt())) : undefined;
  try {
    const refusalStatus = work.refuses ? { refusalStatus: select.lastFilterStatus } : {};
    const statuses = { lowest: -(work.firstFilter + work.filters.length), highest: select.reasons.length };
    const relation: StagedRelation = { select: select.select, schema: select.schema, statusColumn: STATUS, statuses, ...refusalStatus };
    const stage = await work.sink.stage(relation, { ...ctx, sql: tellingOfScan(ctx.sql, reading) });
    const rows = stage.rows + Object.values(stage.statuses).reduce((a, b) => a + b, 0);
    return { rows: select.expands ? await countRelation(reading, ctx) : rows, stage, select };
  } catch (error) {
    // The reading decides what a failed scan of its own relation means (for example a CSV state-machine error).
    if (stopped || isScanFailure(error, reading)) {
      return { rows: -1, stage: undefined, select, ...(stopped ? {} : { failure: error }) };
    }
    throw engineErrorKind(error) === 'other' ? error : engineError(error, `writing the rows of ${work.source}`);
  } finally {
    await watch?.stop();
  }
}

/** The connection, telling a reading when DuckDB was given a statement over its relation. */
function tellingOfScan(sql: SqlConnection, reading: Reading): SqlConnection {
  if (!reading.begin) return sql;
  const handOver = <T>(text: string, answer: T): T => {
    if (text.includes(reading.relation.from)) reading.begin?.();
    return answer;
  };
  return {
    ...sql,
    run: (text) => handOver(text, sql.run(text)),
    rows: (text) => handOver(text, sql.rows(text)),
    chunks: (text) => handOver(text, sql.chunks(text)),
  };
}

function isScanFailure(error: unknown, reading: Reading): boolean {
  const kind = engineErrorKind((error as { cause?: unknown }).cause ?? error);
  const full = error instanceof RemoteError && error.code === 'DISK_FULL';
  return kind === 'invalid-input' || (reading.checksReadErrors === true && kind === 'io' && !full);
}

async function countRelation(reading: Reading, ctx: StageContext): Promise<number> {
  const [row] = await ctx.sql.rows(`SELECT count(*) AS n FROM ${reading.relation.from}`);
  return Number(row?.['n']);
}

/** Polls about once a second, so that a hopeless scan ends early. */
function watchFor(shouldStop: () => Promise<boolean>, onStop: () => void): { stop(): Promise<void> } {
  let ended = false;
  let polling: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    polling = polling.then(async () => {
      if (!ended && (await shouldStop()) && !ended) {
        ended = true;
        onStop();
      }
    });
  }, 1000);
  return {
    async stop() {
      ended = true;
      clearInterval(timer);
      await polling;
    },
  };
}

/** A wrong delimiter or type makes every record bad: the first rows tell, before gigabytes are read. */
async function probe(reading: Reading, source: SelectSource, reasons: readonly RejectReason[], work: TaskWork, ctx: StageContext): Promise<void> {
  if (reasons.length === 0) return;
  const limited = { ...source, from: `(SELECT * FROM ${source.from} LIMIT ${work.probeRows})` };
  const { select } = buildSelect(limited, work.filters, { firstFilter: work.firstFilter });
  let bad: number;
  try {
    const [row] = await ctx.sql.rows(`SELECT count(*) FILTER (${STATUS} > 0) AS bad FROM (${select})`);
    bad = Number(row?.['bad']);
  } catch (error) {
    if (isScanFailure(error, reading)) return;
    throw error;
  }
  work.budget.report(ctx.task, bad, work.probeRows);
  if (!work.budget.isExceeded(false)) {
    work.budget.report(ctx.task, 0, 0);
    return;
  }
  const first: RejectRow[] = [];
  const writer = rejectWriter(work, ctx);
  await writeAll(locateRejects(reading, source, work, { from: limited.from, sorted: true }, ctx), writer, 1000);
  await writer.finish();
  first.push(...writer.first);
  throw new RejectsExceeded(first);
}

function rejectsPath(ctx: StageContext): string {
  return join(ctx.tempDir, `rejects-${ctx.task}.ndjson`);
}

function rejectWriter(work: TaskWork, ctx: StageContext): RejectWriter {
  return createRejectWriter({
    path: rejectsPath(ctx),
    runId: work.runId,
    at: new Date(work.startedAt).toISOString(),
    withRaw: work.keepRaw,
  });
}

async function finishTask(
  reading: Reading,
  verdict: Extract<Verdict, { keep: true }>,
  stage: StageReport,
  select: ReturnType<typeof buildSelect>,
  work: TaskWork,
  redone: readonly string[],
  ctx: StageContext,
): Promise<TaskResult> {
  const counts = countStatuses(stage.statuses, select.reasons);
  const rejected = counts.rejected + verdict.rejected;
  work.budget.report(ctx.task, rejected, verdict.read);
  const exceeded = work.budget.isExceeded(false);
  let first: readonly RejectRow[] = [];
  let longestLine = 0;
  const { stageRejectRelation } = work.sink;
  const related =
    rejected > 0 && !exceeded && verdict.rejected === 0 && stageRejectRelation ? await relateRejects(reading, work, counts.codes, ctx) : undefined;
  if (related) first = related.first;
  else if (rejected > 0) {
    const limit = exceeded ? 1000 : Number.POSITIVE_INFINITY;
    const writer = await writeRejects(reading, verdict, counts, { work, limit }, ctx);
    first = writer.first;
    longestLine = writer.longestLine;
    if (exceeded) throw new RejectsExceeded(writer.first);
    if (writer.rows !== rejected) throw accountingError(work.source, `${rejected} records were rejected but ${writer.rows} could be placed`);
  }
  if (rejected > 0) ctx.reach('task.rejects_written');
  const total = stage.rows + counts.filtered + counts.rejected;
  const relationRows = verdict.read - verdict.rejected;
  const read = work.rowsIn ?? verdict.read;
  const dropped = Math.max(0, read - verdict.read);
  const filtered = counts.filtered + dropped;
  const added = Math.max(0, verdict.read - read) + (select.expands ? total - relationRows : 0);
  if (read + added !== stage.rows + filtered + rejected || added < 0) {
    throw accountingError(work.source, `${read} read + ${added} added, but ${stage.rows} written + ${filtered} filtered + ${rejected} rejected`);
  }
  const rejects =
    rejected === 0
      ? null
      : related && stageRejectRelation
        ? await stageRejectRelation(related, ctx)
        : await work.sink.stageRejects({ path: rejectsPath(ctx), rows: rejected, longestLine }, ctx);
  if (related && rejects?.rows !== rejected) throw accountingError(work.source, `${rejected} records were rejected but ${rejects?.rows} were kept`);
  return {
    firstRejects: first,
    report: {
      read,
      added,
      written: stage.rows,
      filtered,
      rejected,
      bytes: stage.bytes,
      stage,
      rejects,
      files: verdict.files,
      redone,
    },
  };
}

/** Writes all rejects of a task, or `limit` of them. Places are found beside the scan; where its rows come out of order, once more after it. */
async function writeRejects(
  reading: Reading,
  verdict: Extract<Verdict, { keep: true }>,
  counts: ReturnType<typeof countStatuses>,
  { work, limit }: { readonly work: TaskWork; readonly limit: number },
  ctx: StageContext,
  sorted = false,
): Promise<RejectWriter> {
  const writer = rejectWriter(work, ctx);
  try {
    await writeAll(verdict.rejects(), writer, limit);
    if (counts.rejected > 0) {
      const source: SelectSource = { ...reading.relation, constants: work.constants };
      // DuckDB's CSV reader misses records with too many fields when the query leaves columns out; all rows must come as before.
      const from = verdict.rejected > 0 && reading.places ? readAllColumns(reading.relation) : source.from;
      await writeAll(locateRejects(reading, source, work, { from, codes: new Set(counts.codes.keys()), sorted }, ctx), writer, limit);
    }
  } catch (error) {
    if (!(error instanceof RowsOutOfOrder)) throw error;
    await writer.finish();
    return writeRejects(reading, verdict, counts, { work, limit }, ctx, true);
  }
  await writer.finish();
  return writer;
}

function readAllColumns({ from, columns }: Reading['relation']): string {
  return `(SELECT * FROM ${from} WHERE concat_ws('', ${columns.map((column) => quoteIdentifier(column.name)).join(', ')}) IS NOT NULL)`;
}

async function writeAll(batches: AsyncIterable<RejectRecord[]>, writer: RejectWriter, limit: number): Promise<void> {
  for await (const batch of batches) {
    await writer.write(batch);
    if (writer.rows >= limit) return;
  }
}
