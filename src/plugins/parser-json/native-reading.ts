import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import type { ParserFile, Reading, RejectRecord, RowPlace, TaskContext, Verdict } from '../../core/spi/index.js';
import { quoteIdentifier } from '../../core/spi/index.js';
import { scanValue, skipSpace } from '../shared/json-scanner.js';
import { sourceColumns, type JsonColumn, type JsonLayout } from './config.js';
import { readLines } from './lines.js';
import { MAX_LINE_BYTES, type NativeLane } from './native-lane.js';
import { buildNativeSql } from './native-sql.js';
import { openOwnLane, stopOnInvalid } from './own-reading.js';
import { readRecord } from './values.js';

const BATCH = 1000;

/** The native lane: DuckDB reads the lines; what it cannot read exactly goes line by line through our tokenizer. */
export function openNativeLane(lane: NativeLane, layout: JsonLayout, ctx: TaskContext): Reading {
  const columns = sourceColumns(layout);
  const exactFunction = `sluice_json_${randomUUID().replaceAll('-', '')}`;
  ctx.sql.registerFunction({
    name: exactFunction,
    parameters: ['VARCHAR'],
    returns: 'VARCHAR',
    call: ([line]) => exactTexts(String(line), layout.columns),
  });
  const sql = buildNativeSql(layout, {
    paths: lane.paths,
    keyLists: lane.keyLists,
    exactFunction,
    asksCommas: lane.asksCommas,
    maxLineBytes: MAX_LINE_BYTES + 1_048_576,
  });
  const empty = `(select ${columns.map((c) => `cast(null as varchar) as ${quoteIdentifier(c.name)}`).join(', ')} where false)`;
  let source: LineSource = { files: lane.files, lines: [] };
  let left = new Float64Array(0);
  let handedOver = false;
  return {
    relation: { from: lane.paths.length === 0 ? empty : sql.relation, columns },
    begin: () => lane.bytes.begin(),
    async check(rows): Promise<Verdict> {
      const scanned = await lane.bytes.result();
      const redo = async (reason: string): Promise<Verdict> => ({ keep: false, reason, instead: await openOwnLane(lane.files, layout, ctx) });
      if (lane.commas.mayHold && !lane.asksCommas) {
        handedOver = true;
        return {
          keep: false,
          reason: 'a comma may stand before a closing bracket',
          instead: openNativeLane({ ...lane, asksCommas: true }, layout, ctx),
        };
      }
      const total = scanned.reduce((sum, file) => sum + file.lines, 0);
      const files = scanned.map((file) => file.fact);
      source = { files: lane.files, lines: scanned.map((file) => file.lines) };
      if (rows === total) return { keep: true, read: total, rejected: 0, rejects: noRejects, files };
      if (rows < 0) return redo('DuckDB cannot read the lines');
      left = await numbersLeftOut(sql.leftOut, ctx);
      if (rows + left.length !== total) return redo(`${total} lines gave ${rows} rows and ${left.length} rejects`);
      const odd = await firstOddLine(source, layout, left);
      if (odd !== undefined) return redo(odd);
      if (layout.stopOnInvalid) {
        for await (const [first] of listRejects(source, layout, left.subarray(0, 1))) {
          if (first) throw stopOnInvalid(first.source, first.recordNumber ?? 0, first.reason);
        }
      }
      return { keep: true, read: total, rejected: left.length, rejects: () => listRejects(source, layout, left), files };
    },
    places: (ordinals, withRaw) => listPlaces(source, left, ordinals, withRaw),
    shouldStop: () => Promise.resolve(lane.commas.mayHold && !lane.asksCommas),
    async close() {
      await lane.bytes.over();
      if (!handedOver) await lane.spool?.remove();
    },
  };
}

/** The task's files with their numbers of lines. */
interface LineSource {
  readonly files: readonly ParserFile[];
  readonly lines: readonly number[];
}

export async function* noRejects(): AsyncGenerator<RejectRecord[]> {}

function exactTexts(line: string, columns: readonly JsonColumn[]): string | null {
  const bytes = Buffer.from(line);
  const judged = judgeLine(bytes, columns);
  return judged.kind === 'good' ? JSON.stringify(judged.values) : null;
}

type Judged =
  | { readonly kind: 'good'; readonly values: readonly (string | null)[] }
  | { readonly kind: 'bad'; readonly column: string | null; readonly reason: string }
  /** The line is not exactly one value: the file is no NDJSON here. */
  | { readonly kind: 'odd'; readonly reason: string };

function judgeLine(bytes: Buffer, columns: readonly JsonColumn[]): Judged {
  const scan = scanValue(bytes, 0, bytes.length);
  if (scan.kind === 'more') return { kind: 'odd', reason: 'a value goes on behind its line' };
  if (scan.kind === 'bad') return { kind: 'bad', column: null, reason: scan.reason };
  if (skipSpace(bytes, scan.end, bytes.length) < bytes.length) return { kind: 'odd', reason: 'several values on one line' };
  if (!isUtf8(bytes)) return { kind: 'bad', column: null, reason: 'not valid UTF-8' };
  const read = readRecord(bytes, { start: 0, end: scan.end }, columns);
  return read.ok ? { kind: 'good', values: read.values } : { kind: 'bad', column: read.column, reason: read.reason };
}

async function numbersLeftOut(sql: string, ctx: TaskContext): Promise<Float64Array<ArrayBuffer>> {
  const numbers: number[] = [];
  for await (const [column] of ctx.sql.chunks(sql)) for (const n of column ?? []) numbers.push(Number(n));
  return Float64Array.from(numbers).sort();
}

interface WantedLine {
  readonly source: string;
  readonly number: number;
  readonly offset: number;
  readonly bytes: Buffer;
}

/** Lines by their ascending numbers over all files of the task. */
async function* pickLines(source: LineSource, wanted: Float64Array): AsyncGenerator<WantedLine> {
  let next = 0;
  let before = 0;
  for (const [index, file] of source.files.entries()) {
    const count = source.lines[index] ?? 0;
    const last = before + count;
    if (next < wanted.length && (wanted[next] as number) <= last) {
      for await (const line of readLines(file.open())) {
        if (before + line.number !== wanted[next]) continue;
        yield { source: file.name, number: line.number, offset: line.offset + (file.offset ?? 0), bytes: line.bytes };
        next++;
        if (next >= wanted.length || (wanted[next] as number) > last) break;
      }
    }
    before = last;
  }
}

/** A left-out line that our tokenizer would read in another way than as one bad record. */
async function firstOddLine(source: LineSource, layout: JsonLayout, left: Float64Array): Promise<string | undefined> {
  for await (const line of pickLines(source, left)) {
    const judged = judgeLine(line.bytes, layout.columns);
    if (judged.kind === 'bad') continue;
    return `${line.source}, record ${line.number}: ${judged.kind === 'odd' ? judged.reason : 'DuckDB cannot read this record'}`;
  }
  return undefined;
}

async function* listRejects(source: LineSource, layout: JsonLayout, left: Float64Array): AsyncGenerator<RejectRecord[]> {
  let batch: RejectRecord[] = [];
  for await (const line of pickLines(source, left)) {
    const judged = judgeLine(line.bytes, layout.columns);
    const column = judged.kind === 'bad' ? judged.column : null;
    const reason = judged.kind === 'good' ? 'not readable' : judged.reason;
    batch.push({
      source: line.source,
      recordNumber: line.number,
      byteOffset: line.offset,
      columnName: column,
      reason,
      raw: line.bytes.toString('utf8'),
    });
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

export async function* listPlaces(source: LineSource, left: Float64Array, ordinals: Float64Array, withRaw: boolean): AsyncGenerator<RowPlace[]> {
  // Row k is line k plus the lines left out before it.
  const wanted = new Float64Array(ordinals.length);
  let skipped = 0;
  ordinals.forEach((ordinal, i) => {
    while (skipped < left.length && (left[skipped] as number) <= ordinal + skipped) skipped++;
    wanted[i] = ordinal + skipped;
  });
  let batch: RowPlace[] = [];
  for await (const line of pickLines(source, wanted)) {
    batch.push({ source: line.source, recordNumber: line.number, byteOffset: line.offset, raw: withRaw ? line.bytes.toString('utf8') : null });
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}
