import type { ParserFile, ParserPlan, Reading, TaskContext } from '../../core/spi/index.js';
import type { Head } from '../shared/file-chunks.js';
import { ByteCounter } from '../shared/scan-bytes.js';
import { startBytePass } from './byte-pass.js';
import { createScanner, isQuoteError, removeCopies, unpackTask, type CsvTask } from './csv-task.js';
import { CR, LF, type Dialect } from './dialect.js';
import { mapHeader, readHeader } from './header.js';
import { openNativeLane } from './native-lane.js';
import { readCharset, readDialect } from './options.js';
import { openOwnLane } from './own-lane.js';
import { chooseLane, routingNeedles, type RoutingFacts } from './routing.js';
import type { CsvConfig } from './schema.js';
import { chooseSpoolDialect } from './spool-writer.js';
import { prepareText, type TextFile } from './text-file.js';
import { walkSample } from './walk-records.js';

/** What is looked at before a lane is chosen: of the first files this much, of the others only enough for the header. */
export const HEAD_BYTES = 1 << 20;
const SHORT_HEAD_BYTES = 16 << 10;
/** Files whose records are tried before a lane is chosen. */
const SAMPLED_FILES = 3;
const HEADS_AT_ONCE = 8;

export async function openCsv(files: readonly ParserFile[], plan: ParserPlan, config: CsvConfig, ctx: TaskContext): Promise<Reading> {
  // A file that is continued has its header behind it.
  const continued = files.some((file) => (file.offset ?? 0) > 0);
  const dialect = { ...readDialect(config), ...(continued ? { skipLines: 0 } : {}) };
  const charset = readCharset(config);
  const needles = routingNeedles(dialect).list;
  const texts: TextFile[] = [];
  try {
    for (const file of files) texts.push(await prepareText(file, charset, needles, ctx));
    return await chooseReading(texts, plan, dialect, config.match_columns !== 'position', ctx);
  } catch (error) {
    await removeCopies(texts);
    throw error;
  }
}

/** A prediction from the first bytes: the pass over all bytes, which runs beside the scan, says whether it held. */
async function chooseReading(texts: readonly TextFile[], plan: ParserPlan, dialect: Dialect, byName: boolean, ctx: TaskContext): Promise<Reading> {
  const names = plan.columns.map((column) => column.name);
  const base = byName ? (plan.memory?.['header'] as readonly string[] | undefined) : undefined;
  const needles = routingNeedles(dialect).list;
  const orders: (readonly number[] | undefined)[] = [];
  const facts: RoutingFacts[] = [];
  let dirty: string | undefined;
  for await (const [i, text, head] of readHeads(texts, base !== undefined)) {
    const header = base && head ? await headerOf(text, head, dialect) : undefined;
    orders.push(base && header ? mapHeader(text.name, base, names, header) : undefined);
    if (text.known) facts.push(text.known.facts);
    else if (head) facts.push(countHead(head, needles));
    if (head && i < SAMPLED_FILES) dirty ??= judgeSample(head.bytes, head.complete, dialect);
  }
  const task: CsvTask = { files: texts, columns: plan.columns, dialect, spool: chooseSpoolDialect(dialect), orders, ctx };
  const lane = chooseLane(dialect, facts);
  const why = lane.lane === 'own' ? lane.why : (dirty ?? ordersNeedOwn(orders, names.length));
  if (lane.lane === 'native' && why === undefined) return openNativeLane(task, lane.newline, orders[0], startBytePass(texts, dialect, ctx));
  ctx.log.log('debug', 'csv: reading with our own tokenizer', { reason: why, file: texts[0]?.name });
  const plain = await unpackTask(task);
  const pass = startBytePass(plain.files, dialect, ctx);
  try {
    return await openOwnLane(plain, async () => (await pass.done).map((f) => f.file));
  } catch (error) {
    pass.stop();
    await removeCopies(plain.files);
    throw error;
  }
}

/** Of the files after the first ones nothing is read where there is no header to compare. */
async function* readHeads(texts: readonly TextFile[], withHeaders: boolean): AsyncGenerator<[number, TextFile, Head | undefined]> {
  for (let from = 0; from < texts.length; from += HEADS_AT_ONCE) {
    const batch = texts.slice(from, from + HEADS_AT_ONCE);
    const heads = await Promise.all(
      batch.map(async (text, k) => {
        if (from + k < SAMPLED_FILES) return text.head(HEAD_BYTES);
        return withHeaders ? text.head(SHORT_HEAD_BYTES) : undefined;
      }),
    );
    for (const [k, text] of batch.entries()) yield [from + k, text, heads[k]];
  }
}

async function headerOf(text: TextFile, head: Head, dialect: Dialect): Promise<readonly string[] | undefined> {
  const header = readHeader(head.bytes, head.complete, dialect);
  if (header || head.complete || head.bytes.length > SHORT_HEAD_BYTES) return header;
  const more = await text.head(HEAD_BYTES);
  return readHeader(more.bytes, more.complete, dialect);
}

function countHead(head: Head, needles: readonly Uint8Array[]): RoutingFacts {
  const counter = new ByteCounter({ needles });
  counter.add(head.bytes);
  return counter.facts();
}

/** One `read_csv` has one order of fields, and it must be a permutation. */
function ordersNeedOwn(orders: readonly (readonly number[] | undefined)[], columns: number): string | undefined {
  const first = orders[0];
  if (orders.some((order) => String(order) !== String(first))) return 'the files have their columns in different orders';
  if (first && (new Set(first).size !== columns || first.some((field) => field >= columns))) return 'the header has other columns than the config';
  return undefined;
}

/** Many shape errors, or any broken quote, at the start: DuckDB's reader would be slow or wrong. */
function judgeSample(head: Buffer, complete: boolean, dialect: Dialect): string | undefined {
  const scanner = createScanner({ dialect });
  const bytes = Buffer.concat([head, Buffer.alloc(1)]);
  const hasCr = head.includes(CR);
  let good = 0;
  let bad = 0;
  let broken = false;
  let multiline = false;
  walkSample(bytes, head.length, complete, scanner, (isGood) => {
    if (isGood) {
      good++;
      multiline ||= hasCr && head.subarray(scanner.start, scanner.end).includes(LF);
    } else {
      bad++;
      broken ||= isQuoteError(scanner.reason);
    }
  });
  if (broken) return 'a quoted value is broken';
  // DuckDB loses such files: no row, one reject.
  if (multiline) return 'values hold newlines, and lines do not end with LF alone';
  return bad >= (good + bad) / 100 && bad > 0 ? 'one record in a hundred or more is rejected' : undefined;
}
