import * as assert from 'uvu/assert';
import type { test as uvuTest } from 'uvu';
import { RemoteError, type JsonObject, type Point } from '../../../../src/core/spi/index.js';
import { runProgram, startProgram } from '../../../reliability/program.js';
import { startCutProxy } from '../../../servers/cut-proxy.js';
import { Loads, SECRET, type CrashTarget } from './crash-target.js';

const ROWS = 40_000;
/** Two files are more than what is worth to be sent early. */
const PADDING = 'x'.repeat(150);
const EARLY: Point = 'commit.target_early';

/** A server that still takes what it had received may name the other session a deadlock's victim (1213). */
async function afterRollback(work: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries++)
    try {
      return await work();
    } catch (error) {
      if ((error as { errno?: number }).errno !== 1213 || tries === 10) throw error;
    }
}

/** Runs that send rows while they stage others: whatever happens to them, each row comes exactly once, or none. */
export function addEarlyTests(test: typeof uvuTest, open: () => Promise<CrashTarget>): void {
  const withLoads = async (out: JsonObject, work: (loads: Loads) => Promise<void>): Promise<void> => {
    const target = await open();
    const loads = await Loads.open(target, out);
    try {
      await target.run('CREATE TABLE t (id bigint PRIMARY KEY, name text)');
      for (let i = 0; i < 2; i++) await loads.addFile(ROWS, PADDING);
      await work(loads);
    } finally {
      await loads.project.remove();
      await target.close();
    }
  };
  const env = (loads: Loads): { env: Record<string, string> } => ({ env: { [SECRET]: loads.target.password } });
  const task = (loads: Loads): { cwd: string; argv: string[] } => ({ cwd: loads.project.root, argv: ['run', 'load.yml'] });

  for (const mode of ['append', 'merge']) {
    test(`${mode}: one transaction takes the rows of several tasks`, () =>
      withLoads({ mode }, async (loads) => {
        for (const id of mode === 'append' ? [-1] : [-1, 5]) await loads.target.run(`INSERT INTO t VALUES (${id}, 'old')`);
        const points: Point[] = [];
        const end = await loads.run((point) => points.push(point));
        assert.is(end.code, 0, end.told);
        assert.is(points.filter((point) => point === 'commit.target_open').length, 1);
        assert.ok(points.includes(EARLY));
        await loads.assertRows(2 * ROWS + 1, mode);
        assert.equal(await loads.target.values("SELECT name FROM t WHERE name = 'old'"), ['old']);
        assert.match((await loads.run()).told, '"status":"up-to-date"');
      }));
  }

  test('kill -9 while rows are sent early', () =>
    withLoads({ mode: 'append' }, async (loads) => {
      const end = await runProgram({ ...task(loads), kill: { point: EARLY, occurrence: 1 } }, env(loads));
      assert.is(end.signal, 'SIGKILL', `exit ${end.code}\n${end.stderr}`);
      await loads.assertRows(0, 'nothing is seen');
      await loads.assertComplete(2 * ROWS, 'again');
    }));

  test('the server crashes while rows are sent early: the same run sends them again', () =>
    withLoads({ mode: 'append' }, async (loads) => {
      const program = await startProgram({ ...task(loads), stop: EARLY }, env(loads));
      await program.stopped(EARLY);
      const second = await loads.run();
      assert.is(second.code, 5, second.told);
      assert.match(second.told, 'LEASE_HELD');
      await loads.target.crash();
      program.process.kill('SIGCONT');
      const end = await program.ended;
      assert.is(end.code, 0, end.stderr);
      await loads.assertRows(2 * ROWS, 'after the crash');
      await loads.assertComplete(2 * ROWS, 'again');
    }));

  test('the connection is cut while rows are sent early', () =>
    withLoads({ mode: 'append' }, async (loads) => {
      const proxy = await startCutProxy({ host: '127.0.0.1', port: loads.target.port });
      try {
        await loads.configure({ mode: 'append', port: proxy.port });
        let opened = 0;
        const end = await loads.run((point) => {
          if (point === 'commit.target_open') opened++;
          if (point === EARLY && opened === 1) proxy.cut();
        });
        assert.is(end.code, 0, end.told);
        assert.is(opened, 2, 'sent early, and again at the commit');
        await loads.assertRows(2 * ROWS, 'after the cut');
      } finally {
        await proxy.stop();
      }
    }));

  test('a task that is staged again ends what was sent early', () =>
    withLoads({ mode: 'append' }, async (loads) => {
      await loads.project.write('data/3.csv', `bad,row\n${Array.from({ length: ROWS }, (_, i) => `${9_000_000 + i},"${PADDING}"\n`).join('')}`);
      await loads.configure({ mode: 'append' }, { max_rejects: 1 });
      let failed = false;
      const end = await loads.run((point) => {
        if (point !== 'task.rejects_written' || failed) return;
        failed = true;
        throw new RemoteError({ code: 'STOPPED', message: 'stopped once', retryable: true });
      });
      assert.is(end.code, 0, end.told);
      assert.ok(failed);
      await loads.assertRows(3 * ROWS, 'each once');
    }));

  test('a run that fails leaves the target as it was', () =>
    withLoads({ mode: 'append' }, async (loads) => {
      await loads.target.run("INSERT INTO t VALUES (-1, 'old')");
      await loads.project.write('data/3.csv', `${Array.from({ length: ROWS }, (_, i) => `${9_000_000 + i},"${PADDING}"\n`).join('')}bad,row\n`);
      const end = await loads.run();
      assert.is(end.code, 3, end.told);
      await loads.assertRows(1, 'nothing came');
      // Nothing is left that keeps others waiting, once the server has seen the end of the session and rolled back.
      await afterRollback(() => loads.target.run('DELETE FROM t'));
    }));

  test('what the target refuses is said at the commit, and nothing is written', () =>
    withLoads({ mode: 'append' }, async (loads) => {
      await loads.target.run(`INSERT INTO t VALUES (${ROWS - 1}, 'old')`);
      const end = await loads.run();
      assert.is.not(end.code, 0);
      assert.match(end.told.toLowerCase(), 'duplicate');
      await loads.assertRows(1, 'as before');
    }));
}
