import { fork } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { AppendTask } from './append-program.js';
import { compiledProgram, endWithTest, startProgram } from './program.js';
import { FULL, makeProject, report, type Project, type ProjectOptions } from './project.js';

const PROCESSES = 8;
const APPENDS = FULL ? 50 : 6;
const ROWS = 10;

const COLUMNS = [
  { name: 'writer', type: 'string' },
  { name: 'append', type: 'long' },
  { name: 'row', type: 'long' },
  { name: 'day', type: 'date' },
];

interface Writer {
  go(): void;
  readonly ended: Promise<{ readonly code: number | null; readonly stderr: string }>;
}

async function startWriter(task: AppendTask, env: Readonly<Record<string, string>>): Promise<Writer> {
  const child = fork(await compiledProgram('append-program'), [JSON.stringify(task)], {
    silent: true,
    execArgv: [],
    env: { ...process.env, ...env },
  });
  endWithTest(child);
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdout?.resume();
  await new Promise((resolve) => child.once('message', resolve));
  return { go: () => void child.send('go'), ended: new Promise((resolve) => child.once('close', (code) => resolve({ code, stderr }))) };
}

/** Reads as long as `busy` says; every answer must be made of whole commits. */
async function readMeanwhile(project: Project, busy: () => boolean): Promise<number> {
  let reads = 0;
  let last = 0;
  while (busy()) {
    const found = await project.withMetastore((store) => store.catalog.getTable('shop', 'shared'));
    if (!found) continue;
    const groups = await project.query('SELECT writer, append, count(*) AS n FROM shop.shared GROUP BY ALL');
    for (const group of groups) assert.is(Number(group['n']), ROWS, `a reader saw ${JSON.stringify(group)}`);
    assert.ok(groups.length >= last, 'what was visible stays visible');
    last = groups.length;
    reads++;
  }
  return reads;
}

async function appendTogether(options: ProjectOptions): Promise<void> {
  const project = await makeProject(options);
  try {
    await mkdir(join(project.root, 'data'));
    const names = Array.from({ length: PROCESSES }, (_, i) => `w${i}`);
    for (const name of names) {
      await project.pipeline(name, {
        in: { type: 'file', path_prefix: `data/${name}-`, parser: { type: 'csv', columns: COLUMNS } },
        out: { type: 'warehouse', table: 'shop.shared', partition_by: ['day'] },
      });
    }
    const writers = await Promise.all(names.map((name) => startWriter({ cwd: project.root, name, appends: APPENDS, rows: ROWS }, options.env ?? {})));
    const started = performance.now();
    let busy = true;
    const reading = readMeanwhile(project, () => busy);
    for (const writer of writers) writer.go();
    const ends = await Promise.all(writers.map((writer) => writer.ended));
    const seconds = (performance.now() - started) / 1000;
    busy = false;
    const reads = await reading;
    for (const end of ends) assert.is(end.code, 0, end.stderr);

    const groups = await project.query('SELECT writer, append, count(*) AS n FROM shop.shared GROUP BY ALL ORDER BY ALL');
    const expected = names.flatMap((writer) => Array.from({ length: APPENDS }, (_, append) => ({ writer, append, n: ROWS })));
    assert.equal(
      groups.map((g) => ({ writer: g['writer'], append: Number(g['append']), n: Number(g['n']) })),
      expected,
    );
    await project.withMetastore(async (store, warehouse) => {
      const table = await warehouse.catalog.findTable('shop.shared');
      const runs = new Set(table?.metadata.snapshots.map((s) => s.summary['sluice.run-id']).filter((id) => id !== undefined));
      assert.is(runs.size, PROCESSES * APPENDS, 'one snapshot for each run');
      assert.is((await store.listRuns({ status: 'committed' })).length, PROCESSES * APPENDS);
    });
    report(`${PROCESSES} processes x ${APPENDS} appends: ${PROCESSES * APPENDS} commits in ${seconds.toFixed(1)} s, ${reads} reads meanwhile`);
  } finally {
    await project.remove();
  }
}

async function runTwice(options: ProjectOptions): Promise<void> {
  const project = await makeProject(options);
  try {
    await project.write('data/a.csv', '1\n2\n3\n');
    await project.pipeline('load', {
      in: { type: 'file', path_prefix: 'data/', parser: { type: 'csv', columns: [{ name: 'id', type: 'long' }] } },
      out: { type: 'warehouse', table: 'shop.t' },
    });
    const first = await startProgram({ cwd: project.root, argv: ['run', 'load.yml'], stop: 'task.started' }, options);
    await first.stopped('task.started');
    const second = await project.sluice(['run', 'load.yml']);
    assert.is(second.code, 5);
    assert.match(second.stderr, 'LEASE_HELD');
    assert.match(second.stderr, new RegExp(`process ${first.process.pid} on`), 'says who holds it');
    assert.match(second.stderr, /hint: wait until that run has ended/);
    first.process.kill('SIGCONT');
    assert.is((await first.ended).code, 0);
    assert.equal(await project.query('SELECT count(*) AS n FROM shop.t'), [{ n: 3 }]);
    assert.match((await project.sluice(['run', 'load.yml'])).stderr, /nothing new to load/);
  } finally {
    await project.remove();
  }
}

export function testConcurrency(options: () => Promise<ProjectOptions>): void {
  test(`${PROCESSES} processes append to one table`, async () => appendTogether(await options()));
  test('a second run of the same pipeline says who runs it', async () => runTwice(await options()));
}
