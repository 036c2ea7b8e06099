import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { testCacheFolder } from './cache.js';

export interface PythonResult {
  readonly stdout: string;
  readonly stderr: string;
}

/** The interpreter that has PyIceberg, pyarrow and psycopg2. */
export function pythonPath(): string {
  const path = join(testCacheFolder(), 'pyiceberg', 'bin', 'python');
  if (!existsSync(path)) throw new Error(`no Python with PyIceberg at ${path}: run scripts/setup-tests.sh`);
  return path;
}

/** Runs Python code with `sys.argv[1:]` = args; rejects with its stderr when it exits non-zero. */
export async function runPython(code: string, args: readonly string[] = [], options: { readonly cwd?: string } = {}): Promise<PythonResult> {
  const child = spawn(pythonPath(), ['-c', code, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', PYTHONWARNINGS: 'ignore' },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  const status = await new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode, signal) => resolve(signal ?? String(exitCode)));
  });
  const result = { stdout: Buffer.concat(stdout).toString('utf8'), stderr: Buffer.concat(stderr).toString('utf8') };
  if (status !== '0') throw new Error(`python ended with ${status}\n${result.stderr}${result.stdout}`);
  return result;
}

/** Like runPython; the code prints one JSON document. */
export async function runPythonJson<T = unknown>(code: string, args: readonly string[] = []): Promise<T> {
  const { stdout } = await runPython(code, args);
  return JSON.parse(stdout) as T;
}
