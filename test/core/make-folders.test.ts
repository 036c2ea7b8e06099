import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { makeFolders } from '../../src/core/spi/index.js';
import { Desk } from '../cli/desk.js';

const test = suite('making folders');
let root: string;
test.before.each(() => {
  root = mkdtempSync(join(tmpdir(), 'sluice-folders-'));
});
test.after.each(() => rmSync(root, { recursive: true, force: true }));

const codeOf = async (work: Promise<unknown>): Promise<string | undefined> =>
  work.then(
    () => undefined,
    (error: NodeJS.ErrnoException) => error.code,
  );

test('the first one made is told, at once and in parallel', async () => {
  const deep = join(root, 'a/b/c');
  assert.is(await makeFolders(deep), join(root, 'a'));
  assert.is(await makeFolders(deep), undefined);
  assert.is(await makeFolders(join(deep, 'd')), join(deep, 'd'));
  await Promise.all(Array.from({ length: 20 }, (_, i) => makeFolders(join(root, `p/q/${i % 3}/r`))));
  assert.ok(statSync(join(root, 'p/q/2/r')).isDirectory());
});

test('a file in the way is an error', async () => {
  writeFileSync(join(root, 'file'), '');
  assert.is(await codeOf(makeFolders(join(root, 'file'))), 'EEXIST');
  assert.is(await codeOf(makeFolders(join(root, 'file/below'))), 'ENOTDIR');
});

if (process.platform === 'linux')
  test('a folder that takes none below it is an error, where Node would go on for ever', async () => {
    assert.is(await codeOf(makeFolders('/proc/sluice/a/b')), 'ENOENT');
    const desk = new Desk();
    try {
      desk.write('sluice.yml', 'storage: {root: /proc/sluice}\n');
      desk.write('a.yml', 'in: {type: config, columns: [{name: a, type: long}], rows: [[1]]}\nout: {type: warehouse, table: s.t}\n');
      const checked = await desk.sluice(['check', 'a.yml']);
      assert.is(checked.code, 2);
      assert.match(checked.stderr, /FILE_SYSTEM: writing to the storage \/proc\/sluice: ENOENT[^]*hint: check that the path exists/);
      const { code, stderr } = await desk.sluice(['run', 'a.yml']);
      assert.is(code, 4);
      assert.match(stderr, /FILE_SYSTEM: .*ENOENT.*\/proc\/sluice/);
    } finally {
      desk.remove();
    }
  });

if (process.platform === 'linux')
  test('a folder for temporary files, for results and for files of a query that cannot be made ends the command', async () => {
    const desk = new Desk();
    const rows = 'in: {type: config, columns: [{name: a, type: long}], rows: [[1]]}';
    try {
      desk.write('temp.yml', `exec: {temp_dir: /proc/self/x/y}\n${rows}\nout: {type: "null"}\n`);
      desk.write('file.yml', `${rows}\nout: {type: file, path_prefix: /proc/self/x/y_, formatter: {type: csv}}\n`);
      desk.write('one.yml', `${rows}\nout: {type: file, path: /proc/self/x/a.csv, formatter: {type: csv}}\n`);
      for (const file of ['temp.yml', 'file.yml', 'one.yml']) {
        const { code, stderr } = await desk.sluice(['run', file]);
        assert.is(code, 4, stderr);
        assert.match(stderr, /FILE_SYSTEM: .*ENOENT.*\/proc\/self\/x[^]*hint: check that the path exists/);
      }
      const exported = await desk.sluice(['export', 'SELECT 1 AS a', '--to', 'file:/proc/self/x/a.csv']);
      assert.is(exported.code, 4, exported.stderr);
      assert.match(exported.stderr, /FILE_SYSTEM: .*ENOENT.*\/proc\/self\/x/);
    } finally {
      desk.remove();
    }
  });

test.run();
