import { appendFileSync, mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { chmod } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assertCompletes, assertFails, assertRows, csvRows, ROWS, whenReached, withLoadProject } from './load-project.js';
import { runProgram } from './program.js';
import { listFiles, type Project } from './project.js';

/** Planned, its rows copied but not yet checked, and just before its report is stored. */
const MOMENTS = ['run.recorded', 'task.copied'] as const;

const fileOf = (project: Project): string => join(project.root, 'data/a.csv');

async function assertNoTable(project: Project): Promise<void> {
  assert.match((await project.sluice(['query', 'SELECT * FROM shop.t'])).stderr, /error TABLE_MISSING/);
}

for (const moment of MOMENTS) {
  test(`a file that grows after ${moment} fails its task and is loaded whole by the next run`, () =>
    withLoadProject(async (project) => {
      const end = await project.sluice(
        ['run', 'load.yml'],
        whenReached(moment, () => appendFileSync(fileOf(project), '99999,late\n')),
      );
      assertFails(end, {
        exit: 3,
        code: 'FILE_MOVED',
        message: /data\/a\.csv: the file changed during the load \(12780 bytes when planned, 12791 now\)/,
        hint: /rename them when complete/,
      });
      await assertNoTable(project);
      await assertCompletes(project, 2 * ROWS + 1);
    }));

  test(`a file that is replaced by one of the same size after ${moment} is noticed`, () =>
    withLoadProject(async (project) => {
      const other = csvRows(5000, ROWS)
        .slice(0, 12780)
        .replace(/[^\n]*$/, (rest) => rest.replace(/./g, 'x'));
      const end = await project.sluice(
        ['run', 'load.yml'],
        whenReached(moment, () => writeFileSync(fileOf(project), other)),
      );
      assertFails(end, { exit: 3, code: 'FILE_MOVED', message: /data\/a\.csv: the file changed/, hint: /temporary name/ });
      await assertNoTable(project);
    }));

  test(`a file that is cut after ${moment} is noticed`, () =>
    withLoadProject(async (project) => {
      const end = await project.sluice(
        ['run', 'load.yml'],
        whenReached(moment, () => truncateSync(fileOf(project), 100)),
      );
      assertFails(end, { exit: 3, code: 'FILE_MOVED', message: /\(12780 bytes when planned, 100 now\)/, hint: /temporary name/ });
      await assertNoTable(project);
    }));

  test(`a file that vanishes after ${moment} ends the run, and the next run loads what is there`, () =>
    withLoadProject(async (project) => {
      const end = await project.sluice(
        ['run', 'load.yml'],
        whenReached(moment, () => rmSync(fileOf(project))),
      );
      assertFails(end, { exit: 3, code: 'FILE_VANISHED', message: /data\/a\.csv: the file vanished/, hint: /run again/ });
      await assertNoTable(project);
      await assertCompletes(project, ROWS);
    }));
}

test('a file that changes after it was read is loaded as it was, and the change is told at the next run', () =>
  withLoadProject(async (project) => {
    const end = await project.sluice(
      ['run', 'load.yml'],
      whenReached('run.tasks_done', () => appendFileSync(fileOf(project), '99999,late\n')),
    );
    assert.is(end.code, 0, end.stderr);
    await assertRows(project, 2 * ROWS);
    const next = await project.sluice(['run', 'load.yml']);
    assertFails(next, { exit: 3, code: 'FILE_CHANGED', message: /12780 bytes then, 12791 now/, hint: /on_changed/ });
    await assertRows(project, 2 * ROWS);
  }));

test('a folder in the place of a planned file', () =>
  withLoadProject(async (project) => {
    const swap = (): void => {
      rmSync(fileOf(project));
      mkdirSync(fileOf(project));
    };
    const end = await project.sluice(['run', 'load.yml'], whenReached('run.recorded', swap));
    assert.ok(end.code === 3 || end.code === 4, end.stderr);
    assert.match(end.stderr, /error (FILE_MOVED|FILE_SYSTEM|FILE_VANISHED): /);
    await assertNoTable(project);
    rmSync(fileOf(project), { recursive: true });
    writeFileSync(fileOf(project), csvRows(0, ROWS));
    await assertCompletes(project);
  }));

test('a file that the user may not read', () =>
  withLoadProject(async (project) => {
    if (process.getuid?.() !== 0) {
      await chmod(fileOf(project), 0);
      const end = await project.sluice(['run', 'load.yml']);
      assertFails(end, { exit: 4, code: 'FILE_UNREADABLE', message: /a\.csv/, hint: /permissions/ });
      await chmod(fileOf(project), 0o644);
    } else {
      await chmod(fileOf(project), 0o600);
      for (const path of [project.root, ...(await listFiles(project.root))]) if (path !== fileOf(project)) await chmod(path, 0o777);
      const end = await runProgram({ cwd: project.root, argv: ['run', 'load.yml'] }, { uid: 65534 });
      assertFails(end, { exit: 4, code: 'FILE_UNREADABLE', message: /a\.csv/, hint: /permissions/ });
      await chmod(fileOf(project), 0o644);
    }
    await assertCompletes(project);
  }));

test.run();
