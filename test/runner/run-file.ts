import { spawn, type ChildProcess } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readSummary } from './summary.js';
import { readDeclaredTests, type DeclaredTest } from './test-names.js';

export interface FileResult {
  readonly path: string;
  readonly seconds: number;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Why the file counts as failed, one line each; empty when it passed. */
  readonly problems: readonly string[];
  readonly output: string;
}

export interface RunFileOptions {
  readonly root: string;
  readonly timeoutSecs: number;
  /** Skipped tests fail the file: in CI nothing may be left out. */
  readonly failOnSkip: boolean;
}

const killGraceMs = 5_000;
const outputLimit = 4 * 1024 * 1024;
const running = new Set<ChildProcess>();

/** Ends the test files that are still running; for when the runner itself is interrupted. */
export function endRunningFiles(signal: NodeJS.Signals): void {
  for (const child of running) signalGroup(child, signal);
}

/** Runs one file in a process group of its own and judges it by its exit status and by the summary it printed. */
export async function runTestFile(path: string, options: RunFileOptions): Promise<FileResult> {
  const started = performance.now();
  const declared = readDeclaredTests(path, await readFile(join(options.root, path), 'utf8'));
  const { output, ending } = await execute(path, options);
  const summary = readSummary(output);
  const problems: string[] = [];
  if (ending !== 'exit 0') problems.push(`the process ended with ${ending}`);
  if (summary === undefined) problems.push('no summary was printed: it crashed, or test.run() is missing');
  else if (summary.total + summary.skipped === 0) problems.push('no test ran');
  // uvu exits with 0 when a `before` hook throws, and then runs none of the tests.
  else if (summary.passed < summary.total) problems.push(`${summary.total - summary.passed} of ${summary.total} tests did not pass`);
  for (const test of declared.duplicates) problems.push(`line ${test.line}: a second test is named "${test.name}"`);
  if (options.failOnSkip && summary !== undefined && summary.skipped > 0) problems.push(`${summary.skipped} skipped${namesOf(declared.tests)}`);
  const failed = summary === undefined ? 1 : Math.max(summary.total - summary.passed, problems.length > 0 ? 1 : 0);
  const seconds = (performance.now() - started) / 1000;
  return { path, seconds, passed: summary?.passed ?? 0, failed, skipped: summary?.skipped ?? 0, problems, output };
}

function namesOf(tests: readonly DeclaredTest[]): string {
  const marked = tests.filter((test) => test.modifier !== undefined);
  return marked.length === 0 ? '' : `: ${marked.map((test) => `line ${test.line} test.${test.modifier} "${test.name}"`).join(', ')}`;
}

async function execute(path: string, options: RunFileOptions): Promise<{ output: string; ending: string }> {
  const child = spawn(process.execPath, ['--import', 'tsx', path], {
    cwd: options.root,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: testEnvironment(),
  });
  running.add(child);
  const chunks: Buffer[] = [];
  let length = 0;
  const collect = (chunk: Buffer) => {
    chunks.push(chunk);
    length += chunk.length;
    while (length > outputLimit && chunks.length > 1) length -= chunks.shift()?.length ?? 0;
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  let timedOut = false;
  let hardKill: NodeJS.Timeout | undefined;
  const timer = setTimeout(() => {
    timedOut = true;
    signalGroup(child, 'SIGTERM');
    hardKill = setTimeout(() => signalGroup(child, 'SIGKILL'), killGraceMs);
  }, options.timeoutSecs * 1000);
  try {
    const status = await new Promise<string>((resolve, reject) => {
      child.once('error', reject);
      // Not `close`: a process that the test left behind may hold the pipe open.
      child.once('exit', (exitCode, signal) => resolve(signal ?? `exit ${exitCode}`));
    });
    signalGroup(child, 'SIGKILL');
    await drain(child);
    const output = Buffer.concat(chunks).toString('utf8');
    return { output, ending: timedOut ? `a timeout after ${options.timeoutSecs} s` : status };
  } finally {
    clearTimeout(timer);
    clearTimeout(hardKill);
    running.delete(child);
  }
}

/** Waits for what the ended process had already written. */
async function drain(child: ChildProcess): Promise<void> {
  const streams = [child.stdout, child.stderr].filter((stream) => stream !== null);
  const ends = streams.map((stream) =>
    stream.readableEnded ? Promise.resolve() : new Promise<void>((resolve) => stream.once('close', () => resolve())),
  );
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => (timer = setTimeout(resolve, 2_000)));
  await Promise.race([Promise.all(ends), limit]);
  clearTimeout(timer);
  for (const stream of streams) stream.destroy();
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function testEnvironment(): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = { ...process.env, NO_COLOR: '1', TZ: 'UTC' };
  environment['SLUICE_ROUNDS'] ??= 'short';
  environment['UV_THREADPOOL_SIZE'] ??= '16';
  delete environment['FORCE_COLOR'];
  return environment;
}
