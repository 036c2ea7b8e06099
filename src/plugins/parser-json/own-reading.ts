import type { FileFact, ParserFile, Reading, RejectRecord, RowPlace, TaskContext, Verdict } from '../../core/spi/index.js';
import { DataError, quoteIdentifier, quotePaths } from '../../core/spi/index.js';
import { hashBytes } from '../shared/line-scan.js';
import { textOf } from '../shared/json-scanner.js';
import { sourceColumns, type JsonLayout } from './config.js';
import { mendEscapes } from './escapes.js';
import { splitRecords } from './records.js';
import { readRecord } from './values.js';

const BLOCK_BYTES = 1 << 20;
const PLACES_PER_BATCH = 1000;

/** One record of a file with what became of it. */
type Outcome = { readonly number: number; readonly offset: number; raw(): string } & (
  { readonly values: readonly (string | null)[] } | { readonly column: string | null; readonly reason: string }
);

async function* readOutcomes(file: ParserFile, layout: JsonLayout): AsyncGenerator<Outcome> {
  const source = layout.escapes === 'PASSTHROUGH' ? file.open() : mendEscapes(file.open(), layout.escapes);
  let number = 0;
  for await (const item of splitRecords(source, layout)) {
    number++;
    const place = { number, offset: item.offset, raw: () => textOf(item.bytes, item.record) };
    if (!item.ok) yield { ...place, column: null, reason: item.reason };
    else {
      const read = readRecord(item.bytes, item.record, layout.columns);
      yield read.ok ? { ...place, values: read.values } : { ...place, column: read.column, reason: read.reason };
    }
  }
}

export function stopOnInvalid(file: string, record: number, reason: string): DataError {
  return new DataError({
    code: 'INVALID_RECORD',
    message: `${file}, record ${record}: ${reason}`,
    hint: 'mend the record, or set stop_on_invalid_record: false and allow rejects with exec.max_rejects',
    where: { file, record },
  });
}

/**
 * The own lane: our tokenizer reads every record and writes the columns' texts as arrays of JSON strings into the spool,
 * one record a line, which DuckDB reads back without changing anything.
 */
export async function openOwnLane(files: readonly ParserFile[], layout: JsonLayout, ctx: TaskContext): Promise<Reading> {
  const spool = ctx.spool('ndjson');
  let read = 0;
  let rejected = 0;
  let longest = 0;
  const facts: FileFact[] = [];
  try {
    let block: string[] = [];
    let size = 0;
    const flush = async (): Promise<void> => {
      if (size > 0) await spool.write(Buffer.from(block.join('')));
      block = [];
      size = 0;
    };
    for (const file of files) {
      for await (const outcome of readOutcomes(file, layout)) {
        if (++read % 4096 === 0) ctx.signal.throwIfAborted();
        if (!('values' in outcome)) {
          if (layout.stopOnInvalid) throw stopOnInvalid(file.name, outcome.number, outcome.reason);
          rejected++;
          continue;
        }
        const line = `${JSON.stringify(outcome.values)}\n`;
        longest = Math.max(longest, line.length);
        block.push(line);
        if ((size += line.length) > BLOCK_BYTES) await flush();
      }
      facts.push({ source: file.name, ...(await hashBytes(file.openRaw(), ctx.signal)) });
    }
    await flush();
    const paths = await spool.finish();
    return {
      relation: { from: spoolRelation(paths, layout, longest), columns: sourceColumns(layout) },
      check: (): Promise<Verdict> => Promise.resolve({ keep: true, read, rejected, rejects: () => listRejects(files, layout), files: facts }),
      places: (ordinals, withRaw) => listPlaces(files, layout, ordinals, withRaw),
      close: () => spool.remove(),
    };
  } catch (error) {
    await spool.remove();
    throw error;
  }
}

function spoolRelation(paths: readonly string[], layout: JsonLayout, longest: number): string {
  const names = layout.columns.map((c) => quoteIdentifier(c.name));
  if (paths.length === 0) return `(select ${names.map((n) => `cast(null as varchar) as ${n}`).join(', ')} where false)`;
  const pointers = layout.columns.map((_, i) => `'/${i}'`).join(', ');
  // A character takes up to four bytes; DuckDB's own default is 16 MB.
  const limit = Math.max(16_777_216, longest * 4);
  return `(select ${names.map((n, i) => `v[${i + 1}] as ${n}`).join(', ')} from (select json_extract_string(json, [${pointers}]) as v from read_ndjson_objects(${quotePaths(paths)}, maximum_object_size=${limit}, hive_partitioning=false)))`;
}

async function* listRejects(files: readonly ParserFile[], layout: JsonLayout): AsyncGenerator<RejectRecord[]> {
  let batch: RejectRecord[] = [];
  for (const file of files) {
    for await (const outcome of readOutcomes(file, layout)) {
      if ('values' in outcome) continue;
      batch.push({
        source: file.name,
        recordNumber: outcome.number,
        byteOffset: outcome.offset + (file.offset ?? 0),
        columnName: outcome.column,
        reason: outcome.reason,
        raw: outcome.raw(),
      });
      if (batch.length < PLACES_PER_BATCH) continue;
      yield batch;
      batch = [];
    }
  }
  if (batch.length > 0) yield batch;
}

async function* listPlaces(files: readonly ParserFile[], layout: JsonLayout, ordinals: Float64Array, withRaw: boolean): AsyncGenerator<RowPlace[]> {
  let batch: RowPlace[] = [];
  let row = 0;
  let next = 0;
  for (const file of files) {
    if (next >= ordinals.length) break;
    for await (const outcome of readOutcomes(file, layout)) {
      if (!('values' in outcome) || ++row !== ordinals[next]) continue;
      next++;
      batch.push({
        source: file.name,
        recordNumber: outcome.number,
        byteOffset: outcome.offset + (file.offset ?? 0),
        raw: withRaw ? outcome.raw() : null,
      });
      if (batch.length >= PLACES_PER_BATCH) {
        yield batch;
        batch = [];
      }
      if (next >= ordinals.length) break;
    }
  }
  if (batch.length > 0) yield batch;
}
