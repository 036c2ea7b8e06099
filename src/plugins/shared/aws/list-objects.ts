import type { PluginContext } from '../../../core/spi/index.js';
import { s3Error } from './errors.js';
import type { S3Store } from './open-s3.js';

export interface ListedObject {
  readonly key: string;
  readonly size: number;
  /** ETag without quotes. */
  readonly etag: string;
  /** Milliseconds since 1970. */
  readonly modified: number;
  /** Only restored before it can be read. */
  readonly archived: boolean;
}

/** All objects whose key starts with the prefix, in byte order, folder markers left out. Errors: RemoteError S3_…. */
export async function* listObjects(store: S3Store, prefix: string, ctx: Pick<PluginContext, 'signal'>): AsyncGenerator<ListedObject> {
  for (let token: string | undefined; ;) {
    const command = new store.sdk.ListObjectsV2Command({ Bucket: store.bucket, Prefix: prefix, ContinuationToken: token });
    const page = await store.client.send(command, { abortSignal: ctx.signal }).catch((error: unknown) => {
      ctx.signal.throwIfAborted();
      throw s3Error(error, `listing s3://${store.bucket}/${prefix}`, store);
    });
    for (const { Key = '', Size = 0, ETag = '', LastModified, StorageClass } of page.Contents ?? []) {
      if (Key === '' || Key.endsWith('/')) continue;
      yield {
        key: Key,
        size: Size,
        etag: unquote(ETag),
        modified: LastModified?.getTime() ?? 0,
        archived: StorageClass === 'GLACIER' || StorageClass === 'DEEP_ARCHIVE',
      };
    }
    token = page.NextContinuationToken;
    if (page.IsTruncated !== true || token === undefined) return;
  }
}

/** Keys of the objects directly below a folder (ends with `/`, or empty for the bucket itself). */
export async function listNames(store: S3Store, folder: string, ctx: Pick<PluginContext, 'signal'>): Promise<string[]> {
  const names: string[] = [];
  for (let token: string | undefined; ;) {
    const command = new store.sdk.ListObjectsV2Command({ Bucket: store.bucket, Prefix: folder, Delimiter: '/', ContinuationToken: token });
    const page = await store.client.send(command, { abortSignal: ctx.signal });
    for (const { Key = '' } of page.Contents ?? []) if (Key !== '' && !Key.endsWith('/')) names.push(Key);
    token = page.NextContinuationToken;
    if (page.IsTruncated !== true || token === undefined) return names;
  }
}

export function unquote(etag: string): string {
  return etag.replace(/^(?:W\/)?"(.*)"$/, '$1');
}
