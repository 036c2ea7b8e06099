import type { FileFact, ParserFile, Spool, TaskContext } from '../../core/spi/index.js';
import { membersOf, scanValue, skipBlanks, kindOf } from '../shared/json-scanner.js';
import { hashBytes, scanLines } from '../shared/line-scan.js';
import type { JsonLayout } from './config.js';
import { suitsNative } from './native-sql.js';

/** DuckDB reads a line only when it fits its buffer of 16 MB; ours are shorter, to be safe. */
export const MAX_LINE_BYTES = 15 * 1024 * 1024;
const SAMPLE_BYTES = 256 * 1024;
const MAX_KEY_LISTS = 4;

export interface NativeLane {
  readonly native: true;
  readonly files: readonly ParserFile[];
  /** Lines that hold something, per file. */
  readonly lines: readonly number[];
  readonly facts: readonly FileFact[];
  /** Text files for DuckDB: the files themselves, or the spool of what was decoded. */
  readonly paths: readonly string[];
  readonly spool?: Spool;
  readonly keyLists: readonly (readonly string[])[];
}

/** DuckDB's reader serves files of one object a line; everything else is read by our tokenizer. */
export async function chooseLane(
  files: readonly ParserFile[],
  layout: JsonLayout,
  ctx: TaskContext,
): Promise<NativeLane | { readonly native: false }> {
  if (!suitsNative(layout)) return { native: false };
  const keyLists = await sampleKeyLists(files);
  if (!keyLists) return { native: false };
  const lines: number[] = [];
  const facts: FileFact[] = [];
  const paths: string[] = [];
  let spool: Spool | undefined;
  for (const file of files) {
    const plain = file.path !== undefined && file.decoders.length === 0 ? file.path : undefined;
    if (plain === undefined) spool ??= ctx.spool('ndjson');
    const source = plain !== undefined || !spool ? file.open() : spoolLines(file.open(), spool);
    const scan = await scanLines(source, ctx.signal);
    if (scan.startsWithBom || scan.longestLine > MAX_LINE_BYTES) {
      await spool?.remove();
      return { native: false };
    }
    lines.push(scan.lines);
    facts.push({
      source: file.name,
      ...(plain !== undefined ? { hash: scan.hash, bytes: scan.bytes } : await hashBytes(file.openRaw(), ctx.signal)),
    });
    if (plain !== undefined && scan.lines > 0) paths.push(plain);
  }
  // Rows must come in file order, so a task is read from its files or from its spool, never from both.
  if (spool && paths.length > 0) {
    await spool.remove();
    return { native: false };
  }
  return { native: true, files, lines, facts, paths: spool ? await spool.finish() : paths, keyLists, ...(spool ? { spool } : {}) };
}

/** Passes the bytes on and writes them to the spool, whole lines at a time. */
async function* spoolLines(source: AsyncIterable<Uint8Array>, spool: Spool): AsyncGenerator<Uint8Array> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const newline = bytes.lastIndexOf(10);
    if (newline >= 0) {
      await spool.write(Buffer.concat([rest, bytes.subarray(0, newline + 1)]));
      rest = Buffer.from(bytes.subarray(newline + 1));
    } else rest = Buffer.concat([rest, bytes]);
    yield chunk;
  }
  if (rest.length > 0) await spool.write(Buffer.concat([rest, Buffer.from('\n')]));
}

/** Key lists of the first lines, or undefined when the first record is not a line of its own. */
async function sampleKeyLists(files: readonly ParserFile[]): Promise<string[][] | undefined> {
  for (const file of files) {
    const sample = await firstBytes(file.open(), SAMPLE_BYTES);
    let at = skipBlanks(sample, 0, sample.length);
    if (at === sample.length) continue;
    const lists = new Map<string, string[]>();
    let first = true;
    while (at < sample.length && lists.size < MAX_KEY_LISTS) {
      const newline = sample.indexOf(10, at);
      const end = newline < 0 ? sample.length : newline;
      const result = scanValue(sample, at, end);
      if (first && (result.kind === 'more' || (result.kind === 'value' && skipBlanks(sample, result.end, end) < end))) return undefined;
      first = false;
      if (result.kind === 'value' && kindOf(sample, at) === 'object') {
        const keys = [...membersOf(sample, { start: at, end: result.end })].map((m) => m.key);
        if (new Set(keys).size === keys.length && keys.every((k) => !k.includes('\0'))) lists.set(keys.join('\0'), keys);
      }
      at = skipBlanks(sample, end, sample.length);
    }
    return [...lists.values()];
  }
  return [];
}

async function firstBytes(source: AsyncIterable<Uint8Array>, limit: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let have = 0;
  for await (const chunk of source) {
    parts.push(chunk);
    have += chunk.length;
    if (have >= limit) break;
  }
  return Buffer.concat(parts, have);
}
