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

/** Files that must fail, with what the runner says about each. */
const failing: Record<string, { text: string; counts: string; says: RegExp }> = {
  'assertion.test.ts': {
    text: `UVU test('sum', () => assert.is(1, 2, 'planted failure')); test.run();`,
    counts: '0 passed, 1 failed',
    says: /\| .*planted failure/,
  },
  'no-run.test.ts': {
    text: `UVU test('never run', () => assert.is(1, 1));`,
    counts: '0 passed, 1 failed',
    says: /no summary was printed: it crashed, or test.run\(\) is missing/,
  },
  'no-test.test.ts': { text: `UVU assert.ok(true); test.run();`, counts: '0 passed, 1 failed', says: /no test ran/ },
  'not-uvu.test.ts': { text: `console.log('fine');`, counts: '0 passed, 1 failed', says: /no summary was printed/ },
  'same-name.test.ts': {
    text: `UVU\ntest('same', () => assert.is(1, 1));\ntest('same', () => assert.is(1, 1));\ntest.run();`,
    counts: '2 passed, 1 failed',
    says: /line 3: a second test is named "same"/,
  },
  // uvu itself ends with exit code 0 here.
  'before-hook.test.ts': {
    text: `UVU test.before(() => { throw new Error('no server'); }); test('one', () => assert.is(1, 1)); test.run();`,
    counts: '0 passed, 1 failed',
    says: /1 of 1 tests did not pass/,
  },
  'exits-early.test.ts': {
    text: `UVU test('one', () => process.exit(0)); test.run();`,
    counts: '0 passed, 1 failed',
    says: /no summary was printed/,
  },
  'syntax.test.ts': { text: `const = 1;`, counts: '0 passed, 1 failed', says: /the process ended with exit 1/ },
  'exit-code.test.ts': {
    text: `UVU test('one', () => assert.is(1, 1)); test.run(); process.on('exit', () => (process.exitCode = 9));`,
    counts: '1 passed, 1 failed',
    says: /the process ended with exit 9/,
  },
  'endless.test.ts': {
    text: `UVU test('one', () => assert.is(1, 1)); test.run(); setInterval(() => {}, 1000);`,
    counts: '1 passed, 1 failed',
    says: /a timeout after 12 s/,
  },
};

test('every kind of broken file fails, says why, and fails the run', async () => {
  const texts = Object.fromEntries(Object.entries(failing).map(([name, { text }]) => [name, text]));
  const outcome = await runOver({ 'good.test.ts': good, ...texts }, ['--timeout', '12']);
  assert.is(outcome.exitCode, 1);
  const sections = new Map(outcome.output.split(/^(?=FAIL |ok {3})/m).map((section) => [/test\/(\S+)/.exec(section)?.[1], section]));
  assert.match(sections.get('good.test.ts') ?? '', /^ok {3}test\/good\.test\.ts {2}2 passed {2}/);
  for (const [name, { counts, says }] of Object.entries(failing)) {
    const section = sections.get(name) ?? '';
    assert.ok(section.startsWith(`FAIL test/${name}  ${counts}  `), section);
    assert.match(section, says);
  }
  assert.is(outcome.lastLine, `6 passed, ${Object.keys(failing).length} failed, 0 skipped`);
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
