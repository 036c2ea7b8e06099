import type { FileFact, ParserFile, Spool, TaskContext } from '../../core/spi/index.js';
import { membersOf, scanValue, skipBlanks, kindOf } from '../shared/json-scanner.js';
import { besideScan, type BesideScan } from '../shared/beside-scan.js';
import { ByteSearch } from '../shared/byte-search.js';
import { CHUNK_BYTES, fileChunks } from '../shared/file-chunks.js';
import { hashBytes, scanLines } from '../shared/line-scan.js';
import { CommaWatch } from './comma-watch.js';
import type { JsonLayout } from './config.js';
import { suitsNative } from './native-sql.js';

/** DuckDB reads a line only when it fits its buffer of 16 MB; ours are shorter, to be safe. */
export const MAX_LINE_BYTES = 15 * 1024 * 1024;
const SAMPLE_BYTES = 256 * 1024;
const MAX_KEY_LISTS = 64;

export interface NativeLane {
  readonly native: true;
  readonly files: readonly ParserFile[];
  /** Text files for DuckDB: the files themselves, or the spool of what was decoded. */
  readonly paths: readonly string[];
  readonly spool?: Spool;
  readonly keyLists: readonly (readonly string[])[];
  /** Whether every line is asked for commas before a closing bracket; else `commas` must find none. */
  readonly asksCommas: boolean;
  readonly commas: CommaWatch;
  /** The pass over the bytes. */
  readonly bytes: BesideScan<readonly ScannedFile[]>;
}

export interface ScannedFile {
  readonly fact: FileFact;
  /** Lines that hold something. */
  readonly lines: number;
  readonly longestLine: number;
}

/** What the first lines tell; undefined: they are not one object a line. */
export interface JsonSample {
  readonly keyLists: readonly (readonly string[])[];
  /** Whether a comma may stand before a closing bracket. */
  readonly commas: boolean;
  readonly bytes: Buffer;
}

/** DuckDB's reader serves files of one object a line; everything else is read by our tokenizer. */
export async function takeSample(files: readonly ParserFile[], layout: JsonLayout): Promise<JsonSample | undefined> {
  if (!suitsNative(layout)) return undefined;
  const commas = new CommaWatch();
  const sample = await sampleKeyLists(files, commas);
  return sample && { ...sample, commas: commas.mayHold };
}

/** The paths of plain local files, or undefined when some are not. */
export function plainPaths(files: readonly ParserFile[]): string[] | undefined {
  const paths = files.map((file) => (file.decoders.length === 0 ? file.path : undefined));
  return paths.every((path) => path !== undefined) ? paths.filter((_, i) => files[i]?.size !== 0) : undefined;
}

export async function chooseLane(
  files: readonly ParserFile[],
  { keyLists, commas: sampleCommas }: JsonSample,
  ctx: TaskContext,
): Promise<NativeLane | { readonly native: false }> {
  const commas = new CommaWatch();
  const filled = plainPaths(files);
  if (filled) {
    const bytes = besideScan(() => scanFiles(files, undefined, commas, ctx));
    return { native: true, files, paths: filled, keyLists, asksCommas: sampleCommas, commas, bytes };
  }
  // Rows must come in file order, so a task is read from its files or from its spool, never from both.
  const spool = ctx.spool('ndjson');
  try {
    const scanned = await scanFiles(files, spool, commas, ctx);
    if (scanned.every((file) => file.longestLine <= MAX_LINE_BYTES)) {
      const asksCommas = commas.mayHold;
      return {
        native: true,
        files,
        paths: await spool.finish(),
        spool,
        keyLists,
        asksCommas,
        commas,
        bytes: besideScan(() => Promise.resolve(scanned)),
      };
    }
  } catch (error) {
    await spool.remove();
    throw error;
  }
  await spool.remove();
  return { native: false };
}

/** With a spool the decoded lines go there, too. */
async function scanFiles(files: readonly ParserFile[], spool: Spool | undefined, commas: CommaWatch, ctx: TaskContext): Promise<ScannedFile[]> {
  const scanned: ScannedFile[] = [];
  const largest = Math.max(0, ...files.map((file) => (file.decoders.length === 0 ? file.size : CHUNK_BYTES)));
  const search = new ByteSearch(Math.min(CHUNK_BYTES, largest + 1));
  for (const file of files) {
    const text = spool ? spoolLines(file.open(), spool) : openText(file, search, ctx);
    const { hash, bytes, lines, longestLine } = await scanLines(text, ctx.signal, { search, onChunk: (chunk) => commas.add(chunk, search) });
    const raw = file.decoders.length === 0 ? { hash, bytes } : await hashBytes(file.openRaw(), ctx.signal);
    scanned.push({ fact: { source: file.name, ...raw }, lines, longestLine });
  }
  return scanned;
}

/** A plain local file is read into one buffer. */
function openText(file: ParserFile, search: ByteSearch, { signal }: TaskContext): AsyncIterable<Uint8Array> {
  return file.path !== undefined && file.decoders.length === 0 ? fileChunks(file.path, { signal, buffer: search.room }) : file.open();
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
    } else if (rest.length > MAX_LINE_BYTES) {
      // Too long for this lane anyway; gathering it would only cost memory.
      await spool.write(rest);
      rest = bytes;
    } else rest = Buffer.concat([rest, bytes]);
    yield chunk;
  }
  if (rest.length > 0) await spool.write(Buffer.concat([rest, Buffer.from('\n')]));
}

/** Key lists of the first lines, or undefined when the first record is not a line of its own or a byte order mark stands first. */
async function sampleKeyLists(
  files: readonly ParserFile[],
  commas: CommaWatch,
): Promise<{ readonly keyLists: readonly (readonly string[])[]; readonly bytes: Buffer } | undefined> {
  for (const file of files) {
    const sample = await firstBytes(file.open(), SAMPLE_BYTES);
    commas.add(sample);
    if (sample[0] === 0xef && sample[1] === 0xbb && sample[2] === 0xbf) return undefined;
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
    return { keyLists: [...lists.values()], bytes: sample };
  }
  return { keyLists: [], bytes: Buffer.alloc(0) };
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
