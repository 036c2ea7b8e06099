import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, openSync, closeSync, readFileSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { S3Client } from '@aws-sdk/client-s3';
import { testCacheFolder } from './cache.js';

/** As built by scripts/setup-tests.sh. */
const VERSITYGW = '1.8.0';
const START_TIMEOUT_MS = 30_000;
const host = '127.0.0.1';

export interface S3Server {
  /** `http://127.0.0.1:port`; buckets are the first part of the path. */
  readonly endpoint: string;
  readonly port: number;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** A client for tests that prepare or look at objects; destroyed with the server. */
  readonly client: S3Client;
  /** Creates an empty bucket and answers its name. Without a name a fresh one is chosen. */
  createBucket(name?: string): Promise<string>;
  put(bucket: string, key: string, body: string | Uint8Array): Promise<void>;
  get(bucket: string, key: string): Promise<Buffer>;
  delete(bucket: string, key: string): Promise<void>;
  /** Keys of a bucket in order. */
  keys(bucket: string, prefix?: string): Promise<string[]>;
  /** Ids of multipart uploads that were begun and neither completed nor aborted. */
  uploads(bucket: string): Promise<string[]>;
  stop(): Promise<void>;
}

/** Starts an empty S3 server (VersityGW on local files) on a random free port; it ends with this process at the latest. */
export async function startS3(): Promise<S3Server> {
  const binary = join(testCacheFolder(), `versitygw-${VERSITYGW}`, 'versitygw');
  if (!existsSync(binary)) throw new Error('no S3 server: run scripts/setup-tests.sh');
  const folder = mkdtempSync(join(tmpdir(), 'sluice-s3-'));
  const keys = { accessKeyId: 'sluice', secretAccessKey: 'sluice-secret' };
  let child: ChildProcess | undefined;
  const endAtExit = (): void => {
    child?.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  process.once('exit', endAtExit);
  let started: { readonly child: ChildProcess; readonly port: number };
  try {
    started = await launch(binary, folder, keys, (spawned) => (child = spawned));
  } catch (error) {
    endAtExit();
    process.off('exit', endAtExit);
    throw error;
  }
  const { port } = started;
  const endpoint = `http://${host}:${port}`;
  // Standard error belongs to what is tested.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  const sdk = await import('@aws-sdk/client-s3');
  const client = new sdk.S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: keys });
  let buckets = 0;
  return {
    endpoint,
    port,
    region: 'us-east-1',
    ...keys,
    client,
    async createBucket(name = `bucket-${process.pid}-${++buckets}`) {
      await client.send(new sdk.CreateBucketCommand({ Bucket: name }));
      return name;
    },
    async put(bucket, key, body) {
      await client.send(new sdk.PutObjectCommand({ Bucket: bucket, Key: key, Body: Buffer.from(body) }));
    },
    async get(bucket, key) {
      const { Body } = await client.send(new sdk.GetObjectCommand({ Bucket: bucket, Key: key }));
      return Buffer.from((await Body?.transformToByteArray()) ?? []);
    },
    async delete(bucket, key) {
      await client.send(new sdk.DeleteObjectCommand({ Bucket: bucket, Key: key }));
    },
    async keys(bucket, prefix) {
      const found: string[] = [];
      for (let token: string | undefined; ;) {
        const page = await client.send(new sdk.ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken: token }));
        found.push(...(page.Contents ?? []).map((object) => object.Key ?? ''));
        token = page.NextContinuationToken;
        if (page.IsTruncated !== true) return found;
      }
    },
    async uploads(bucket) {
      const { Uploads } = await client.send(new sdk.ListMultipartUploadsCommand({ Bucket: bucket }));
      return (Uploads ?? []).map((upload) => upload.UploadId ?? '');
    },
    async stop() {
      process.off('exit', endAtExit);
      client.destroy();
      await end(started.child);
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function launch(
  binary: string,
  folder: string,
  keys: { readonly accessKeyId: string; readonly secretAccessKey: string },
  onSpawn: (child: ChildProcess) => void,
): Promise<{ readonly child: ChildProcess; readonly port: number }> {
  for (const name of ['data', 'iam', 'sidecar']) mkdirSync(join(folder, name));
  const log = join(folder, 'log');
  for (let attempt = 1; ; attempt++) {
    const port = await findFreePort();
    const out = openSync(log, 'w');
    // With an IAM folder a wrong key id is answered as AWS does; the sidecar keeps metadata where files have no attributes.
    const options = ['--port', `${host}:${port}`, '--quiet', '--health', '/health', '--iam-dir', join(folder, 'iam')];
    const args = [...options, 'posix', '--sidecar', join(folder, 'sidecar'), join(folder, 'data')];
    // So that even a killed test leaves no server behind.
    const setpriv = '/usr/bin/setpriv';
    const [file, ...rest] = existsSync(setpriv) ? [setpriv, '--pdeathsig=KILL', '--', binary, ...args] : [binary, ...args];
    const child = spawn(file, rest, {
      stdio: ['ignore', out, out],
      env: { PATH: process.env['PATH'] ?? '', ROOT_ACCESS_KEY: keys.accessKeyId, ROOT_SECRET_KEY: keys.secretAccessKey },
    });
    closeSync(out);
    onSpawn(child);
    if (await isReady(child, port)) {
      child.unref();
      return { child, port };
    }
    await end(child);
    // Another process may have taken the port between finding and binding it.
    if (attempt === 5) throw new Error(`the S3 server did not start\n${readFileSync(log, 'utf8')}`);
  }
}

async function isReady(child: ChildProcess, port: number): Promise<boolean> {
  let failed = false;
  child.once('error', () => (failed = true));
  child.once('exit', () => (failed = true));
  for (const start = Date.now(); Date.now() - start < START_TIMEOUT_MS && !failed; await delay(10)) {
    const answer = await fetch(`http://${host}:${port}/health`).catch(() => undefined);
    await answer?.arrayBuffer();
    if (answer?.ok === true && !failed) return true;
  }
  return false;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.ref();
  child.kill('SIGKILL');
  await ended;
}

async function findFreePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once('error', reject);
    probe.listen(0, host, resolve);
  });
  const address = probe.address();
  await new Promise<void>((resolve) => probe.close(() => resolve()));
  if (address === null || typeof address === 'string') throw new Error('no free port was found');
  return address.port;
}
