import { execFileSync, fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { compilePrograms } from './compiled.js';
import type { RunTask } from './run-program.js';

export interface ProgramEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** What the program sent, in order. */
  readonly messages: readonly ProgramMessage[];
}

export type ProgramMessage =
  | { readonly point: string; readonly count: number }
  | { readonly code: number; readonly measured: { readonly loop: number; readonly stat: number }; readonly peak: number };

export interface Program {
  readonly process: ChildProcess;
  /** Resolves when the program reaches the point; fails when it ends without. */
  reached(point: string): Promise<void>;
  /** Resolves when the program has stopped itself at its `stop` point. */
  stopped(point: string): Promise<void>;
  readonly ended: Promise<ProgramEnd>;
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** A command in front of node, e.g. `prlimit --fsize=…`. */
  readonly wrapper?: readonly string[];
  readonly uid?: number;
}

const living = new Set<ChildProcess>();
process.once('exit', () => living.forEach((child) => child.kill('SIGKILL')));

/** Ends the child with this process at the latest. */
export function endWithTest(child: ChildProcess): void {
  living.add(child);
  child.once('exit', () => living.delete(child));
}

const NAMES = ['run-program', 'append-program'] as const;
type ProgramName = (typeof NAMES)[number];
let compiled: Promise<ReadonlyMap<ProgramName, string>> | undefined;

/** Path of a program's compiled form. */
export async function compiledProgram(name: ProgramName): Promise<string> {
  compiled ??= compilePrograms(NAMES.map((each) => fileURLToPath(new URL(`./${each}.ts`, import.meta.url)))).then(
    (paths) => new Map(NAMES.map((each, i) => [each, paths[i] as string])),
  );
  return (await compiled).get(name) as string;
}

/** Starts one command line in a process of its own. */
export async function startProgram(task: RunTask, options: StartOptions = {}): Promise<Program> {
  const path = await compiledProgram('run-program');
  const [file, ...before] = options.wrapper ?? [];
  const child = fork(path, [JSON.stringify(task)], {
    silent: true,
    execArgv: [],
    env: { ...process.env, UV_THREADPOOL_SIZE: '16', NO_COLOR: '1', ...options.env },
    ...(options.uid === undefined ? {} : { uid: options.uid, gid: options.uid }),
    ...(file === undefined ? {} : { execPath: file, execArgv: [...before, process.execPath] }),
  });
  endWithTest(child);
  const out = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (out.stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (out.stderr += text));
  const messages: ProgramMessage[] = [];
  const waiting = new Set<() => void>();
  child.on('message', (message) => {
    messages.push(message as ProgramMessage);
    waiting.forEach((look) => look());
  });
  let over = false;
  const ended = new Promise<ProgramEnd>((resolve) =>
    child.once('close', (code, signal) => {
      over = true;
      waiting.forEach((look) => look());
      resolve({ code, signal, ...out, messages });
    }),
  );
  const reached = (point: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (messages.some((m) => 'point' in m && m.point === point)) resolve();
        else if (over) reject(new Error(`the program ended before ${point}\n${out.stderr}`));
        else return;
        waiting.delete(look);
      };
      waiting.add(look);
      look();
    });
  return {
    process: child,
    ended,
    reached,
    async stopped(point) {
      await reached(point);
      while (!execFileSync('ps', ['-o', 'state=', '-p', String(child.pid)], { encoding: 'utf8' }).startsWith('T')) await new Promise(setImmediate);
    },
  };
}

export async function runProgram(task: RunTask, options: StartOptions = {}): Promise<ProgramEnd> {
  return (await startProgram(task, options)).ended;
}
