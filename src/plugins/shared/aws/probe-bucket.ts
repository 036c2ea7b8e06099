import { s3Error } from './errors.js';
import type { S3Store } from './open-s3.js';

/** Lists one key, and says what was reached. Errors: those of {@link s3Error}. */
export async function probeBucket(store: S3Store, signal: AbortSignal): Promise<string> {
  try {
    await store.client.send(new store.sdk.ListObjectsV2Command({ Bucket: store.bucket, MaxKeys: 1 }), { abortSignal: signal });
  } catch (error) {
    signal.throwIfAborted();
    throw s3Error(error, `listing s3://${store.bucket}`, store);
  }
  return `bucket ${store.bucket} at ${store.endpoint}`;
}
