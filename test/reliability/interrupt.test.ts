import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { assertCompletes, assertRows, csvRows, loadConfig, withLoadProject } from './load-project.js';
import { startProgram, type ProgramEnd } from './program.js';
import { findLeftovers, makeProject, report, type Project } from './project.js';

/** Stops the program at the point, lets signals wait for it, and lets it go on. */
async function signalAt(project: Project, point: string, ...signals: readonly NodeJS.Signals[]): Promise<ProgramEnd> {
  const program = await startProgram({ cwd: project.root, argv: ['run', 'load.yml'], stop: point });
  await program.stopped(point);
  for (const signal of signals) program.process.kill(signal);
  program.process.kill('SIGCONT');
  return program.ended;
}

function assertStopped(end: ProgramEnd): void {
  assert.is(end.code, 130, end.stderr);
  assert.match(end.stderr, /stopping; once more stops at once/);
  assert.match(end.stderr, /error CANCELLED: /);
  assert.match(end.stderr, /hint: run the same command again to continue/);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`${signal} between two tasks stops cleanly, and the next run continues`, () =>
    withLoadProject(async (project) => {
      const end = await signalAt(project, 'task.report_stored', signal);
      assertStopped(end);
      const [run] = await project.withMetastore((store) => store.listRuns({}));
      assert.is(run?.status, 'cancelled');
      assert.is(run?.error?.code, 'CANCELLED');
      const next = await assertCompletes(project);
      assert.match(next.stderr, new RegExp(`continuing run ${run?.runId} \\(1 of 2 tasks were finished\\)`));
    }));
}

test('SIGINT within the commit lets it end', () =>
  withLoadProject(async (project) => {
    const end = await signalAt(project, 'commit.transaction_open', 'SIGINT');
    assert.ok(end.code === 0 || end.code === 130, end.stderr);
    if (end.code === 0) await assertRows(project, 2000);
    await assertCompletes(project);
  }));

test('a second signal ends the process at once', () =>
  withLoadProject(async (project) => {
    const end = await signalAt(project, 'task.started', 'SIGINT', 'SIGTERM');
    assert.is(end.code, 130, end.stderr);
    assert.not.match(end.stderr, /error CANCELLED/);
    await assertCompletes(project);
  }));

test('SIGINT while DuckDB works on a large file stops within two seconds', async () => {
  const project = await makeProject();
  try {
    const rows = 1_500_000;
    await project.write('data/a.csv', csvRows(0, rows));
    await project.pipeline(
      'load',
      loadConfig({
        filters: [{ type: 'column', columns: [{ name: 'id' }, { name: 'name', expression: `regexp_replace(name, '(a|e|.)+', md5(name))` }] }],
      }),
    );
    const program = await startProgram({ cwd: project.root, argv: ['run', 'load.yml'] });
    await program.reached('task.staging_recorded');
    const sent = performance.now();
    program.process.kill('SIGINT');
    const end = await program.ended;
    const took = performance.now() - sent;
    assertStopped(end);
    assert.ok(took < 2000, `${took} ms`);
    assert.equal((await findLeftovers(project)).data, []);
    report(`SIGINT in the middle of a COPY: over after ${Math.round(took)} ms`);
  } finally {
    await project.remove();
  }
});

test.run();
