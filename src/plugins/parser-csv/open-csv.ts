import type { ParserFile, ParserPlan, Reading, TaskContext } from '../../core/spi/index.js';
import type { Head } from '../shared/file-chunks.js';
import { ByteCounter } from '../shared/scan-bytes.js';
import { bytePass } from './byte-pass.js';
import { removeCopies, unpackTask, type CsvTask } from './csv-task.js';
import type { Dialect } from './dialect.js';
import { HEAD_BYTES, HeaderWatch, SHORT_HEAD_BYTES, type FieldOrder } from './header-watch.js';
import { judgeSample } from './judge-sample.js';
import { openNativeLane } from './native-lane.js';
import { readCharset, readDialect } from './options.js';
import { openOwnLane } from './own-lane.js';
import { chooseLane, routingNeedles, type RoutingFacts } from './routing.js';
import type { CsvConfig } from './schema.js';
import { chooseSpoolDialect } from './spool-writer.js';
import { chooseTypedColumns } from './typed-columns.js';
import { prepareText, type TextFile } from './text-file.js';

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
  const headers = new HeaderWatch({ base, columns: names, dialect });
  const needles = routingNeedles(dialect).list;
  const orders: FieldOrder[] = [];
  const facts: RoutingFacts[] = texts.flatMap((text) => (text.known ? [text.known.facts] : []));
  const samples: Head[] = [];
  let dirty: string | undefined;
  const first = texts.map((_, i) => i).filter((i) => i < SAMPLED_FILES || (headers.compares && !isReadOnce(texts[i] as TextFile)));
  for await (const [i, text, head] of readHeads(texts, first)) {
    orders[i] = await headers.orderOf(text.name, head, () => text.head(HEAD_BYTES));
    if (!text.known) facts.push(countHead(head, needles));
    if (i >= SAMPLED_FILES) continue;
    samples.push(head);
    dirty ??= judgeSample(head, dialect);
  }
  /** Of the others the header is compared when they are read. */
  const later = headers.compares ? texts.map((_, i) => i).filter((i) => !first.includes(i)) : [];
  for (const i of texts.keys()) orders[i] ??= later.includes(i) ? orders[0] : undefined;
  const task: CsvTask = { files: texts, columns: plan.columns, dialect, spool: chooseSpoolDialect(dialect), orders, ctx };
  const lane = chooseLane(dialect, facts);
  const why = lane.lane === 'own' ? lane.why : (dirty ?? ordersNeedOwn(orders, names.length));
  if (lane.lane === 'native' && why === undefined) {
    // Of copies the bytes have passed already, and a preview does not wait for its verdict.
    const passes = texts.every((text) => text.known === undefined) && ctx.sampleBytes === undefined;
    const typed = passes ? await chooseTypedColumns(task, lane.newline, orders[0], samples) : undefined;
    const prediction = { headers, orders, later: new Set(later), newline: lane.newline, ...(typed ? { forms: typed.forms } : {}) };
    return openNativeLane(task, lane.newline, orders[0], bytePass(texts, dialect, ctx, prediction), typed);
  }
  ctx.log.log('debug', 'csv: reading with our own tokenizer', { reason: why, file: texts[0]?.name });
  for await (const [i, text, head] of readHeads(texts, later)) orders[i] = await headers.orderOf(text.name, head, () => text.head(HEAD_BYTES));
  const plain = await unpackTask(task);
  const pass = bytePass(plain.files, dialect, ctx);
  pass.begin();
  try {
    return await openOwnLane(plain, async () => (await pass.result()).map((f) => f.file));
  } catch (error) {
    pass.stop();
    await removeCopies(plain.files);
    throw error;
  }
}

/** Plain files are opened once: the pass over all their bytes sees the header, too. */
function isReadOnce(text: TextFile): boolean {
  return text.compression === 'none' && text.known === undefined;
}

async function* readHeads(texts: readonly TextFile[], wanted: readonly number[]): AsyncGenerator<[number, TextFile, Head]> {
  for (let from = 0; from < wanted.length; from += HEADS_AT_ONCE) {
    const batch = wanted.slice(from, from + HEADS_AT_ONCE);
    const heads = await Promise.all(batch.map((i) => (texts[i] as TextFile).head(i < SAMPLED_FILES ? HEAD_BYTES : SHORT_HEAD_BYTES)));
    for (const [k, i] of batch.entries()) yield [i, texts[i] as TextFile, heads[k] as Head];
  }
}

function countHead(head: Head, needles: readonly Uint8Array[]): RoutingFacts {
  const counter = new ByteCounter({ needles });
  counter.add(head.bytes);
  return counter.facts();
}

/** One `read_csv` has one order of fields, and it must be a permutation. */
function ordersNeedOwn(orders: readonly FieldOrder[], columns: number): string | undefined {
  const first = orders[0];
  if (orders.some((order) => String(order) !== String(first))) return 'the files have their columns in different orders';
  if (first && (new Set(first).size !== columns || first.some((field) => field >= columns))) return 'the header has other columns than the config';
  return undefined;
}
