import type { ParserFile, ParserPlan, Reading, TaskContext } from '../../core/spi/index.js';
import { readHead } from '../shared/file-chunks.js';
import { ByteCounter } from '../shared/scan-bytes.js';
import { startBytePass } from './byte-pass.js';
import { createScanner, isQuoteError, type CsvTask } from './csv-task.js';
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

/** What is looked at before a lane is chosen. */
export const HEAD_BYTES = 1 << 20;
/** Files whose records are tried before a lane is chosen. */
const SAMPLED_FILES = 3;

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
    await Promise.all(texts.map((text) => text.remove()));
    throw error;
  }
}

async function chooseReading(texts: readonly TextFile[], plan: ParserPlan, dialect: Dialect, byName: boolean, ctx: TaskContext): Promise<Reading> {
  const needles = routingNeedles(dialect).list;
  const names = plan.columns.map((column) => column.name);
  const base = byName ? (plan.memory?.['header'] as readonly string[] | undefined) : undefined;
  const orders: (readonly number[] | undefined)[] = [];
  const facts: RoutingFacts[] = [];
  const unsure: number[] = [];
  let dirty: string | undefined;
  for (const [i, text] of texts.entries()) {
    const head = await readHead(text.path, HEAD_BYTES);
    const header = base ? readHeader(head.bytes, head.complete, dialect) : undefined;
    orders.push(base && header ? mapHeader(text.name, base, names, header) : undefined);
    const counter = new ByteCounter({ needles });
    counter.add(head.bytes);
    facts.push(text.known?.facts ?? counter.facts());
    // With a CR in it, only the whole file tells whether its newlines are of one kind; DuckDB may lose rows where they are not.
    if (!head.complete && (facts[i] as RoutingFacts).cr > 0 && !text.known) unsure.push(i);
    if (i < SAMPLED_FILES) dirty ??= judgeSample(head.bytes, head.complete, dialect);
  }
  const task: CsvTask = { files: texts, columns: plan.columns, dialect, spool: chooseSpoolDialect(dialect), orders, ctx };
  const pass = startBytePass(texts, dialect, ctx);
  try {
    for (const i of unsure) facts[i] = (await pass.perFile(i)).facts;
    const lane = chooseLane(dialect, facts);
    const why = lane.lane === 'own' ? lane.why : (dirty ?? ordersNeedOwn(orders, names.length));
    if (lane.lane === 'native' && why === undefined) return openNativeLane(task, lane.newline, orders[0], pass);
    ctx.log.log('debug', 'csv: reading with our own tokenizer', { reason: why, file: texts[0]?.name });
    return await openOwnLane(task, async () => (await pass.done).map((f) => f.file));
  } catch (error) {
    pass.stop();
    throw error;
  }
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
