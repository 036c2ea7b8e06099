import { parseArgs } from 'node:util';
import { endRunningFiles, runTestFile, type FileResult } from './runner/run-file.js';
import { findTestFiles, testKinds, type TestKind } from './runner/test-files.js';

const usage = `node --import tsx test/run.ts [--kind unit,prop,int,crash] [--jobs 2] [--timeout 300] [--root .] [PATH-PART ...]`;

interface RunnerOptions {
  readonly root: string;
  readonly kinds: readonly TestKind[];
  readonly jobs: number;
  readonly timeoutSecs: number;
  readonly filters: readonly string[];
}

function readOptions(args: readonly string[]): RunnerOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      root: { type: 'string', default: process.cwd() },
      kind: { type: 'string', default: testKinds.join(',') },
      jobs: { type: 'string', default: '2' },
      timeout: { type: 'string', default: '300' },
    },
  });
  const kinds = values.kind.split(',').map((name) => {
    const kind = testKinds.find((known) => known === name);
    if (kind === undefined) throw new Error(`--kind: expected some of ${testKinds.join(',')}, found "${name}"\n${usage}`);
    return kind;
  });
  return {
    root: values.root,
    kinds,
    jobs: readCount('--jobs', values.jobs),
    timeoutSecs: readCount('--timeout', values.timeout),
    filters: positionals,
  };
}

function readCount(option: string, text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1) throw new Error(`${option}: expected a positive integer, found "${text}"\n${usage}`);
  return count;
}

const full = process.env['SLUICE_ROUNDS'] === 'full';

function report(result: FileResult): void {
  const counts = [`${result.passed} passed`];
  if (result.failed > 0) counts.push(`${result.failed} failed`);
  if (result.skipped > 0) counts.push(`${result.skipped} skipped`);
  console.log(`${result.problems.length > 0 ? 'FAIL' : 'ok  '} ${result.path}  ${counts.join(', ')}  ${result.seconds.toFixed(1)} s`);
  for (const problem of result.problems) console.log(`     ${problem}`);
  // What full rounds found is wanted from files that pass, too.
  if (full && result.problems.length === 0) for (const line of result.output.matchAll(/^# .*$/gm)) console.log(`     ${line[0]}`);
  if (result.problems.length > 0) console.log(result.output.trimEnd().replaceAll(/^/gm, '     | '));
}

async function runAll(options: RunnerOptions): Promise<boolean> {
  const files = await findTestFiles(options.root, options.filters, options.kinds);
  const failOnSkip = process.env['CI'] === 'true';
  const totals = { passed: 0, failed: 0, skipped: 0 };
  const queue = [...files];
  const work = async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      const result = await runTestFile(file.path, { root: options.root, timeoutSecs: options.timeoutSecs, failOnSkip });
      totals.passed += result.passed;
      totals.failed += result.failed;
      totals.skipped += result.skipped;
      report(result);
    }
  };
  await Promise.all(Array.from({ length: options.jobs }, work));
  if (files.length === 0) console.log('no test file matches');
  console.log(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
  return totals.failed === 0 && files.length > 0;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    endRunningFiles('SIGTERM');
    process.exit(130);
  });
}
process.exitCode = (await runAll(readOptions(process.argv.slice(2)))) ? 0 : 1;
