import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { PluginContext } from '../../../src/core/spi/index.js';
import file, { type FileInputConfig } from '../../../src/plugins/input-file/index.js';

let root: string;
let ctx: PluginContext & { place: { at(p: string): { path: string } } };

test.before.each(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), 'sluice-file-'));
  ctx = {
    signal: new AbortController().signal,
    log: { log: () => undefined },
    clock: { now: () => 0, sleep: () => Promise.resolve() },
    root,
    tempDir: root,
    resource: (name) => Promise.reject(new Error(`no resource ${name} in this test`)),
    reach: () => undefined,
    place: { at: (p) => ({ path: p }) },
  };
});
test.after.each(() => rm(root, { recursive: true, force: true }));

async function make(...names: string[]): Promise<void> {
  for (const name of names) {
    await mkdir(path.dirname(path.join(root, name)), { recursive: true });
    await writeFile(path.join(root, name), 'x');
  }
}

const list = async (config: Omit<FileInputConfig, 'type'>): Promise<string[]> =>
  (await file.list({ type: 'file', ...config }, ctx)).map((f) => f.name);

async function failure(config: Omit<FileInputConfig, 'type'>): Promise<{ code: string; message: string; hint?: string }> {
  try {
    await list(config);
  } catch (error) {
    return error as { code: string; message: string; hint?: string };
  }
  return assert.unreachable('an error was expected') as never;
}

test('a prefix takes files and whole folders, in byte order (Embulk case)', async () => {
  await make('foofoo1', 'FooFoo2', 'barbar3', 'foofoo4/foo', 'foofoo4/bar', 'barbar5/foo', 'fooFoo6/foo');
  assert.equal(await list({ path_prefix: 'foofoo' }), ['foofoo1', 'foofoo4/bar', 'foofoo4/foo']);
  assert.equal(await list({ path_prefix: path.join(root, 'foofoo') }), ['foofoo1', 'foofoo4/bar', 'foofoo4/foo']);
});

test('last_path leaves out what is not after it (Embulk case)', async () => {
  await make('s_01', 's_02', 's_03');
  assert.equal(await list({ path_prefix: path.join(root, 's_'), last_path: path.join(root, 's_02') }), ['s_03']);
});

test('hidden names are left out, also within folders', async () => {
  await make('d/a.csv', 'd/_b.csv', 'd/.c.csv', 'd/_sluice/m.json', 'd/sub/e.csv', '_top');
  assert.equal(await list({ path_prefix: 'd/' }), ['d/a.csv', 'd/sub/e.csv']);
  assert.equal(await list({ paths: ['d'] }), ['d/a.csv', 'd/sub/e.csv']);
  assert.equal(await list({ paths: ['d/**/*.csv'] }), ['d/a.csv', 'd/sub/e.csv']);
  assert.equal(await list({ path_prefix: '_to' }), ['_top']);
});

test('paths: files, folders, globs; each file once; names with newlines and quotes', async () => {
  await make('a.csv', 'b.csv.gz', "we'ird\nname.csv", 'x[1].csv', 'deep/er/c.csv');
  assert.equal(await list({ paths: ['*.csv', 'a.csv'] }), ['a.csv', "we'ird\nname.csv", 'x[1].csv']);
  assert.equal(await list({ paths: ['x[1].csv'] }), ['x[1].csv']);
  assert.equal(await list({ paths: ['**/*.csv*', 'deep'] }), ['a.csv', 'b.csv.gz', 'deep/er/c.csv', "we'ird\nname.csv", 'x[1].csv']);
});

test('folders named key=value become columns', async () => {
  await make('t/country=jp/day=2024-01-01/a.csv', 't/country=__HIVE_DEFAULT_PARTITION__/day=a%2Fb/b.csv');
  const files = await file.list({ type: 'file', paths: ['t/**/*.csv'] }, ctx);
  assert.equal(
    files.map((f) => f.partition),
    [
      { country: null, day: 'a/b' },
      { country: 'jp', day: '2024-01-01' },
    ],
  );
  const plain = await file.list({ type: 'file', paths: ['t'], hive_partitioning: false }, ctx);
  assert.equal(
    plain.map((f) => f.partition),
    [undefined, undefined],
  );
  await make('t/x=%zz/c.csv');
  assert.is((await failure({ paths: ['t'] })).code, 'BAD_PARTITION_FOLDER');
});

test('symbolic links are followed only when asked to, and never for ever', async () => {
  await make('real/a.csv', 'links/own.csv');
  await symlink(path.join(root, 'real'), path.join(root, 'links/real'));
  await symlink(path.join(root, 'links'), path.join(root, 'links/loop'));
  assert.equal(await list({ path_prefix: 'links/' }), ['links/own.csv']);
  assert.equal(await list({ path_prefix: 'links/', follow_symlinks: true }), ['links/own.csv', 'links/real/a.csv']);
});

test('nothing matches, neither or both spellings: errors that say what to do', async () => {
  const nothing = await failure({ paths: ['no/*.csv'] });
  assert.is(nothing.code, 'NO_FILES');
  assert.match(nothing.message, 'no file matches "no/*.csv"');
  assert.match(nothing.hint ?? '', 'allow_empty: true');
  assert.equal(await list({ paths: ['no/*.csv'], allow_empty: true }), []);
  assert.match((await failure({})).message, 'found neither');
  assert.match((await failure({ paths: ['a'], path_prefix: 'b' })).message, 'found both');
  assert.is((await failure({ paths: ['-', 'a'] })).code, 'FILE_INPUT_PATHS');
});

test('size and time stamp now; a file that is gone; a file that may not be read', async () => {
  await make('a.csv');
  const [found] = await file.list({ type: 'file', paths: ['a.csv'] }, ctx);
  assert.ok(found);
  assert.equal(await file.stat(found, { type: 'file' }, ctx), found);
  assert.equal(await file.open(found, { type: 'file' }, ctx), { path: path.join(root, 'a.csv') });
  if (process.getuid?.() !== 0) {
    await chmod(path.join(root, 'a.csv'), 0);
    try {
      await file.open(found, { type: 'file' }, ctx);
      assert.unreachable();
    } catch (error) {
      assert.is((error as { code: string }).code, 'FILE_UNREADABLE');
      assert.match((error as { hint: string }).hint, 'permissions');
    }
  }
  await rm(path.join(root, 'a.csv'));
  assert.is(await file.stat(found, { type: 'file' }, ctx), undefined);
});

test.run();
