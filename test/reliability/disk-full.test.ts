import { gzipSync } from 'node:zlib';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { JsonObject } from '../../src/core/spi/index.js';
import { assertFails, assertRows, csvRows, loadConfig } from './load-project.js';
import { runProgram } from './program.js';
import { createRandom, listFiles, makeProject, type Project } from './project.js';
import { mountSmallDisk, type SmallDisk } from './small-disk.js';

const ROWS = 100_000;
const random = createRandom(1);
/** Hardly compressible: about 2 MB of Parquet. */
const BIG = Array.from({ length: ROWS }, (_, i) => `${i},${random().toString(36)}${random().toString(36)}\n`).join('');
const FULL_DISK = { exit: 4, code: 'DISK_FULL', message: /No space left|ENOSPC|disk is full/, hint: /free .*(space|disk)/ };

const probe = mountSmallDisk(1);
probe?.remove();
// Only who may mount can make a disk that is really full.
const testOnDisk = probe === undefined ? test.skip : test;

async function withDisk(
  options: { sluice?: (disk: SmallDisk) => JsonObject; megabytes: number },
  work: (project: Project, disk: SmallDisk) => Promise<void>,
): Promise<void> {
  const disk = mountSmallDisk(options.megabytes) as SmallDisk;
  const project = await makeProject({ sluice: options.sluice?.(disk) ?? {} });
  try {
    await work(project, disk);
  } finally {
    await project.remove();
    disk.remove();
  }
}

async function assertLoads(project: Project, rows: number): Promise<void> {
  const end = await project.sluice(['run', 'load.yml']);
  assert.is(end.code, 0, end.stderr);
  await assertRows(project, rows);
  assert.match((await project.sluice(['run', 'load.yml'])).stderr, /nothing new to load/);
  assert.equal(await listFiles(`${project.root}/.sluice/tmp`), []);
}

const storage = (disk: SmallDisk): JsonObject => ({ storage: { root: `${disk.folder}/warehouse` } });

testOnDisk('the storage is full while rows are written: the failed task gives its space back', () =>
  withDisk({ megabytes: 1, sluice: storage }, async (project, disk) => {
    await project.write('data/a.csv', BIG);
    await project.pipeline('load', loadConfig());
    assertFails(await project.sluice(['run', 'load.yml']), FULL_DISK);
    assert.equal(
      (await listFiles(disk.folder)).filter((path) => path.endsWith('.parquet')),
      [],
    );
    disk.grow(50);
    await assertLoads(project, ROWS);
  }),
);

testOnDisk('the storage is full at the commit: nothing of it is visible, and only the commit is repeated', () =>
  withDisk({ megabytes: 2, sluice: storage }, async (project, disk) => {
    await project.write('data/a.csv', csvRows(0, 10));
    await project.pipeline('load', loadConfig());
    await project.must('run', 'load.yml');
    await project.write('data/b.csv', csvRows(10, 10));
    const end = await project.sluice(['run', 'load.yml'], { reach: (point) => void (point === 'commit.started' && disk.fill()) });
    assertFails(end, FULL_DISK);
    await assertRows(project, 10);
    disk.free();
    const again = await project.sluice(['run', 'load.yml']);
    assert.match(again.stderr, /1 of 1 tasks were finished/);
    await assertRows(project, 20);
  }),
);

const temp = (more: JsonObject) => (disk: SmallDisk) => ({ exec: { temp_dir: `${disk.folder}/tmp`, ...more } });

function withOwnTokenizer(config: JsonObject): JsonObject {
  const input = config['in'] as JsonObject;
  return { ...config, in: { ...input, parser: { ...(input['parser'] as JsonObject), trim_if_not_quoted: true } } };
}

testOnDisk('the temp folder is full while a file is unpacked', () =>
  withDisk({ megabytes: 1 }, async (project, disk) => {
    await project.write('data/a.csv.gz', gzipSync(BIG));
    // DuckDB unpacks gzip itself; our tokenizer reads a plain copy.
    await project.pipeline('load', withOwnTokenizer(loadConfig(temp({})(disk))));
    assertFails(await project.sluice(['run', 'load.yml']), FULL_DISK);
    disk.grow(50);
    await assertLoads(project, ROWS);
  }),
);

testOnDisk('the temp folder is full while our tokenizer writes its spool', () =>
  withDisk({ megabytes: 1 }, async (project, disk) => {
    await project.write('data/a.csv', BIG);
    await project.pipeline('load', withOwnTokenizer(loadConfig(temp({})(disk))));
    assertFails(await project.sluice(['run', 'load.yml']), FULL_DISK);
    disk.grow(50);
    await assertLoads(project, ROWS);
  }),
);

testOnDisk('the temp folder is full while rejects are written', () =>
  withDisk({ megabytes: 1 }, async (project, disk) => {
    await project.write('data/a.csv', BIG.replaceAll(/^\d*[1357],/gm, 'x,'));
    await project.pipeline('load', loadConfig(temp({ max_rejects: ROWS })(disk)));
    assertFails(await project.sluice(['run', 'load.yml']), FULL_DISK);
    disk.grow(50);
    await assertLoads(project, ROWS * 0.6);
    assert.equal(await project.query('SELECT count(*) AS n FROM shop.t__rejects'), [{ n: ROWS * 0.4 }]);
  }),
);

for (const point of ['lease.acquired', 'task.staged', 'commit.transaction_open', 'commit.state_stored']) {
  testOnDisk(`the metastore's disk is full at ${point}`, () =>
    withDisk({ megabytes: 2, sluice: (disk) => ({ metastore: { type: 'sqlite', path: `${disk.folder}/metastore.db` } }) }, async (project, disk) => {
      await project.write('data/a.csv', csvRows(0, 10));
      await project.pipeline('load', loadConfig());
      await project.must('run', 'load.yml');
      await project.write('data/b.csv', csvRows(10, 10));
      // In a process of its own: who cannot give its lease back must be seen to have ended.
      const end = await runProgram({ cwd: project.root, argv: ['run', 'load.yml'], fill: { point, folder: disk.folder } });
      assertFails(end, FULL_DISK);
      await assertRows(project, 10);
      disk.free();
      await assertLoads(project, 20);
    }),
  );
}

test('a file-size limit of the user is told', async () => {
  const project = await makeProject();
  try {
    await project.write('data/a.csv', BIG);
    await project.pipeline('load', loadConfig());
    const end = await runProgram({ cwd: project.root, argv: ['run', 'load.yml'] }, { wrapper: ['prlimit', '--fsize=500000'] });
    assertFails(end, { exit: 4, code: 'ENGINE_IO', message: /File too large/, hint: /disk space/ });
    await assertLoads(project, ROWS);
  } finally {
    await project.remove();
  }
});

test.run();
