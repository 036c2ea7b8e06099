import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import chain, { flushable, none } from 'stream-chain';
import { fileSystemError, type FileFact, type ParserFile, type TaskContext } from '../../core/spi/index.js';
import type { ByteSearch } from '../shared/byte-search.js';
import { ByteCounter, hashWhole, scanBytes, type ByteFacts, type ScanOptions } from '../shared/scan-bytes.js';
import { fileChunks, readHead, readSmall, streamHead, type Head } from '../shared/file-chunks.js';
import { hashBytes } from '../shared/line-scan.js';
import { createTranscoder, transcode, type Transcoder } from '../shared/transcode.js';

/** Encodings that DuckDB's reader unpacks itself. */
export type Compression = 'none' | 'gzip' | 'zstd';

/** A local file of UTF-8 text: the source itself, also a compressed one, else a decoded copy in the run's temp folder. */
export interface TextFile {
  readonly name: string;
  readonly path: string;
  readonly compression: Compression;
  /** Bytes of text; Infinity while nobody knows. */
  readonly size: number;
  /** Offset of the first byte of text in the decoded source; null when the text was converted, so that offsets differ. */
  readonly base: number | null;
  /** Known at once for copies. */
  readonly known?: { readonly facts: ByteFacts; readonly file: FileFact };
  /** The file itself, or a decoded copy of a compressed one: our tokenizer reads plain text. */
  unpack(): Promise<TextFile>;
  /** Passes over all bytes of text, then over the raw ones where those differ. */
  scan(options: ScanOptions & { readonly search: ByteSearch }, ctx: TaskContext): Promise<{ facts: ByteFacts; file: FileFact }>;
  head(length: number): Promise<Head>;
  /** Deletes the copy; does nothing for the source itself. */
  remove(): Promise<void>;
}

/** The decoded text of a file as UTF-8. */
export function openText(file: ParserFile, charset: string | undefined): AsyncIterable<Uint8Array> {
  return charset === undefined ? file.open() : transcode(file.open(), charset);
}

/** A file as DuckDB can read it; what it cannot unpack itself is decoded here. */
export async function prepareText(
  file: ParserFile,
  charset: string | undefined,
  needles: readonly Uint8Array[],
  ctx: TaskContext,
): Promise<TextFile> {
  const compression = compressionOf(file);
  if (file.path === undefined || charset !== undefined || compression === undefined) return copyOf(file, charset, needles, ctx);
  return compression === 'none'
    ? plainText(file, file.path)
    : compressedText(file, file.path, compression, () => copyOf(file, charset, needles, ctx));
}

function compressionOf(file: ParserFile): Compression | undefined {
  const [first, ...more] = file.decoders;
  if (first === undefined) return 'none';
  return more.length === 0 && (first === 'gzip' || first === 'zstd') ? first : undefined;
}

function plainText(file: ParserFile, path: string): TextFile {
  const text: TextFile = {
    name: file.name,
    path,
    compression: 'none',
    size: file.size,
    base: 0,
    unpack: () => Promise.resolve(text),
    head: (length) => readHead(path, length),
    async scan(options, ctx) {
      const { room } = options.search;
      const all = { ...options, hash: true, utf8: true };
      const facts =
        file.size < room.length && file.size <= SMALL
          ? await scanSmall(path, file.size, all, room, ctx)
          : await scanBytes(counting(fileChunks(path, { signal: ctx.signal, buffer: room }), ctx), all);
      return { facts, file: { source: file.name, hash: facts.hash, bytes: facts.bytes } };
    },
    remove: () => Promise.resolve(),
  };
  return text;
}

/** Files up to this size are read in one piece. */
const SMALL = 1 << 20;

async function scanSmall(path: string, size: number, options: ScanOptions, room: Buffer, ctx: TaskContext): Promise<ByteFacts> {
  ctx.signal.throwIfAborted();
  const bytes = await readSmall(path, size, room);
  ctx.progress({ bytes: bytes.length });
  const counter = new ByteCounter({ ...options, hash: false });
  counter.add(bytes);
  return { ...counter.facts(), hash: hashWhole(bytes) };
}

function compressedText(file: ParserFile, path: string, compression: Compression, unpack: () => Promise<TextFile>): TextFile {
  return {
    name: file.name,
    path,
    compression,
    size: Infinity,
    base: 0,
    unpack,
    head: (length) => streamHead(file.open(), length),
    async scan(options, ctx) {
      const facts = await scanBytes(untilAborted(file.open(), ctx), { ...options, hash: false, utf8: true });
      const raw = await hashBytes(counting(file.openRaw(), ctx), ctx.signal);
      return { facts, file: { source: file.name, ...raw } };
    },
    remove: () => Promise.resolve(),
  };
}

async function copyOf(file: ParserFile, charset: string | undefined, needles: readonly Uint8Array[], ctx: TaskContext): Promise<TextFile> {
  const copy = path.join(ctx.tempDir, `text-${randomUUID()}.csv`);
  const remove = (): Promise<void> => rm(copy, { force: true });
  try {
    const raw = new ByteCounter({ hash: true });
    const plain = file.decoders.length === 0;
    const facts = await copyText(plain ? counted(file.open(), raw, ctx) : file.open(), charset, copy, needles, ctx);
    if (!plain) for await (const _ of counted(file.openRaw(), raw, ctx)) ctx.signal.throwIfAborted();
    const { hash, bytes } = raw.facts();
    const known = { facts, file: { source: file.name, hash, bytes } };
    const text: TextFile = {
      name: file.name,
      path: copy,
      compression: 'none',
      size: facts.bytes,
      base: charset === undefined ? (file.offset ?? 0) : null,
      known,
      unpack: () => Promise.resolve(text),
      head: (length) => readHead(copy, length),
      scan: () => Promise.resolve(known),
      remove,
    };
    return text;
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Decoded bytes to UTF-8 to a file, counted on the way. */
async function copyText(
  source: AsyncIterable<Uint8Array>,
  charset: string | undefined,
  target: string,
  needles: readonly Uint8Array[],
  ctx: TaskContext,
): Promise<ByteFacts> {
  const counter = new ByteCounter({ needles, utf8: true });
  const file = createWriteStream(target, { flags: 'wx' });
  const stages = chain([
    charset === undefined ? null : recode(createTranscoder(charset)),
    (chunk: Uint8Array) => {
      counter.add(chunk);
      return chunk;
    },
  ]);
  try {
    await pipeline(Readable.from(owned(source), { highWaterMark: 2 }), stages, file, { signal: ctx.signal });
  } catch (error) {
    ctx.signal.throwIfAborted();
    throw file.errored === error ? fileSystemError(error, `writing ${target}`) : error;
  }
  return counter.facts();
}

/** A source may use its buffer again for the next chunk, while streams still hold this one. */
async function* owned(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) yield Buffer.from(chunk);
}

function recode(transcoder: Transcoder): (chunk: Uint8Array) => Uint8Array | typeof none {
  const some = (bytes: Uint8Array): Uint8Array | typeof none => (bytes.length > 0 ? bytes : none);
  return flushable(
    (chunk: Uint8Array) => some(transcoder(chunk, false)),
    () => some(transcoder(new Uint8Array(0), true)),
  );
}

async function* counted(source: AsyncIterable<Uint8Array>, counter: ByteCounter, ctx: TaskContext): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    counter.add(chunk);
    ctx.progress({ bytes: chunk.length });
    yield chunk;
  }
}

async function* counting(source: AsyncIterable<Uint8Array>, ctx: TaskContext): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    ctx.progress({ bytes: chunk.length });
    yield chunk;
  }
}

async function* untilAborted(source: AsyncIterable<Uint8Array>, { signal }: TaskContext): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    signal.throwIfAborted();
    yield chunk;
  }
}
