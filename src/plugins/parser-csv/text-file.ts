import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import chain, { flushable, none } from 'stream-chain';
import { fileSystemError, type FileFact, type ParserFile, type TaskContext } from '../../core/spi/index.js';
import { ByteCounter, scanBytes, type ByteFacts, type ScanOptions } from '../shared/scan-bytes.js';
import { fileChunks } from '../shared/file-chunks.js';
import { createTranscoder, transcode, type Transcoder } from '../shared/transcode.js';

/** A local file of UTF-8 text: the source itself where it is one, else a decoded copy in the run's temp folder. */
export interface TextFile {
  readonly name: string;
  readonly path: string;
  /** Bytes of text. */
  readonly size: number;
  /** Offset of the first byte of text in the decoded source; null when the text was converted, so that offsets differ. */
  readonly base: number | null;
  /** Known at once for copies. */
  readonly known?: { readonly facts: ByteFacts; readonly file: FileFact };
  /** Deletes the copy; does nothing for the source itself. */
  remove(): Promise<void>;
}

/** The decoded text of a file as UTF-8. */
export function openText(file: ParserFile, charset: string | undefined): AsyncIterable<Uint8Array> {
  return charset === undefined ? file.open() : transcode(file.open(), charset);
}

export async function prepareText(
  file: ParserFile,
  charset: string | undefined,
  needles: readonly Uint8Array[],
  ctx: TaskContext,
): Promise<TextFile> {
  if (file.path !== undefined && file.decoders.length === 0 && charset === undefined) {
    return { name: file.name, path: file.path, size: file.size, base: 0, remove: () => Promise.resolve() };
  }
  const copy = path.join(ctx.tempDir, `text-${randomUUID()}.csv`);
  const remove = (): Promise<void> => rm(copy, { force: true });
  try {
    const raw = new ByteCounter({ hash: true });
    const plain = file.decoders.length === 0;
    const facts = await copyText(plain ? counted(file.open(), raw, ctx) : file.open(), charset, copy, needles, ctx);
    if (!plain) for await (const _ of counted(file.openRaw(), raw, ctx)) ctx.signal.throwIfAborted();
    const { hash, bytes } = raw.facts();
    return {
      name: file.name,
      path: copy,
      size: facts.bytes,
      base: charset === undefined ? (file.offset ?? 0) : null,
      known: { facts, file: { source: file.name, hash, bytes } },
      remove,
    };
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

/** Counts and hashes a file; at once for a copy. */
export async function factsOf(file: TextFile, options: Omit<ScanOptions, 'hash'>, ctx: TaskContext): Promise<{ facts: ByteFacts; file: FileFact }> {
  if (file.known) return file.known;
  const facts = await scanBytes(fileChunks(file.path, { signal: ctx.signal }), {
    ...options,
    hash: true,
    utf8: true,
    onChunk(chunk, offset) {
      ctx.progress({ bytes: chunk.length });
      options.onChunk?.(chunk, offset);
    },
  });
  return { facts, file: { source: file.name, hash: facts.hash, bytes: facts.bytes } };
}
