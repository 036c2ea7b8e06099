import { open } from 'node:fs/promises';
import type { CreateMultipartUploadCommandInput } from '@aws-sdk/client-s3';
import { BugError, fileSystemError, type PluginContext } from '../../core/spi/index.js';
import type { S3Store } from '../shared/aws/open-s3.js';

/** A multipart upload; plain JSON. */
export interface Upload {
  readonly key: string;
  readonly uploadId: string;
  /** ETags of the parts, in order. */
  readonly parts: readonly string[];
}

const PART_BYTES = 8 << 20;
/** Of the service. */
const MOST_PARTS = 10_000;
const PARTS_AT_ONCE = 3;

export async function beginUpload(
  store: S3Store,
  key: string,
  settings: Omit<CreateMultipartUploadCommandInput, 'Bucket' | 'Key'>,
  ctx: PluginContext,
): Promise<Omit<Upload, 'parts'>> {
  const command = new store.sdk.CreateMultipartUploadCommand({ ...settings, Bucket: store.bucket, Key: key });
  const { UploadId } = await store.client.send(command, { abortSignal: ctx.signal });
  if (UploadId === undefined) throw new BugError({ code: 'S3_NO_UPLOAD_ID', message: `${store.endpoint}: an upload was begun without an id` });
  return { key, uploadId: UploadId };
}

/** Sends a local file in parts, some at once; memory is bounded by their size. A file without bytes is one empty part. */
export async function uploadParts(store: S3Store, begun: Omit<Upload, 'parts'>, path: string, bytes: number, ctx: PluginContext): Promise<Upload> {
  const size = Math.max(PART_BYTES, Math.ceil(bytes / MOST_PARTS));
  const count = Math.max(1, Math.ceil(bytes / size));
  const parts: string[] = [];
  const stop = new AbortController();
  const signal = AbortSignal.any([ctx.signal, stop.signal]);
  const file = await open(path, 'r').catch((error: unknown) => {
    throw fileSystemError(error, `reading ${path}`);
  });
  try {
    let next = 0;
    const lane = async (): Promise<void> => {
      for (let i = next++; i < count; i = next++) {
        signal.throwIfAborted();
        const part = i;
        await store.transfers.run(async () => {
          const body = await readPart(file, part * size, Math.min(size, bytes - part * size), path);
          const command = new store.sdk.UploadPartCommand({
            Bucket: store.bucket,
            Key: begun.key,
            UploadId: begun.uploadId,
            PartNumber: part + 1,
            Body: body,
          });
          const { ETag } = await store.client.send(command, { abortSignal: signal });
          parts[part] = ETag ?? '';
        });
      }
    };
    const lanes = Array.from({ length: Math.min(PARTS_AT_ONCE, count) }, () =>
      lane().catch((error: unknown) => {
        stop.abort(error);
        throw error;
      }),
    );
    const results = await Promise.allSettled(lanes);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed) throw stop.signal.reason ?? failed.reason;
  } finally {
    await file.close();
  }
  return { ...begun, parts };
}

async function readPart(file: Awaited<ReturnType<typeof open>>, from: number, length: number, path: string): Promise<Buffer> {
  const part = Buffer.allocUnsafe(length);
  for (let filled = 0; filled < length;) {
    const { bytesRead } = await file.read(part, filled, length - filled, from + filled).catch((error: unknown) => {
      throw fileSystemError(error, `reading ${path}`);
    });
    if (bytesRead === 0)
      throw new BugError({ code: 'STAGED_FILE_SHORT', message: `${path}: ${length - filled} bytes are missing at ${from + filled}` });
    filled += bytesRead;
  }
  return part;
}
