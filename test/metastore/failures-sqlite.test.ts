import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { openMetastore } from '../../src/metastore/index.js';
import { parseMetastoreUrl } from '../../src/metastore/url.js';
import { errorOf, sqliteStore } from './stores.js';
import type { TestStore } from './stores.js';

const test = suite('sqlite: failures');
let database: TestStore;
let file: string;
test.before.each(async () => {
  database = await sqliteStore();
  file = database.options.url.slice('sqlite:'.length);
});
test.after.each(async () => {
  await database.stop();
});

test('the file is made with its folder, for its owner alone', async () => {
  await (await openMetastore(database.options)).close();
  assert.is((await stat(file)).mode & 0o777, 0o600);
});

test('a file that is no database is left as it is', async () => {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, 'not a database, but long enough to look like one at first sight'.repeat(20));
  const before = await readFile(file);
  const error = await errorOf(() => openMetastore(database.options));
  assert.equal([error.code, error.retryable], ['METASTORE_CORRUPT', false]);
  assert.match(error.message, `metastore ${file}: `);
  assert.match(error.hint ?? '', 'name another path, or restore it from a backup');
  assert.equal(await readFile(file), before);
});

test('a damaged page is reported as such', async () => {
  await (await openMetastore(database.options)).close();
  const bytes = await readFile(file);
  bytes.fill(0xa5, 100, 4096);
  await writeFile(file, bytes);
  const error = await errorOf(() => openMetastore(database.options));
  assert.is(error.code, 'METASTORE_CORRUPT');
  assert.match(error.hint ?? '', 'backup');
});

test('a path that cannot be a database file', async () => {
  await mkdir(file, { recursive: true });
  const folder = await errorOf(() => openMetastore(database.options));
  assert.is(folder.code, 'METASTORE_UNAVAILABLE');
  assert.match(folder.hint ?? '', 'check that the path is a file in a writable folder');
  await writeFile(join(dirname(file), 'plain'), '');
  const below = await errorOf(() => openMetastore({ url: `sqlite:${join(dirname(file), 'plain', 'meta.db')}` }));
  assert.is(below.code, 'FILE_SYSTEM');
  assert.match(below.message, 'creating the metastore');
});

test('a read-only file says so', async () => {
  await (await openMetastore(database.options)).close();
  await chmod(file, 0o400);
  if (process.getuid?.() === 0) return; // root may write everything
  const store = await openMetastore(database.options);
  const error = await errorOf(() => store.transaction((tx) => store.catalog.createNamespace(tx, 'x')));
  assert.is(error.code, 'METASTORE_UNAVAILABLE');
  assert.match(error.hint ?? '', 'read-only');
  await store.close();
});

test('URLs: what is accepted, and what is refused with a reason', async () => {
  assert.equal(parseMetastoreUrl('sqlite:/a b/c.db'), { kind: 'sqlite', file: '/a b/c.db' });
  assert.equal(parseMetastoreUrl('postgresql://me%40x@db.example:6432/my%20db'), {
    kind: 'postgresql',
    host: 'db.example',
    port: 6432,
    user: 'me@x',
    database: 'my db',
    tls: 'verify-full',
    caFile: undefined,
  });
  const local = parseMetastoreUrl('postgresql:///db?host=/run/postgresql');
  assert.equal(local.kind === 'postgresql' ? [local.host, local.tls] : [], ['/run/postgresql', 'disable']);
  const refused: readonly (readonly [string, RegExp])[] = [
    ['sqlite:meta.db', /absolute path/],
    ['mysql://x/y', /expected sqlite:<path> or postgresql:/],
    ['postgresql://u:hunter2@h/d', /holds a password/],
    ['postgresql://u@h/d?password=hunter2', /holds a password/],
    ['postgresql://u@h/', /database name/],
    ['postgresql://u@h/d?sslmode=require', /sslmode: expected disable or verify-full/],
    ['postgresql://u@h/d?ssl=1', /unknown parameter "ssl"/],
  ];
  for (const [url, pattern] of refused) {
    const error = await errorOf(() => openMetastore({ url }));
    assert.is(error.code, 'METASTORE_URL');
    assert.match(error.message, pattern);
    assert.ok(error.hint);
    assert.not.match(error.message + (error.hint ?? ''), /hunter2/);
  }
});

test.run();
