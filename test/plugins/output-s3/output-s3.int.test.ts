import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { checkOutput } from '../../../src/conformance/index.js';
import type { FormatterPlugin, SluiceError, StageContext } from '../../../src/core/spi/index.js';
import csv from '../../../src/plugins/formatter-csv/index.js';
import { createBucketPlace } from '../../../src/plugins/output-s3/bucket-place.js';
import s3Output from '../../../src/plugins/output-s3/index.js';
import { openS3, type S3Connection } from '../../../src/plugins/shared/aws/open-s3.js';
import type { Place } from '../../../src/plugins/shared/object-output/index.js';
import { TestProject } from '../../engine/project.js';
import { startCutProxy, type CutProxy } from '../../servers/cut-proxy.js';
import { startS3, type S3Server } from '../../servers/s3.js';

const test = suite('output s3');
let server: S3Server;
let proxy: CutProxy;
let temp: string;

test.before(async () => {
  temp = mkdtempSync(join(tmpdir(), 'sluice-s3-output-'));
  server = await startS3();
  proxy = await startCutProxy({ host: '127.0.0.1', port: server.port });
});

test.after(async () => {
  await proxy.stop();
  await server.stop();
  rmSync(temp, { recursive: true, force: true });
});

interface PlaceContext extends StageContext {
  readonly recorded: string[];
}

function context(runId = 'run-1'): PlaceContext {
  const recorded: string[] = [];
  return {
    signal: new AbortController().signal,
    log: { log: () => undefined },
    clock: { now: () => Date.now(), sleep: () => Promise.resolve() },
    root: temp,
    tempDir: temp,
    runId,
    recorded,
    record: (uris: readonly string[]) => Promise.resolve(void recorded.push(...uris)),
  } as unknown as PlaceContext;
}

function placeOf(bucket: string, folder: string, more: Partial<S3Connection> = {}): Place {
  const config: S3Connection = {
    bucket,
    endpoint: server.endpoint,
    access_key_id: server.accessKeyId,
    secret_access_key: server.secretAccessKey,
    ...more,
  };
  return createBucketPlace(folder, config, () => openS3(config, context()));
}

let files = 0;
function localFile(content: string | Uint8Array, name: string): { path: string; bytes: number; name: string; id: string } {
  const path = join(temp, `file-${++files}`);
  writeFileSync(path, content);
  return { path, bytes: Buffer.from(content).length, name, id: `0-${files}` };
}

async function failure(work: () => Promise<unknown>): Promise<SluiceError> {
  try {
    await work();
  } catch (error) {
    return error as SluiceError;
  }
  throw new Error('expected an error');
}

test('keeps the contract of outputs', async () => {
  const bucket = await server.createBucket();
  const config = { bucket, endpoint: server.endpoint, access_key_id: server.accessKeyId, secret_access_key: server.secretAccessKey };
  const format = { formatter: { plugin: csv as unknown as FormatterPlugin, config: {} } };
  await checkOutput(s3Output, [
    { title: 'a prefix', config: { ...config, path_prefix: 'lab/a_' }, format, commits: true },
    { title: 'one object, replaced', config: { ...config, path: 'lab2/a.csv', mode: 'replace' }, format, commits: true },
  ]);
  assert.equal(await server.uploads(bucket), []);
});

test('an object appears whole when it is published, and publishing again does nothing', async () => {
  const bucket = await server.createBucket();
  const place = placeOf(bucket, 'out/');
  assert.is(place.base, `s3://${bucket}/out/`);
  assert.is(place.identity, `s3:127.0.0.1:${server.port}/${bucket}/out/`);
  const ctx = context();
  const content = randomBytes(20 << 20);
  const token = JSON.parse(JSON.stringify(await place.stage(localFile(content, 'a%20b.bin'), ctx))) as string;
  assert.equal(await server.keys(bucket), []);
  assert.is(await place.exists('a%20b.bin', ctx), false);
  assert.is(ctx.recorded.length, 1);
  await place.publish(token, 'a%20b.bin', ctx, { mustBeNew: true });
  await place.publish(token, 'a%20b.bin', ctx, { mustBeNew: true });
  assert.equal(await server.keys(bucket), ['out/a%20b.bin']);
  assert.ok((await server.get(bucket, 'out/a%20b.bin')).equals(content));
  await place.abandon(token, ctx);
  await place.remove(ctx.recorded, ctx);
  assert.is(await place.exists('a%20b.bin', ctx), true, 'what is published stays');
});

test("another writer's object is not replaced, unless it may be", async () => {
  const bucket = await server.createBucket();
  const place = placeOf(bucket, '');
  const ctx = context();
  const token = await place.stage(localFile('ours', 'x.csv'), ctx);
  await server.put(bucket, 'x.csv', 'theirs');
  const error = await failure(() => place.publish(token, 'x.csv', ctx, { mustBeNew: true }));
  assert.is(error.code, 'OBJECT_EXISTS');
  assert.match(error.message, `s3://${bucket}/x.csv exists`);
  assert.match(error.hint ?? '', 'overwrite');
  assert.is((await server.get(bucket, 'x.csv')).toString(), 'theirs');
  await place.publish(token, 'x.csv', ctx, { mustBeNew: false });
  assert.is((await server.get(bucket, 'x.csv')).toString(), 'ours');
});

test('what is given up or removed leaves no upload behind', async () => {
  const bucket = await server.createBucket();
  const place = placeOf(bucket, 'o/');
  const ctx = context();
  const first = await place.stage(localFile('1', 'a.csv'), ctx);
  await place.stage(localFile('2', 'b.csv'), ctx);
  assert.is((await server.uploads(bucket)).length, 2);
  await place.abandon(first, ctx);
  await place.abandon(first, ctx);
  await place.remove([...ctx.recorded, `${place.base}never.json`], ctx);
  assert.equal(await server.uploads(bucket), []);
  assert.equal(await server.keys(bucket), []);
});

test('empty files, small objects, lists and deletes', async () => {
  const bucket = await server.createBucket();
  const place = placeOf(bucket, 'o/');
  const ctx = context();
  await place.publish(await place.stage(localFile('', 'empty.csv'), ctx), 'empty.csv', ctx);
  assert.is((await server.get(bucket, 'o/empty.csv')).length, 0);
  assert.is(await place.read('_sluice/p/r.json', ctx), undefined);
  await place.write('_sluice/p/r.json', Buffer.from('{"a":1}'), ctx);
  await place.write('_sluice/p/r.json', Buffer.from('{"a":2}'), ctx);
  assert.is(Buffer.from((await place.read('_sluice/p/r.json', ctx)) ?? []).toString(), '{"a":2}');
  assert.equal(await place.list('_sluice/p/', ctx), ['_sluice/p/r.json']);
  assert.equal(await place.list('none/', ctx), []);
  await place.delete(['empty.csv', 'never.csv'], ctx);
  assert.equal(await server.keys(bucket), ['o/_sluice/p/r.json']);
});

test('an upload whose connections are cut is sent again; a service that is gone is a retryable error', async () => {
  const bucket = await server.createBucket();
  const place = placeOf(bucket, '', { endpoint: `http://127.0.0.1:${proxy.port}`, maximum_retries: 3 });
  const ctx = context();
  const content = randomBytes(18 << 20);
  proxy.set((connection) => (connection <= 3 ? { cutAfter: { direction: 'up', bytes: 2 << 20, mode: 'reset' } } : {}));
  const token = await place.stage(localFile(content, 'big.bin'), ctx);
  await place.publish(token, 'big.bin', ctx);
  assert.ok((await server.get(bucket, 'big.bin')).equals(content));
  assert.ok(proxy.connections > 3);
  proxy.set({ refuse: true });
  proxy.cut();
  const error = await failure(() => place.stage(localFile('x', 'y.bin'), ctx));
  proxy.set({});
  assert.is(error.code, 'S3_UNREACHABLE');
  assert.is(error.retryable, true);
  assert.match(error.message, `writing s3://${bucket}/y.bin`);
});

test('a wrong secret and a missing bucket are said', async () => {
  const denied = await failure(() => placeOf('any', 'o/', { secret_access_key: 'wrong' }).exists('a', context()));
  assert.is(denied.code, 'S3_DENIED');
  assert.match(denied.hint ?? '', 'credentials');
  const missing = await failure(() => placeOf('no-such-bucket', 'o/').stage(localFile('x', 'a'), context()));
  assert.is(missing.code, 'S3_NO_BUCKET');
  assert.match(missing.message, 'no-such-bucket');
});

function exportConfig(bucket: string, keys: string): string {
  return `in:
  type: config
  columns: [{name: id, type: long}, {name: country, type: string}]
  rows: [[1, jp], [2, us], [9007199254740993, jp]]
out:
  type: s3
  bucket: ${bucket}
  endpoint: ${server.endpoint}
  access_key_id: {env: S3_KEY_ID}
  secret_access_key: {env: S3_SECRET}
${keys}
`;
}

test('exports a run: partition folders, encoders, a manifest; an object of another run is an error', async () => {
  const bucket = await server.createBucket();
  const project = new TestProject();
  const env = { S3_KEY_ID: server.accessKeyId, S3_SECRET: server.secretAccessKey };
  try {
    const keys = '  path_prefix: out/p_\n  partition_by: [country]\n  formatter: {type: csv}\n  encoders: [{type: gzip}]';
    project.write('export.yml', exportConfig(bucket, keys));
    const outcome = await project.sluice(['run', 'export.yml', '--json'], { env });
    assert.is(outcome.code, 0, outcome.stderr);
    assert.not.match(outcome.stdout + outcome.stderr, server.secretAccessKey);
    const written = (await server.keys(bucket)).filter((key) => !key.includes('_sluice/'));
    assert.is(written.length, 2, written.join());
    assert.match(written[0] ?? '', /^out\/country=jp\/p_.*\.csv\.gz$/);
    assert.is(
      gunzipSync(await server.get(bucket, written[0] ?? ''))
        .toString()
        .trim(),
      'id\r\n1\r\n9007199254740993',
    );
    const manifests = (await server.keys(bucket)).filter((key) => key.startsWith('out/_sluice/'));
    assert.is(manifests.length, 1, manifests.join());
    assert.equal(await server.uploads(bucket), []);

    project.write('one.yml', exportConfig(bucket, '  path: out/one.csv\n  formatter: {type: csv}'));
    assert.is((await project.sluice(['run', 'one.yml'], { env })).code, 0);
    const second = await project.sluice(['run', 'one.yml'], { env });
    assert.is(second.code, 2, second.stderr);
    assert.match(second.stderr, 'OBJECT_EXISTS');
  } finally {
    project.remove();
  }
});

test('the config in configs/servers runs; the next run replaces its objects', async () => {
  const bucket = await server.createBucket();
  const project = new TestProject();
  try {
    project.write('s3.yml', readFileSync(new URL('../../../configs/servers/output-s3.yml', import.meta.url)));
    const env = { S3_ENDPOINT: server.endpoint, S3_BUCKET: bucket, S3_KEY_ID: server.accessKeyId, S3_SECRET: server.secretAccessKey };
    const objects = async (): Promise<string[]> => (await server.keys(bucket, 'exports/country=')).sort();
    assert.is((await project.sluice(['run', 's3.yml'], { env })).code, 0);
    const first = await objects();
    assert.is(first.length, 2);
    assert.is((await project.sluice(['run', 's3.yml'], { env })).code, 0);
    const second = await objects();
    assert.is(second.length, 2);
    assert.not.equal(second, first);
  } finally {
    project.remove();
  }
});

for (const point of ['objects.staged', 'task.staged', 'objects.intent_written', 'objects.one_published', 'objects.manifest_written'] as const) {
  test(`a run that breaks off at ${point} is completed by the next one, and leaves no upload behind`, async () => {
    const bucket = await server.createBucket();
    const project = new TestProject();
    const env = { S3_KEY_ID: server.accessKeyId, S3_SECRET: server.secretAccessKey };
    try {
      const keys = '  path_prefix: out/p_\n  mode: replace\n  partition_by: [country]\n  formatter: {type: csv, newline: LF}';
      project.write('export.yml', exportConfig(bucket, keys));
      const reach = (reached: string): void => {
        if (reached === point) throw new Error('the test breaks off here');
      };
      assert.is.not((await project.sluice(['run', 'export.yml'], { env, reach })).code, 0);
      const again = await project.sluice(['run', 'export.yml'], { env });
      assert.is(again.code, 0, again.stderr);
      const written = (await server.keys(bucket)).filter((key) => !key.includes('_sluice/'));
      assert.is(written.length, 2, written.join());
      assert.is((await server.get(bucket, written[0] ?? '')).toString(), 'id\n1\n9007199254740993\n');
      assert.is((await server.keys(bucket, 'out/_sluice/export/')).length, 1);
      assert.equal(await server.uploads(bucket), []);
    } finally {
      project.remove();
    }
  });
}

test.run();
