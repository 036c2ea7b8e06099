import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Run } from './measure.js';
import { runProcess } from './run-process.js';

const TIME = '/usr/bin/time';

/** Runs a whole program that is not ours and measures it, its children included; fails when it fails. */
export async function measureProgram(
  file: string,
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<Run> {
  if (!existsSync(TIME)) throw new Error(`${TIME} is needed: install the package time`);
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  const usage = join(folder, 'usage');
  const { stdout, wall } = await runProcess(TIME, ['-q', '-f', '%U %S %M', '-o', usage, file, ...args], {
    ...options,
    env: { ...process.env, ...options.env },
  });
  const [user = 0, system = 0, kibibytes = 0] = readFileSync(usage, 'utf8').trim().split(' ').map(Number);
  rmSync(folder, { recursive: true });
  return { wall, cpu: user + system, peak: kibibytes * 1024, stdout };
}

export type Lanes<Name extends string> = { readonly [name in Name]: () => Promise<Run> };

/** Runs all lanes in turn, `rounds` times, so that a drifting machine hits them alike; `warm`: one more round before, which does not count. */
export async function interleave<Name extends string>(rounds: number, lanes: Lanes<Name>, warm = true): Promise<{ readonly [name in Name]: Run[] }> {
  const names = Object.keys(lanes) as Name[];
  const runs = Object.fromEntries(names.map((name) => [name, [] as Run[]])) as { [name in Name]: Run[] };
  for (let round = warm ? -1 : 0; round < rounds; round++) {
    for (const name of names) {
      const run = await lanes[name]();
      if (round >= 0) runs[name].push(run);
    }
  }
  return runs;
}
