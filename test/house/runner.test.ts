import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const repository = resolve(import.meta.dirname, '../..');
const test = suite('runner');

interface Outcome {
  readonly exitCode: number;
  readonly output: string;
  readonly lastLine: string | undefined;
}

/** Runs the real runner over a project that holds the given files below test/. */
async function runOver(files: Record<string, string>, args: readonly string[] = [], env: Record<string, string> = {}): Promise<Outcome> {
  const root = await mkdtemp(join(tmpdir(), 'sluice-runner-'));
  try {
    await mkdir(join(root, 'test'));
    await writeFile(join(root, 'package.json'), '{"type":"module"}');
    await symlink(join(repository, 'node_modules'), join(root, 'node_modules'));
    for (const [name, text] of Object.entries(files)) {
      await writeFile(join(root, 'test', name), text.replace('UVU', "import { test } from 'uvu'; import * as assert from 'uvu/assert';"));
    }
    return await new Promise<Outcome>((done) => {
      const runner = ['--import', 'tsx', join(repository, 'test/run.ts'), '--root', root, ...args];
      execFile(process.execPath, runner, { cwd: repository, env: { ...process.env, CI: '', ...env } }, (error, stdout, stderr) => {
        done({ exitCode: error === null ? 0 : Number(error.code), output: stdout + stderr, lastLine: stdout.trimEnd().split('\n').at(-1) });
      });
    });
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

const good = `UVU test('one', () => assert.is(1, 1)); test('two', () => assert.is(2, 2)); test.run();`;

test('passing files give exit code 0 and the closing line', async () => {
  const outcome = await runOver({ 'a.test.ts': good, 'b.int.test.ts': good });
  assert.is(outcome.lastLine, '4 passed, 0 failed, 0 skipped');
  assert.is(outcome.exitCode, 0);
});

test('a failing assertion fails the run and its output is shown', async () => {
  const outcome = await runOver({ 'a.test.ts': good, 'b.test.ts': `UVU test('sum', () => assert.is(1, 2, 'planted failure')); test.run();` });
  assert.is(outcome.lastLine, '2 passed, 1 failed, 0 skipped');
  assert.match(outcome.output, /planted failure/);
  assert.is(outcome.exitCode, 1);
});

test('a file that forgets test.run() fails', async () => {
  const outcome = await runOver({ 'a.test.ts': `UVU test('never run', () => assert.is(1, 1));` });
  assert.is(outcome.lastLine, '0 passed, 1 failed, 0 skipped');
  assert.match(outcome.output, /no test ran|no summary was printed/);
  assert.is(outcome.exitCode, 1);
});

test('a file without tests fails', async () => {
  const outcome = await runOver({ 'a.test.ts': `UVU assert.ok(true); test.run();` });
  assert.is(outcome.lastLine, '0 passed, 1 failed, 0 skipped');
  assert.match(outcome.output, /no test ran/);
  assert.is(outcome.exitCode, 1);
});

test('a second test of the same name fails the file', async () => {
  const outcome = await runOver({ 'a.test.ts': `UVU\ntest('same', () => assert.is(1, 1));\ntest('same', () => assert.is(1, 1));\ntest.run();` });
  assert.match(outcome.output, /line 3: a second test is named "same"/);
  assert.is(outcome.lastLine, '2 passed, 1 failed, 0 skipped');
  assert.is(outcome.exitCode, 1);
});

test('a throwing before hook fails the file although uvu exits with 0', async () => {
  const outcome = await runOver({
    'a.test.ts': `UVU test.before(() => { throw new Error('no server'); }); test('one', () => assert.is(1, 1)); test.run();`,
  });
  assert.match(outcome.output, /1 of 1 tests did not pass/);
  assert.is(outcome.lastLine, '0 passed, 1 failed, 0 skipped');
  assert.is(outcome.exitCode, 1);
});

test('a crash before the summary fails the file', async () => {
  const outcome = await runOver({ 'a.test.ts': `UVU test('one', () => process.exit(0)); test.run();` });
  assert.is(outcome.lastLine, '0 passed, 1 failed, 0 skipped');
  assert.is(outcome.exitCode, 1);
});

test('a file that does not end is killed after the timeout', async () => {
  const outcome = await runOver({ 'a.test.ts': `UVU test('one', () => assert.is(1, 1)); test.run(); setInterval(() => {}, 1000);` }, [
    '--timeout',
    '2',
  ]);
  assert.match(outcome.output, /a timeout after 2 s/);
  assert.is(outcome.lastLine, '1 passed, 1 failed, 0 skipped');
  assert.is(outcome.exitCode, 1);
});

test('a skipped test is counted, and fails in CI with its name', async () => {
  const files = { 'a.test.ts': `UVU test('one', () => assert.is(1, 1)); test.skip('needs a moon', () => {}); test.run();` };
  const local = await runOver(files);
  assert.is(local.lastLine, '1 passed, 0 failed, 1 skipped');
  assert.is(local.exitCode, 0);
  const ci = await runOver(files, [], { CI: 'true' });
  assert.is(ci.lastLine, '1 passed, 1 failed, 1 skipped');
  assert.match(ci.output, /test\.skip "needs a moon"/);
  assert.is(ci.exitCode, 1);
});

test('filters and kinds choose files, and an empty choice is a failure', async () => {
  const files = { 'orders.test.ts': good, 'orders.prop.test.ts': good, 'users.test.ts': good };
  assert.is((await runOver(files, ['orders'])).lastLine, '4 passed, 0 failed, 0 skipped');
  assert.is((await runOver(files, ['--kind', 'prop'])).lastLine, '2 passed, 0 failed, 0 skipped');
  const none = await runOver(files, ['invoices']);
  assert.is(none.exitCode, 1);
  assert.match(none.output, /no test file matches/);
});

test('an unknown kind in a file name is refused', async () => {
  const outcome = await runOver({ 'a.slow.test.ts': good });
  assert.is(outcome.exitCode, 1);
  assert.match(outcome.output, /test\/a\.slow\.test\.ts: expected a kind of test \(unit, prop, int, crash\), found "slow"/);
});

test.run();
