import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { RemoteError } from '../../../src/core/spi/index.js';
import { pathOfFileUri, relativeTo, uriOfPath } from '../../../src/warehouse/storage/file-uri.js';
import { openLocalStorage, type FileOps } from '../../../src/warehouse/storage/local-storage.js';
import { claimStorage, readStorageMarker } from '../../../src/warehouse/storage/marker.js';

const test = suite<{ dir: string; calls: string[]; ops: FileOps }>('local storage');

test.before.each((context) => {
  const dir = mkdtempSync(join(tmpdir(), 'sluice-storage-'));
  const calls: string[] = [];
  const name = (path: string): string => (path === dir ? '.' : path.replace(`${dir}/`, '').replace(/\.[0-9a-f-]{36}\.tmp$/, '.tmp'));
  context.dir = dir;
  context.calls = calls;
  context.ops = {
    async writeNew(file, bytes) {
      calls.push(`write+sync ${name(file)}`);
      await fs.writeFile(file, bytes, { flag: 'wx' });
    },
    sync(file) {
      calls.push(`sync ${name(file)}`);
      return Promise.resolve();
    },
    async chmod(file, mode) {
      calls.push(`chmod ${name(file)} ${mode.toString(8)}`);
      await fs.chmod(file, mode);
    },
    async rename(from, to) {
      calls.push(`rename ${name(from)} ${name(to)}`);
      await fs.rename(from, to);
    },
    makeFolder: (folder) => fs.mkdir(folder, { recursive: true }),
  };
});
test.after.each(({ dir }) => rmSync(dir, { recursive: true }));

test('a data file is synced, made read-only, renamed, and only then its folders are synced', async ({ dir, calls, ops }) => {
  mkdirSync(join(dir, 'staging'));
  writeFileSync(join(dir, 'staging/a'), 'x');
  await openLocalStorage(`file://${dir}`, ops).publish([{ localPath: join(dir, 'staging/a'), uri: `file://${dir}/t/data/p=1/b.parquet` }]);
  assert.equal(calls, [
    'sync t/data',
    'sync t',
    'sync .',
    'sync staging/a',
    'chmod staging/a 444',
    'rename staging/a t/data/p=1/b.parquet',
    'sync t/data/p=1',
  ]);
  assert.is(statSync(join(dir, 't/data/p=1/b.parquet')).mode & 0o777, 0o444);
});

test('new partition folders cost their parent one sync', async ({ dir, calls, ops }) => {
  mkdirSync(join(dir, 'staging'));
  const files = ['p=1/a', 'p=2/b', 'p=2/q=1/c', 'p=3/d'].map((uri, i) => ({
    localPath: join(dir, `staging/${i}`),
    uri: `file://${dir}/data/${uri}`,
  }));
  for (const { localPath } of files) writeFileSync(localPath, 'x');
  await openLocalStorage(`file://${dir}`, ops).publish(files);
  const synced = calls.filter((call) => call.startsWith('sync'));
  assert.equal(synced.slice(0, 3).sort(), ['sync .', 'sync data', 'sync data/p=2']);
  assert.equal(synced.slice(-4).sort(), ['sync data/p=1', 'sync data/p=2', 'sync data/p=2/q=1', 'sync data/p=3']);
  assert.is(synced.length, 3 + 4 + 4);
});

test('metadata is durable before it is named to anyone: data, then folder', async ({ dir, calls, ops }) => {
  mkdirSync(join(dir, 'metadata'));
  await openLocalStorage(`file://${dir}`, ops).write(`file://${dir}/metadata/v1.json`, Buffer.from('{}'));
  assert.equal(calls, ['write+sync metadata/v1.json', 'sync metadata']);
});

test('a failed sync fails the write', async ({ dir, ops }) => {
  const failing = { ...ops, sync: () => Promise.reject(Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })) };
  try {
    await openLocalStorage(`file://${dir}`, failing).write(`file://${dir}/x`, Buffer.from('1'));
    assert.unreachable('expected an error');
  } catch (error) {
    assert.is((error as RemoteError).code, 'FILE_SYSTEM');
    assert.is((error as RemoteError).retryable, true);
    assert.match((error as RemoteError).message, `writing file://${dir}/x`);
  }
});

test('an object is written once; replace swaps it in one step', async ({ dir, calls, ops }) => {
  const storage = openLocalStorage(`file://${dir}`, ops);
  const uri = `file://${dir}/x`;
  await storage.write(uri, Buffer.from('1'));
  try {
    await storage.write(uri, Buffer.from('2'));
    assert.unreachable('expected an error');
  } catch (error) {
    assert.is((error as RemoteError).code, 'OBJECT_EXISTS');
  }
  calls.length = 0;
  await storage.write(uri, Buffer.from('3'), { replace: true });
  assert.equal(calls, ['write+sync x.tmp', 'rename x.tmp x', 'sync .']);
  assert.is(readFileSync(join(dir, 'x'), 'utf8'), '3');
});

test('the marker says whose storage it is, and the first to write it wins', async ({ dir }) => {
  // With the real calls: an object appears whole, so that who comes second never reads a marker that is not filled yet.
  const storage = openLocalStorage(`file://${dir}`);
  assert.is(await readStorageMarker(storage), undefined);
  const claims = Array.from({ length: 8 }, () => claimStorage(storage, 'a'));
  assert.equal([...new Set(await Promise.all(claims))], [true]);
  assert.is(await claimStorage(storage, 'b'), false);
  assert.equal(await readStorageMarker(storage), { metastore: 'a' });
});

test('listing finds all objects below a folder; deleting takes missing names', async ({ dir, ops }) => {
  const storage = openLocalStorage(`file://${dir}`, ops);
  for (const name of ['t/a', 't/b/c', 'u/d']) await storage.write(`file://${dir}/${name}`, Buffer.from('12'));
  const found: string[] = [];
  for await (const object of storage.list(`file://${dir}/t`)) found.push(`${relativeTo(`file://${dir}/t`, object.uri) ?? ''} ${object.size}`);
  assert.equal(found.sort(), ['a 2', 'b/c 2']);
  await storage.delete([`file://${dir}/t/a`, `file://${dir}/none`]);
  await storage.deleteFolder(`file://${dir}/t`);
  assert.is(await storage.exists(`file://${dir}/t/b/c`), false);
});

test('URIs are paths with a scheme, undecoded', () => {
  assert.is(uriOfPath('/a b/%20/é'), 'file:///a b/%20/é');
  assert.is(pathOfFileUri('file:///a b/%20/é'), '/a b/%20/é');
  assert.is(pathOfFileUri('file:/x'), '/x');
  assert.is(pathOfFileUri('/x'), '/x');
  assert.throws(() => pathOfFileUri('s3://b/x'), /expected a file URI/);
  assert.is(dirname(pathOfFileUri('file:///a/b')), '/a');
});

test.run();
