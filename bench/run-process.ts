import { spawn } from 'node:child_process';

/** Runs a program to its end; fails with its last output when it fails. `wall` is in seconds. */
export async function runProcess(
  file: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly env?: NodeJS.ProcessEnv },
): Promise<{ readonly stdout: string; readonly wall: number }> {
  const start = process.hrtime.bigint();
  const child = spawn(file, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  const wall = Number(process.hrtime.bigint() - start) / 1e9;
  if (code !== 0) throw new Error(`${[file, ...args].join(' ').slice(0, 200)} ended with ${code}:\n${(stdout + stderr).slice(-3000)}`);
  return { stdout, wall };
}
