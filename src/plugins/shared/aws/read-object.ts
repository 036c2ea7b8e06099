import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { fileSystemError, type PluginContext } from '../../../core/spi/index.js';
import { changedObject, isMissingObject, isPreconditionFailed, isTransient, s3Error } from './errors.js';
import type { S3Store } from './open-s3.js';

/** One version of an object. */
export interface ObjectVersion {
  readonly key: string;
  readonly size: number;
  /** ETag without quotes. */
  readonly etag: string;
}

type Transfer = Pick<PluginContext, 'signal' | 'clock' | 'log'>;

/** Streams start small: a plan reads only the first bytes. */
const FIRST_PART = 1 << 20;
const STREAM_PART = 16 << 20;
const FILE_PART = 8 << 20;
const PARTS_AT_ONCE = 4;
/** Bytes gathered for one write. */
const WRITE_BYTES = 1 << 20;

/** The object's bytes in order, always of this version. What is not asked for is not fetched. */
export async function* streamObject(store: S3Store, object: ObjectVersion, ctx: Transfer): AsyncGenerator<Uint8Array> {
  for (let at = 0, part = FIRST_PART; at < object.size; at += part, part = STREAM_PART) {
    yield* readRange(store, object, at, Math.min(at + part, object.size), ctx);
  }
}

/** Copies the object to a new local file, in ranges at once. Memory: some chunks a range. */
export async function saveObject(store: S3Store, object: ObjectVersion, path: string, ctx: Transfer): Promise<void> {
  const file = await open(path, 'wx').catch((error: unknown) => {
    throw fileSystemError(error, `writing ${path}`);
  });
  try {
    let next = 0;
    const stop = new AbortController();
    const signal = AbortSignal.any([ctx.signal, stop.signal]);
    const lane = async (): Promise<void> => {
      for (let from = next; from < object.size; from = next) {
        const end = Math.min(from + FILE_PART, object.size);
        next = end;
        await store.transfers.run(() => savePart(from, end));
      }
    };
    const savePart = async (from: number, end: number): Promise<void> => {
      let at = from;
      let gathered: Uint8Array[] = [];
      let bytes = 0;
      const write = async (): Promise<void> => {
        await writeAll(file, gathered, at, path);
        at += bytes;
        gathered = [];
        bytes = 0;
      };
      for await (const chunk of readRange(store, object, from, end, { ...ctx, signal })) {
        gathered.push(chunk);
        bytes += chunk.length;
        if (bytes >= WRITE_BYTES) await write();
      }
      if (bytes > 0) await write();
    };
    const lanes = Array.from({ length: Math.min(PARTS_AT_ONCE, Math.ceil(object.size / FILE_PART)) }, () =>
      lane().catch((error: unknown) => {
        stop.abort(error);
        throw error;
      }),
    );
    const failed = (await Promise.allSettled(lanes)).find((result) => result.status === 'rejected');
    if (failed) throw stop.signal.reason ?? failed.reason;
  } finally {
    await file.close();
  }
}

async function writeAll(file: Awaited<ReturnType<typeof open>>, chunks: readonly Uint8Array[], position: number, path: string): Promise<void> {
  try {
    // A full disk may take a part of it only.
    const all = chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks);
    for (let done = 0; done < all.length;) {
      const { bytesWritten } = await file.write(all, done, all.length - done, position + done);
      done += bytesWritten;
    }
  } catch (error) {
    throw fileSystemError(error, `writing ${path}`);
  }
}

/**
 * Bytes `from` to `end` (exclusive). A connection that breaks is taken up at the byte reached; `If-Match` makes sure that it is
 * still the same object. Errors: DataError FILE_MOVED, FILE_VANISHED; RemoteError S3_… after all tries.
 */
export async function* readRange(store: S3Store, object: ObjectVersion, from: number, end: number, ctx: Transfer): AsyncGenerator<Uint8Array> {
  const name = `s3://${store.bucket}/${object.key}`;
  let at = from;
  for (let failures = 0; at < end;) {
    const before = at;
    const body = await openRange(store, object, at, end, ctx.signal);
    try {
      for await (const chunk of body) {
        at += chunk.length;
        yield chunk;
      }
      if (at < end) throw Object.assign(new Error(`${end - at} bytes are missing`), { code: 'ECONNRESET' });
    } catch (error) {
      ctx.signal.throwIfAborted();
      failures = at > before ? 1 : failures + 1;
      if (!isTransient(error) || failures > store.retry.limit) throw s3Error(error, `reading ${name}`, store);
      const wait = Math.min(store.retry.maxWaitMs, store.retry.initialWaitMs * 2 ** (failures - 1));
      ctx.log.log('info', 'continuing a transfer that broke off', { object: name, at_byte: at, wait_ms: wait });
      await ctx.clock.sleep(wait, ctx.signal);
    }
  }
}

/** The SDK repeats requests that get no answer; what fails here has failed for good. */
async function openRange(store: S3Store, object: ObjectVersion, from: number, end: number, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
  const command = new store.sdk.GetObjectCommand({
    Bucket: store.bucket,
    Key: object.key,
    Range: `bytes=${from}-${end - 1}`,
    IfMatch: `"${object.etag}"`,
  });
  try {
    const { Body } = await store.client.send(command, { abortSignal: signal });
    return Body as Readable;
  } catch (error) {
    signal.throwIfAborted();
    const name = `s3://${store.bucket}/${object.key}`;
    throw isPreconditionFailed(error) || isMissingObject(error) ? changedObject(name, error) : s3Error(error, `reading ${name}`, store);
  }
}
