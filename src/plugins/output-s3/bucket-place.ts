import type { CreateMultipartUploadCommandInput } from '@aws-sdk/client-s3';
import { ConfigError, type JsonValue, type PluginContext } from '../../core/spi/index.js';
import { isMissingObject, isPreconditionFailed, readFailure, s3Error } from '../shared/aws/errors.js';
import { listNames } from '../shared/aws/list-objects.js';
import { endpointOf, type S3Connection, type S3Store } from '../shared/aws/open-s3.js';
import type { Place } from '../shared/object-output/index.js';
import { beginUpload, uploadParts, type Upload } from './upload.js';

/** Keys of the config that objects are written with. */
export interface ObjectSettings {
  readonly canned_acl?: string;
  readonly storage_class?: string;
  readonly server_side_encryption?: string;
  readonly kms_key_id?: string;
}

const UPLOAD = 's3-upload:';
const DELETES_AT_ONCE = 1000;

/** A folder of a bucket. What is staged is a multipart upload that was not completed: invisible, and gone when it is aborted. */
export function createBucketPlace(folder: string, config: S3Connection & ObjectSettings, open: () => Promise<S3Store>): Place {
  const base = `s3://${config.bucket}/${folder}`;
  const settings = readSettings(config);

  /** Runs one call; its error names the object and what was being done. */
  async function call<T>(doing: string, ctx: Pick<PluginContext, 'signal'>, work: (store: S3Store) => Promise<T>): Promise<T> {
    const store = await open();
    try {
      return await work(store);
    } catch (error) {
      ctx.signal.throwIfAborted();
      throw s3Error(error, doing, store);
    }
  }

  const find = (name: string, ctx: PluginContext): Promise<{ readonly stagedAs: string | undefined } | undefined> =>
    call(`looking at ${base}${name}`, ctx, async ({ client, sdk, bucket }) => {
      try {
        const head = await client.send(new sdk.HeadObjectCommand({ Bucket: bucket, Key: folder + name }), { abortSignal: ctx.signal });
        return { stagedAs: head.Metadata?.['sluice-staged'] };
      } catch (error) {
        if (isMissingObject(error)) return undefined;
        throw error;
      }
    });

  const abort = (upload: Pick<Upload, 'key' | 'uploadId'>, ctx: PluginContext): Promise<void> =>
    call(`giving up s3://${config.bucket}/${upload.key}`, ctx, async ({ client, sdk, bucket }) => {
      const { key: Key, uploadId: UploadId } = upload;
      try {
        await client.send(new sdk.AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }), { abortSignal: ctx.signal });
      } catch (error) {
        if (!isMissingUpload(error)) throw error;
      }
    });

  const deleteKeys = (keys: readonly string[], ctx: PluginContext): Promise<void> =>
    call(`deleting objects of ${base}`, ctx, async ({ client, sdk, bucket }) => {
      for (let i = 0; i < keys.length; i += DELETES_AT_ONCE) {
        const Objects = keys.slice(i, i + DELETES_AT_ONCE).map((Key) => ({ Key }));
        const { Errors } = await client.send(new sdk.DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects, Quiet: true } }), {
          abortSignal: ctx.signal,
        });
        const failed = Errors?.find((error) => error.Code !== 'NoSuchKey');
        if (failed) throw Object.assign(new Error(`${failed.Key ?? ''}: ${failed.Message ?? ''}`), { Code: failed.Code });
      }
    });

  return {
    base,
    identity: `s3:${endpointOf(config)}/${config.bucket}/${folder}`,

    stage: (file, ctx) =>
      call(`writing ${base}${file.name}`, ctx, async (store) => {
        const begun = await beginUpload(store, folder + file.name, { ...settings, Metadata: { 'sluice-staged': `${ctx.runId}/${file.id}` } }, ctx);
        // An upload without parts holds nothing; its id is known only now.
        await ctx.record([uploadUri(begun)]);
        const upload = await uploadParts(store, begun, file.path, file.bytes, ctx);
        return { ...upload, stagedAs: `${ctx.runId}/${file.id}` } as unknown as JsonValue;
      }),

    async publish(token, name, ctx, options) {
      const upload = token as unknown as Upload & { readonly stagedAs: string };
      const doing = `completing ${base}${name}`;
      await call(doing, ctx, async ({ client, sdk, bucket }) => {
        const command = new sdk.CompleteMultipartUploadCommand({
          Bucket: bucket,
          Key: upload.key,
          UploadId: upload.uploadId,
          MultipartUpload: { Parts: upload.parts.map((ETag, i) => ({ ETag, PartNumber: i + 1 })) },
          ...(options?.mustBeNew === true ? { IfNoneMatch: '*' } : {}),
        });
        try {
          await client.send(command, { abortSignal: ctx.signal });
        } catch (error) {
          ctx.signal.throwIfAborted();
          if (!isMissingUpload(error) && !isPreconditionFailed(error)) throw error;
          // Completed before, by an attempt whose answer was lost.
          const found = await find(name, ctx);
          if (found?.stagedAs === upload.stagedAs) return;
          throw isPreconditionFailed(error) ? objectExists(base + name) : error;
        }
      });
    },

    abandon: (token, ctx) => abort(token as unknown as Upload, ctx),
    exists: async (name, ctx) => (await find(name, ctx)) !== undefined,

    read: (name, ctx) =>
      call(`reading ${base}${name}`, ctx, async ({ client, sdk, bucket }) => {
        try {
          const { Body } = await client.send(new sdk.GetObjectCommand({ Bucket: bucket, Key: folder + name }), { abortSignal: ctx.signal });
          return await Body?.transformToByteArray();
        } catch (error) {
          if (isMissingObject(error)) return undefined;
          throw error;
        }
      }),

    write: (name, bytes, ctx) =>
      call(`writing ${base}${name}`, ctx, async ({ client, sdk, bucket }) => {
        await client.send(new sdk.PutObjectCommand({ ...settings, Bucket: bucket, Key: folder + name, Body: bytes }), { abortSignal: ctx.signal });
      }),

    list: (below, ctx) =>
      call(`listing ${base}${below}`, ctx, async (store) => (await listNames(store, folder + below, ctx)).map((key) => key.slice(folder.length))),

    delete: (names, ctx) =>
      deleteKeys(
        names.map((name) => folder + name),
        ctx,
      ),

    async remove(uris, ctx) {
      for (const uri of uris) {
        const upload = readUploadUri(uri);
        if (upload) await abort(upload, ctx);
      }
      const keys = uris.filter((uri) => uri.startsWith(base)).map((uri) => uri.slice(`s3://${config.bucket}/`.length));
      if (keys.length > 0) await deleteKeys(keys, ctx);
    },

    // The connections belong to the config's store, which later calls use again.
    close: () => Promise.resolve(),
  };
}

type Settings = Pick<CreateMultipartUploadCommandInput, 'ACL' | 'StorageClass' | 'ServerSideEncryption' | 'SSEKMSKeyId'>;

function readSettings(config: ObjectSettings): Settings {
  const settings = {
    ...(config.canned_acl === undefined ? {} : { ACL: config.canned_acl }),
    ...(config.storage_class === undefined ? {} : { StorageClass: config.storage_class }),
    ...(config.server_side_encryption === undefined ? {} : { ServerSideEncryption: config.server_side_encryption }),
    ...(config.kms_key_id === undefined ? {} : { SSEKMSKeyId: config.kms_key_id }),
  };
  return settings as Settings;
}

function isMissingUpload(error: unknown): boolean {
  return readFailure(error).code === 'NoSuchUpload' || isMissingObject(error);
}

function objectExists(uri: string): ConfigError {
  return new ConfigError({
    code: 'OBJECT_EXISTS',
    message: `${uri} exists, and this run did not write it`,
    hint: 'set out.overwrite: true to replace it, or leave sequence_format and path out: the run id then makes names unique',
  });
}

function uploadUri({ key, uploadId }: Pick<Upload, 'key' | 'uploadId'>): string {
  return `${UPLOAD}${encodeURIComponent(key)}?${encodeURIComponent(uploadId)}`;
}

function readUploadUri(uri: string): Pick<Upload, 'key' | 'uploadId'> | undefined {
  if (!uri.startsWith(UPLOAD)) return undefined;
  const [key = '', uploadId = ''] = uri.slice(UPLOAD.length).split('?').map(decodeURIComponent);
  return { key, uploadId };
}
