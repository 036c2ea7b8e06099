import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { connect, createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { checkInput } from '../../../src/conformance/index.js';
import type { JsonObject, PluginContext, SluiceError, SourceFile, TaskContext } from '../../../src/core/spi/index.js';
import s3Input, { type S3InputConfig } from '../../../src/plugins/input-s3/index.js';
import { TestProject } from '../../engine/project.js';
import { startCutProxy, type CutProxy } from '../../servers/cut-proxy.js';
import { startS3, type S3Server } from '../../servers/s3.js';

const test = suite('input s3');
let server: S3Server;
let proxy: CutProxy;
let temp: string;

test.before(async () => {
  process.env['AWS_EC2_METADATA_DISABLED'] = 'true';
  temp = mkdtempSync(join(tmpdir(), 'sluice-s3-input-'));
  server = await startS3();
  proxy = await startCutProxy({ host: '127.0.0.1', port: server.port });
});

test.after(async () => {
  await proxy.stop();
  await server.stop();
  rmSync(temp, { recursive: true, force: true });
});

function connection(bucket: string, more: JsonObject = {}): JsonObject {
  return {
    type: 's3',
    bucket,
    endpoint: server.endpoint,
    access_key_id: server.accessKeyId,
    secret_access_key: server.secretAccessKey,
    initial_retry_interval_millis: 1,
    maximum_retries: 1,
    ...more,
  };
}

/** What plugin calls need of a task. */
function context(): TaskContext & PluginContext & { readonly place: { at(path: string): { path: string } } } {
  return {
    signal: new AbortController().signal,
    log: { log: () => undefined },
    clock: { now: () => Date.now(), sleep: () => Promise.resolve() },
    root: temp,
    tempDir: mkdtempSync(join(temp, 'task-')),
    place: { at: (path: string) => ({ path }) },
  } as unknown as ReturnType<typeof context>;
}

async function list(config: JsonObject): Promise<readonly SourceFile[]> {
  return s3Input.list(config as unknown as S3InputConfig, context());
}

async function failure(work: () => Promise<unknown>): Promise<SluiceError> {
  try {
    await work();
  } catch (error) {
    return error as SluiceError;
  }
  throw new Error('expected an error');
}

const names = (files: readonly SourceFile[]): string[] => files.map((file) => file.path ?? '');

test('keeps the contract of inputs', async () => {
  const bucket = await server.createBucket();
  await server.put(bucket, 'in/b.csv', 'bb');
  await server.put(bucket, 'in/a ü+&.csv', 'a');
  await server.put(bucket, 'in/empty.csv', '');
  await server.put(bucket, 'in/country=jp/c.csv', 'ccc');
  await server.put(bucket, 'in/_sluice/manifest.json', '{}');
  await checkInput(s3Input, [
    {
      title: 'prefix',
      config: connection(bucket, { path_prefix: 'in/' }),
      files: ['a ü+&.csv', 'b.csv', 'country=jp/c.csv', 'empty.csv'].map((name) => `s3://${bucket}/in/${name}`),
    },
    { title: 'nothing there', config: connection(bucket, { path_prefix: 'none/' }), error: 'NO_FILES' },
    { title: 'a missing bucket', config: connection('no-such-bucket', { path_prefix: 'a' }), error: 'S3_NO_BUCKET' },
    { title: 'a wrong secret', config: connection(bucket, { path_prefix: 'in/', secret_access_key: 'wrong' }), error: 'S3_DENIED' },
    { title: 'a wrong key id', config: connection(bucket, { path_prefix: 'in/', access_key_id: 'nobody' }), error: 'S3_DENIED' },
    { title: 'nobody', config: connection(bucket, { path_prefix: 'in/', auth_method: 'anonymous' }), error: 'S3_DENIED' },
    { title: 'a broken pattern', config: connection(bucket, { path_prefix: 'in/', path_match_pattern: '(' }), error: 'S3_PATTERN' },
    { title: 'no path', config: connection(bucket), error: 'FILE_INPUT_PATHS' },
  ]);
});

test('chooses objects by prefix, key, glob, pattern, last_path and time', async () => {
  const bucket = await server.createBucket();
  for (const key of ['l/2026-01.csv', 'l/2026-02.csv', 'l/2026-02.csv.gz', 'l/deep/er/x.csv', 'l/.hidden.csv', 'other.csv'])
    await server.put(bucket, key, key);
  assert.equal(names(await list(connection(bucket, { path_prefix: 'l/2026-' }))), ['l/2026-01.csv', 'l/2026-02.csv', 'l/2026-02.csv.gz']);
  assert.equal(names(await list(connection(bucket, { path_prefix: '' }))).length, 5);
  assert.equal(names(await list(connection(bucket, { path: 'l/2026-02.csv' }))), ['l/2026-02.csv']);
  assert.equal(names(await list(connection(bucket, { path: 'l/**/*.csv' }))), ['l/2026-01.csv', 'l/2026-02.csv', 'l/deep/er/x.csv']);
  assert.equal(names(await list(connection(bucket, { paths: ['other.csv', 'l/2026-0{1,3}.csv'] }))), ['l/2026-01.csv', 'other.csv']);
  assert.equal(names(await list(connection(bucket, { path_prefix: 'l/', path_match_pattern: '02\\.csv$' }))), ['l/2026-02.csv']);
  assert.equal(names(await list(connection(bucket, { path_prefix: 'l/2', last_path: 'l/2026-02.csv' }))), ['l/2026-02.csv.gz']);
  // A key that is its own pattern ends nothing.
  for (const key of ['g/*.csv', 'g/a.csv', 'g/b.csv']) await server.put(bucket, key, key);
  assert.equal(names(await list(connection(bucket, { path: 'g/*.csv' }))), ['g/*.csv', 'g/a.csv', 'g/b.csv']);
  const later = connection(bucket, { path_prefix: 'l/', use_modified_time: true, last_modified_time: '2999-01-01T00:00:00Z' });
  assert.equal(await list(later), []);
});

test('a transfer that is cut is taken up at the byte reached; the copy is exact', async () => {
  const bucket = await server.createBucket();
  const content = randomBytes(20 << 20);
  await server.put(bucket, 'big.bin', content);
  const config = connection(bucket, { path: 'big.bin', endpoint: `http://127.0.0.1:${proxy.port}`, maximum_retries: 5 });
  const [file] = await list(config);
  proxy.set({ cutAfter: { direction: 'down', bytes: 3 << 20, mode: 'reset' } });
  const before = proxy.connections;
  const { path } = (await s3Input.fetch?.(file as SourceFile, config as unknown as S3InputConfig, context())) ?? { path: '' };
  assert.is(createHash('sha256').update(readFileSync(path)).digest('hex'), createHash('sha256').update(content).digest('hex'));
  assert.ok(proxy.connections - before >= 7, `${proxy.connections - before} connections`);

  const opened = await s3Input.open(file as SourceFile, config as unknown as S3InputConfig, context());
  const hash = createHash('sha256');
  for await (const chunk of 'stream' in opened ? opened.stream : []) hash.update(chunk);
  assert.is(hash.digest('hex'), createHash('sha256').update(content).digest('hex'));
  proxy.set({});
});

test('a service that cannot be reached is a retryable error that names it', async () => {
  proxy.set({ refuse: true });
  const error = await failure(() => list(connection('any', { path_prefix: 'a', endpoint: `http://127.0.0.1:${proxy.port}` })));
  proxy.set({});
  assert.is(error.code, 'S3_UNREACHABLE');
  assert.is(error.retryable, true);
  assert.match(error.message, `http://127.0.0.1:${proxy.port}`);
  assert.match(error.hint ?? '', 'endpoint');
});

test('a scheme that does not fit the service is said at once, with the one to try', async () => {
  const config = connection('any', { path_prefix: 'a', endpoint: `https://127.0.0.1:${server.port}`, maximum_retries: 7 });
  const error = await failure(() => list(config));
  assert.is(error.code, 'S3_UNREACHABLE');
  assert.is(error.retryable, false);
  assert.match(error.message, `https://127.0.0.1:${server.port} does not answer with TLS: EPROTO`);
  assert.is(error.hint, `check the port, or try endpoint: http://127.0.0.1:${server.port} (plain http)`);
  const tls = createTcpServer((socket) => socket.once('data', () => socket.resetAndDestroy())).listen(0, '127.0.0.1');
  await once(tls, 'listening');
  try {
    const endpoint = `http://127.0.0.1:${(tls.address() as AddressInfo).port}`;
    const reset = await failure(() => list(connection('any', { path_prefix: 'a', endpoint })));
    assert.is(reset.code, 'S3_UNREACHABLE');
    assert.match(reset.hint ?? '', 'check endpoint (https:// where the service expects TLS) and network');
  } finally {
    tls.close();
  }
});

test('an object that changed or vanished after the plan is not loaded', async () => {
  const bucket = await server.createBucket();
  await server.put(bucket, 'a.csv', 'one\n');
  const config = connection(bucket, { path: 'a.csv' });
  const typed = config as unknown as S3InputConfig;
  const [file] = await list(config);
  await server.put(bucket, 'a.csv', 'two\n');
  const changed = await failure(async () => s3Input.fetch?.(file as SourceFile, typed, context()));
  assert.is(changed.code, 'FILE_MOVED');
  assert.match(changed.message, `s3://${bucket}/a.csv: the object changed during the load`);
  assert.match(changed.hint ?? '', 'run again');
  await server.delete(bucket, 'a.csv');
  assert.is((await failure(async () => s3Input.fetch?.(file as SourceFile, typed, context()))).code, 'FILE_VANISHED');
  assert.is(await s3Input.stat(file as SourceFile, typed, context()), undefined);
});

const PARSER = '{type: csv, skip_header_lines: 1, columns: [{name: id, type: long}, {name: name, type: string}]}';

function pipeline(bucket: string, more = ''): string {
  return `in:
  type: s3
  bucket: ${bucket}
  endpoint: ${server.endpoint}
  access_key_id: {env: S3_KEY_ID}
  secret_access_key: {env: S3_SECRET}
  path_prefix: orders/
${more}  parser: ${PARSER}
out: {type: warehouse, table: shop.orders}
`;
}

test('loads objects once: plain and compressed ones, then new ones; a rewritten one is an error', async () => {
  const bucket = await server.createBucket();
  await server.put(bucket, 'orders/a.csv', 'id,name\n1,ann\n9007199254740993,日本\n');
  await server.put(bucket, 'orders/b.csv.gz', gzipSync('id,name\n3,"c\nd"\n'));
  const project = new TestProject();
  const env = { S3_KEY_ID: server.accessKeyId, S3_SECRET: server.secretAccessKey };
  const run = async (file = 'orders.yml'): Promise<{ read: number; status: string }> => {
    const outcome = await project.sluice(['run', file, '--json'], { env });
    assert.is(outcome.code, 0, outcome.stderr);
    assert.not.match(outcome.stderr + outcome.stdout, server.secretAccessKey);
    return (JSON.parse(outcome.stdout) as { pipelines: { read: number; status: string }[] }).pipelines[0] as { read: number; status: string };
  };
  try {
    project.write('orders.yml', pipeline(bucket));
    assert.is((await run()).read, 3);
    const again = await run();
    assert.is(again.status, 'up-to-date');
    await server.put(bucket, 'orders/0.csv', 'id,name\n0,zoe\n');
    assert.is((await run()).read, 1);
    const rows = await project.query('SELECT id, name FROM shop.orders ORDER BY id');
    assert.equal(
      rows.map((row) => row['name']),
      ['zoe', 'ann', 'c\nd', '日本'],
    );

    await server.put(bucket, 'orders/a.csv', 'id,name\n1,anna\n');
    const changed = await project.sluice(['run', 'orders.yml'], { env });
    assert.is(changed.code, 3);
    assert.match(changed.stderr, `s3://${bucket}/orders/a.csv: was loaded before with other content`);
    assert.match(changed.stderr, 'on_changed');
    project.write('skip.yml', `name: orders\n${pipeline(bucket, '  on_changed: skip\n')}`);
    assert.is((await run('skip.yml')).status, 'up-to-date');
    const left = join(project.folder, '.sluice', 'tmp');
    assert.equal(existsSync(left) ? readdirSync(left) : [], [], 'nothing is left of the copies');
  } finally {
    project.remove();
  }
});

test('total_file_count_limit bounds what one run reads; the next one goes on', async () => {
  const bucket = await server.createBucket();
  for (const id of [1, 2, 3]) await server.put(bucket, `orders/${id}.csv`, `id,name\n${id},x\n`);
  const project = new TestProject();
  try {
    project.write('orders.yml', pipeline(bucket, '  total_file_count_limit: 2\n'));
    for (const [read, note] of [
      [2, /1 more file is left to the next run/],
      [1, /2 of 3 files were loaded before/],
    ] as const) {
      const outcome = await project.sluice(['run', 'orders.yml', '--json'], {
        env: { S3_KEY_ID: server.accessKeyId, S3_SECRET: server.secretAccessKey },
      });
      assert.is(outcome.code, 0, outcome.stderr);
      assert.is((JSON.parse(outcome.stdout) as { pipelines: { read: number }[] }).pipelines[0]?.read, read);
      assert.match(outcome.stdout, note);
    }
    assert.equal(await project.query('SELECT id FROM shop.orders ORDER BY id'), [{ id: 1 }, { id: 2 }, { id: 3 }]);
  } finally {
    project.remove();
  }
});

test("a state of Embulk's form counts keys up to last_path as loaded", async () => {
  const bucket = await server.createBucket();
  for (const key of ['orders/1.csv', 'orders/2.csv']) await server.put(bucket, key, `id,name\n${key.charAt(7)},x\n`);
  const project = new TestProject();
  try {
    project.write('orders.yml', pipeline(bucket));
    project.write('state.yml', 'in: {last_path: orders/1.csv}\n');
    const outcome = await project.sluice(['run', 'orders.yml', '-c', 'state.yml', '--json'], {
      env: { S3_KEY_ID: server.accessKeyId, S3_SECRET: server.secretAccessKey },
    });
    assert.is(outcome.code, 0, outcome.stderr);
    assert.equal(await project.query('SELECT id FROM shop.orders'), [{ id: 2 }]);
  } finally {
    project.remove();
  }
});

test('guess finds the columns from the first object', async () => {
  const bucket = await server.createBucket();
  await server.put(
    bucket,
    'orders/a.csv.gz',
    gzipSync('id,price,at\n1,10.50,2026-01-01 10:00:00\n2,0.99,2026-01-02 11:00:00\n3,7.25,2026-01-03 12:00:00\n'),
  );
  const project = new TestProject();
  try {
    const seed = pipeline(bucket).replace(`  parser: ${PARSER}\n`, '');
    project.write('seed.yml', seed);
    const outcome = await project.sluice(['guess', 'seed.yml', '-o', 'orders.yml'], {
      env: { S3_KEY_ID: server.accessKeyId, S3_SECRET: server.secretAccessKey },
    });
    assert.is(outcome.code, 0, outcome.stderr);
    assert.not.match(outcome.stdout + outcome.stderr, server.secretAccessKey);
    const written = readFileSync(join(project.folder, 'orders.yml'), 'utf8');
    assert.match(written, /name: id, type: long/);
    assert.match(written, /name: price, type: .?decimal/);
    assert.match(written, /env: S3_SECRET/);
  } finally {
    project.remove();
  }
});

test('the config in configs/servers runs', async () => {
  const bucket = await server.createBucket();
  await server.put(bucket, 'orders/a.csv', 'id,price\n1,10.50\n');
  const project = new TestProject();
  try {
    project.write('s3.yml', readFileSync(new URL('../../../configs/servers/input-s3.yml', import.meta.url)));
    const env = { S3_ENDPOINT: server.endpoint, S3_BUCKET: bucket, S3_KEY_ID: server.accessKeyId, S3_SECRET: server.secretAccessKey };
    const outcome = await project.sluice(['run', 's3.yml'], { env });
    assert.is(outcome.code, 0, outcome.stderr);
    assert.equal(await project.query('SELECT id FROM demo.input_s3'), [{ id: 1 }]);
  } finally {
    project.remove();
  }
});

test('requests can go through an HTTP proxy that asks for a password', async () => {
  const bucket = await server.createBucket();
  await server.put(bucket, 'a.csv', 'x');
  const asked: (string | undefined)[] = [];
  const tunnel = createServer().on('connect', (request, client: Socket) => {
    asked.push(request.headers['proxy-authorization']);
    if (request.headers['proxy-authorization'] !== `Basic ${Buffer.from('u:p').toString('base64')}`) {
      client.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      return;
    }
    const [host = '', port = ''] = (request.url ?? '').split(':');
    const upstream = connect(Number(port), host, () => {
      client.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      upstream.pipe(client).pipe(upstream);
    });
    client.on('close', () => upstream.destroy());
  });
  await new Promise<void>((resolve) => tunnel.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = tunnel.address() as AddressInfo;
    const through = { host: '127.0.0.1', port, https: false, user: 'u' };
    const found = await list(connection(bucket, { path: 'a.csv', http_proxy: { ...through, password: 'p' } }));
    assert.is(found.length, 1);
    assert.ok(asked.length > 0);
    const error = await failure(() => list(connection(bucket, { path: 'a.csv', http_proxy: { ...through, password: 'wrong' } })));
    assert.is(error.code, 'PROXY_REFUSED');
    assert.match(error.message, '407');
  } finally {
    tunnel.closeAllConnections();
    tunnel.close();
  }
});

test('sluice conns test says what answered', async () => {
  const bucket = await server.createBucket();
  const project = new TestProject();
  try {
    const keys = `type: s3, bucket: ${bucket}, endpoint: "${server.endpoint}", access_key_id: {env: S3_KEY_ID}, secret_access_key: {env: S3_SECRET}`;
    project.write('sluice.yml', `connections:\n  lake: {${keys}}\n`);
    const env = { S3_KEY_ID: server.accessKeyId, S3_SECRET: server.secretAccessKey };
    const good = await project.sluice(['conns', 'test', 'lake'], { env });
    assert.is(good.code, 0, good.stderr);
    assert.match(good.stdout + good.stderr, `bucket ${bucket} at ${server.endpoint}`);
    const bad = await project.sluice(['conns', 'test', 'lake'], { env: { ...env, S3_SECRET: 'wrong' } });
    assert.is(bad.code, 4);
    assert.match(bad.stdout + bad.stderr, 'S3_DENIED');
  } finally {
    project.remove();
  }
});

test('probe names what answered', async () => {
  const bucket = await server.createBucket();
  const config = connection(bucket, { path_prefix: 'a' }) as unknown as S3InputConfig;
  assert.is(await s3Input.probe?.(config, context()), `bucket ${bucket} at ${server.endpoint}`);
});

test('missing keys of an auth_method are named', async () => {
  const error = await failure(() => list({ type: 's3', bucket: 'b', endpoint: server.endpoint, auth_method: 'basic', path_prefix: 'a' }));
  assert.is(error.code, 'S3_AUTH_CONFIG');
  assert.match(error.message, 'access_key_id');
});

test.run();
