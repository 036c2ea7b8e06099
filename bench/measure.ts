import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runProcess } from './run-process.js';

export interface Run {
  /** Seconds. */
  readonly wall: number;
  readonly cpu: number;
  /** Bytes. */
  readonly peak: number;
  readonly stdout: string;
}

const hook = fileURLToPath(new URL('./report-usage.cjs', import.meta.url));

/** Runs a whole Node process and measures it; fails when it fails. */
export async function measure(args: readonly string[], options: { cwd?: string; env?: Record<string, string> } = {}): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  const usage = join(folder, 'usage.json');
  const env = { ...process.env, ...options.env, NODE_OPTIONS: `--require ${hook}`, SLUICE_BENCH_USAGE: usage };
  const { stdout, wall } = await runProcess(process.execPath, args, { ...options, env });
  const { cpu, peak } = JSON.parse(readFileSync(usage, 'utf8')) as { cpu: number; peak: number };
  rmSync(folder, { recursive: true });
  return { wall, cpu, peak, stdout };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] as number) : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** Runs two commands in turn, `rounds` times after one warm-up each, so that a drifting machine hits both alike. */
export async function pair(rounds: number, ours: () => Promise<Run>, limit: () => Promise<Run>): Promise<{ ours: Run[]; limit: Run[] }> {
  const result: { ours: Run[]; limit: Run[] } = { ours: [], limit: [] };
  await limit();
  await ours();
  for (let i = 0; i < rounds; i++) {
    result.limit.push(await limit());
    result.ours.push(await ours());
  }
  return result;
}

export function describe(label: string, runs: readonly Run[]): string {
  const of = (pick: (r: Run) => number): string => {
    const values = runs.map(pick);
    return `${median(values).toFixed(2)} (${Math.min(...values).toFixed(2)}-${Math.max(...values).toFixed(2)})`;
  };
  return `${label}: wall ${of((r) => r.wall)} s, cpu ${of((r) => r.cpu)} s, peak ${of((r) => r.peak / 1e6)} MB`;
}
