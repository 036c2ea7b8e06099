/**
 * Runs every example as its README says: each ```sh block in a copy of the folder, its output compared with the
 * ```text block behind it. There `…` stands for anything, blanks count as one, and lines may be left out.
 * Names as arguments: only these examples.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { systemClock, type Environment } from '../src/cli/environment.js';
import { main } from '../src/cli/main.js';
import { findMissing } from './compare-output.js';
import { installSource } from './install-source.js';
import { findBlocks, splitWords } from './markdown-blocks.js';

const folder = fileURLToPath(new URL('../examples/', import.meta.url));
const wanted = process.argv.slice(2);
const names = readdirSync(folder).filter((name) => existsSync(join(folder, name, 'README.md')) && (wanted.length === 0 || wanted.includes(name)));

async function runExample(name: string): Promise<readonly string[]> {
  const copy = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-example-')));
  try {
    cpSync(join(folder, name), copy, { recursive: true, filter: (path) => !path.includes('.sluice') });
    installSource(copy);
    const blocks = findBlocks(readFileSync(join(copy, 'README.md'), 'utf8'));
    const problems: string[] = [];
    for (const [i, block] of blocks.entries()) {
      if (block.language !== 'sh') continue;
      const place = `examples/${name}/README.md:${block.line}`;
      const output = await runBlock(block.lines, copy, place);
      const next = blocks[i + 1];
      const missing = next?.language === 'text' ? findMissing(next.lines, output) : undefined;
      if (missing !== undefined) problems.push(`${place}: expected a line like\n    ${missing}\n  found\n${output.replaceAll(/^/gm, '    ')}`);
    }
    if (!blocks.some(({ language }) => language === 'text')) problems.push(`examples/${name}/README.md: expected some output to compare`);
    return problems;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** A command that the README shows to fail. */
const MAY_FAIL = / \|\| true$/;

async function runBlock(lines: readonly string[], cwd: string, place: string): Promise<string> {
  let output = '';
  for (const line of lines) {
    const command = line.replace(MAY_FAIL, '');
    const words = splitWords(command);
    const result = words[0] === 'sluice' ? await runSluice(words.slice(1), cwd) : runShell(command, cwd);
    output += result.output;
    if ((result.code === 0) === MAY_FAIL.test(line)) throw new Error(`${place}: \`${line}\` ended with ${result.code}\n${result.output}`);
  }
  return output;
}

/** In this process: a start of Node for each command would take most of the time. */
async function runSluice(args: readonly string[], cwd: string): Promise<{ readonly code: number; readonly output: string }> {
  let output = '';
  const stream: Environment['stdout'] = { write: (text) => ((output += Buffer.from(text as Uint8Array).toString()), true), once: () => undefined };
  const code = await main(args, {
    cwd,
    env: {},
    stdin: Readable.from([]) as unknown as Environment['stdin'],
    stdout: stream,
    stderr: stream,
    clock: systemClock,
    random: Math.random,
    reach: () => {},
    onInterrupt: () => () => {},
    exitNow: () => {},
  });
  return { code, output };
}

function runShell(line: string, cwd: string): { readonly code: number; readonly output: string } {
  const { status, stdout, stderr } = spawnSync('bash', ['-c', line], { cwd, encoding: 'utf8' });
  return { code: status ?? 1, output: stdout + stderr };
}

let failed = 0;
for (const name of names) {
  const started = Date.now();
  const problems = await runExample(name).catch((error: unknown) => [error instanceof Error ? error.message : String(error)]);
  failed += problems.length;
  process.stdout.write(`${problems.length === 0 ? 'ok  ' : 'FAIL'} examples/${name}, ${((Date.now() - started) / 1000).toFixed(1)} s\n`);
  for (const problem of problems) process.stdout.write(`  ${problem}\n`);
}
if (failed > 0 || names.length === 0) process.exitCode = 1;
