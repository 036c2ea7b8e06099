import { closeSync, openSync, statSync, writeSync } from 'node:fs';
import { chmod, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assertFails, assertRows, csvRows, ROWS, withLoadProject } from './load-project.js';
import { listFiles, type Project } from './project.js';

const metastoreOf = (project: Project): string => join(project.root, '.sluice/metastore.db');

const METASTORE_DAMAGES: readonly (readonly [string, (file: string) => Promise<void>])[] = [
  ['another kind of file', (file) => writeFile(file, 'not a database at all'.repeat(500))],
  ['cut', (file) => truncate(file, 5000)],
  [
    'overwritten',
    async (file) => {
      const size = statSync(file).size;
      const handle = openSync(file, 'r+');
      writeSync(handle, Buffer.alloc(size - 4096, 0xee), 0, size - 4096, 4096);
      closeSync(handle);
    },
  ],
];

for (const [what, damage] of METASTORE_DAMAGES) {
  test(`a metastore that is ${what} is told as such, and nothing is written over it`, () =>
    withLoadProject(async (project) => {
      await project.must('run', 'load.yml');
      const file = metastoreOf(project);
      const backup = await readFile(file);
      const storage = await listFiles(join(project.root, '.sluice/warehouse'));
      for (const suffix of ['-wal', '-shm']) await rm(file + suffix, { force: true });
      await damage(file);
      const damaged = await readFile(file);
      for (const argv of [['run', 'load.yml'], ['query', 'SELECT count(*) FROM shop.t'], ['tables']]) {
        assertFails(await project.sluice(argv), { exit: 4, code: 'METASTORE_CORRUPT', message: /metastore .*metastore\.db: /, hint: /restore/ });
      }
      assert.ok(damaged.equals(await readFile(file)), 'the damaged file is left for repair');
      assert.equal(await listFiles(join(project.root, '.sluice/warehouse')), storage);
      await writeFile(file, backup);
      await assertRows(project, 2 * ROWS);
    }));
}

const KINDS = [
  { name: 'manifest', pattern: /-m0\.avro$/, commits: true },
  { name: 'manifest list', pattern: /snap-[^/]*\.avro$/, commits: false },
  { name: 'metadata', pattern: /\.metadata\.json$/, commits: false },
  { name: 'data', pattern: /\.parquet$/, commits: true },
] as const;

const DAMAGES: readonly (readonly [string, (file: string) => Promise<void>])[] = [
  ['missing', (file) => rm(file)],
  ['cut', (file) => truncate(file, 200)],
  ['other bytes', (file) => writeFile(file, Buffer.alloc(1000, 0x41))],
];

for (const { name, pattern, commits } of KINDS) {
  for (const [what, damage] of DAMAGES) {
    test(`${name} file: ${what}`, () =>
      withLoadProject(async (project) => {
        await project.must('run', 'load.yml');
        const file = (await listFiles(join(project.root, '.sluice/warehouse/shop'))).find((path) => pattern.test(path)) as string;
        const backup = await readFile(file);
        await chmod(file, 0o644);
        await damage(file);

        const code = what === 'missing' ? 'OBJECT_MISSING' : name === 'data' ? 'DATA_DAMAGED' : 'METADATA_DAMAGED';
        const expected = { exit: 4, code, message: new RegExp(file.split('/').at(-1) as string), hint: /restore/ };
        assertFails(await project.sluice(['query', 'SELECT count(*), sum(id) FROM shop.t']), expected);

        await project.write('data/c.csv', csvRows(2 * ROWS, 10));
        const load = await project.sluice(['run', 'load.yml']);
        if (commits) assert.is(load.code, 0, 'a load does not need old files');
        else assertFails(load, expected);

        await writeFile(file, backup);
        await project.must('run', 'load.yml');
        await assertRows(project, 2 * ROWS + 10);
      }));
  }
}

test.run();
