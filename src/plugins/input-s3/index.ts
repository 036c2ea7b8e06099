import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ConfigError } from '../../core/spi/index.js';
import { BugError, defineFileInput, RemoteError, type ConfigPlace, type SourceFile } from '../../core/spi/index.js';
import { isMissingObject, s3Error } from '../shared/aws/errors.js';
import { unquote } from '../shared/aws/list-objects.js';
import { openS3, type S3Connection } from '../shared/aws/open-s3.js';
import { probeBucket } from '../shared/aws/probe-bucket.js';
import { saveObject, streamObject, type ObjectVersion } from '../shared/aws/read-object.js';
import { configProblem } from '../shared/config-problem.js';
import { readPartition } from '../shared/hive-folders.js';
import { findByPaths, findByPrefix, type FoundObject } from './find-objects.js';
import { s3InputSchema } from './schema.js';

export interface S3InputConfig extends S3Connection {
  readonly type: 's3';
  readonly path_prefix?: string;
  readonly path?: string;
  readonly paths?: readonly string[];
  readonly path_match_pattern?: string;
  readonly last_path?: string;
  readonly use_modified_time?: boolean;
  readonly last_modified_time?: string;
  readonly skip_glacier_objects?: boolean;
  readonly total_file_count_limit?: number;
  readonly hive_partitioning?: boolean;
  readonly allow_empty?: boolean;
}

export default defineFileInput<S3InputConfig>({
  kind: 'input',
  form: 'files',
  type: 's3',
  summary: 'Reads objects of Amazon S3 or a compatible service: by prefix, key or glob.',
  stability: 'stable',
  schema: s3InputSchema,
  examples: [
    {
      title: 'New objects below a prefix, at each run',
      config: {
        type: 's3',
        bucket: 'shop-exports',
        region: 'ap-northeast-1',
        path_prefix: 'orders/2026-',
        parser: { type: 'csv', columns: [{ name: 'id', type: 'long' }] },
      },
    },
    {
      title: 'A compatible service, with keys from the environment',
      config: {
        type: 's3',
        bucket: 'shop-exports',
        endpoint: 'https://minio.example.com:9000',
        access_key_id: { env: 'S3_KEY_ID' },
        secret_access_key: { env: 'S3_SECRET' },
        path: 'orders/**/*.csv.gz',
        parser: { type: 'csv', columns: [{ name: 'id', type: 'long' }] },
      },
    },
  ],

  async list(config, ctx) {
    const selects = compileSelection(config, ctx.place);
    const store = await openS3(config, ctx);
    const paths = config.paths ?? (config.path === undefined ? undefined : [config.path]);
    const found: FoundObject[] = [];
    let matched = 0;
    for await (const object of paths ? findByPaths(store, paths, ctx) : findByPrefix(store, config.path_prefix as string, ctx)) {
      matched++;
      if (!selects(object) || (object.archived && config.skip_glacier_objects === true)) continue;
      if (object.archived) throw archived(store.bucket, object.key);
      found.push(object);
    }
    if (matched === 0 && config.allow_empty !== true) throw nothingFound(config, ctx.place);
    found.sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
    return found.map((object) => describeObject(object, config));
  },

  mostFiles: (config) => config.total_file_count_limit,

  async open(file, config, ctx) {
    return { stream: streamObject(await openS3(config, ctx), versionOf(file, config), ctx) };
  },

  async fetch(file, config, ctx) {
    const path = join(ctx.tempDir, `s3-${createHash('sha256').update(file.name).digest('hex').slice(0, 24)}`);
    // A half copy of an attempt before this one.
    await rm(path, { force: true });
    await saveObject(await openS3(config, ctx), versionOf(file, config), path, ctx);
    return { path };
  },

  async stat(file, config, ctx) {
    const store = await openS3(config, ctx);
    const { key } = versionOf(file, config);
    try {
      const head = await store.client.send(new store.sdk.HeadObjectCommand({ Bucket: store.bucket, Key: key }), { abortSignal: ctx.signal });
      return { ...file, size: head.ContentLength ?? 0, version: unquote(head.ETag ?? '') };
    } catch (error) {
      ctx.signal.throwIfAborted();
      if (isMissingObject(error)) return undefined;
      throw s3Error(error, `looking at ${file.name}`, store);
    }
  },

  probe: async (config, ctx) => probeBucket(await openS3(config, ctx), ctx.signal),
});

/** Checks the keys that choose objects, and answers the test that they make. */
function compileSelection(config: S3InputConfig, place: ConfigPlace): (object: FoundObject) => boolean {
  const given = (['path_prefix', 'path', 'paths'] as const).filter((key) => config[key] !== undefined);
  // Embulk lets `path` win over `path_prefix`.
  if (given.length === 0 || (given.length > 1 && given.includes('paths'))) {
    throw configProblem(place, 'path_prefix', {
      code: 'FILE_INPUT_PATHS',
      message: `expected one of path_prefix, path and paths, found ${given.length === 0 ? 'none' : given.join(' and ')}`,
      hint: 'give one of them, e.g. path_prefix: orders/ or path: "orders/**/*.csv"',
    });
  }
  const pattern = compilePattern(config.path_match_pattern, place);
  const last = config.last_path === undefined ? undefined : Buffer.from(config.last_path);
  const since = config.use_modified_time === true ? readTime(config.last_modified_time, place) : undefined;
  return ({ key, modified }) =>
    (pattern === undefined || pattern.test(key)) &&
    (last === undefined || Buffer.compare(Buffer.from(key), last) > 0) &&
    (since === undefined || modified > since);
}

function compilePattern(text: string | undefined, place: ConfigPlace): RegExp | undefined {
  if (text === undefined) return undefined;
  try {
    return new RegExp(text, 'u');
  } catch (error) {
    throw configProblem(place, 'path_match_pattern', {
      code: 'S3_PATTERN',
      message: `expected a regular expression, found ${JSON.stringify(text)}: ${(error as Error).message}`,
      hint: 'see the syntax of regular expressions in JavaScript',
      cause: error,
    });
  }
}

function readTime(text: string | undefined, place: ConfigPlace): number | undefined {
  if (text === undefined) return undefined;
  const time = Date.parse(text);
  if (!Number.isNaN(time)) return time;
  throw configProblem(place, 'last_modified_time', {
    code: 'S3_MODIFIED_TIME',
    message: `expected a time such as 2026-01-31T00:00:00.000Z, found "${text}"`,
    hint: 'write date, time and zone as ISO 8601 does',
  });
}

function describeObject(object: FoundObject, config: S3InputConfig): SourceFile {
  const partition = config.hive_partitioning === false ? undefined : readPartition(object.key, object.base);
  return {
    name: `s3://${config.bucket}/${object.key}`,
    path: object.key,
    size: object.size,
    version: object.etag,
    ...(partition === undefined ? {} : { partition }),
  };
}

function versionOf(file: SourceFile, config: S3InputConfig): ObjectVersion {
  if (file.version === undefined) throw new BugError({ code: 'S3_NO_VERSION', message: `${file.name}: a planned object has no ETag` });
  return { key: file.path ?? file.name.slice(`s3://${config.bucket}/`.length), size: file.size, etag: file.version };
}

function nothingFound(config: S3InputConfig, place: ConfigPlace): ConfigError {
  const key = config.paths ? 'paths' : config.path === undefined ? 'path_prefix' : 'path';
  const asked = [config[key] ?? ''].flat().map((text) => JSON.stringify(text));
  return configProblem(place, key, {
    code: 'NO_FILES',
    message: `no object of the bucket ${config.bucket} matches ${asked.join(', ')}`,
    hint: 'check the key (names starting with "." or "_" are left out), or set allow_empty: true',
  });
}

function archived(bucket: string, key: string): RemoteError {
  return new RemoteError({
    code: 'S3_ARCHIVED',
    message: `s3://${bucket}/${key}: the object is archived and cannot be read`,
    hint: 'restore it first, or set skip_glacier_objects: true',
    retryable: false,
  });
}
