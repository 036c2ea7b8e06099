import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const endSignals = ['SIGINT', 'SIGTERM'] as const;
const startTimeoutMs = 60_000;

export interface LaunchOptions {
  readonly name: string;
  readonly command: { readonly file: string; readonly args: readonly string[] };
  /** Receives the output of the program. */
  readonly logFile: string;
  readonly endSignal: NodeJS.Signals;
  isReady(child: ChildProcess): Promise<boolean>;
}

/** Starts a server program and waits until it is ready; throws with its log when it ends before. */
export async function launchServer(options: LaunchOptions): Promise<ChildProcess> {
  const { name, command, logFile } = options;
  const log = openSync(logFile, 'a');
  // A group of its own: an interrupt typed at the terminal must reach the test first.
  const child = spawn(command.file, command.args, {
    cwd: '/',
    stdio: ['ignore', log, log],
    detached: true,
    env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' },
  });
  closeSync(log);
  let failure: Error | undefined;
  child.once('error', (error) => (failure = error));
  child.once('exit', (exitCode, signal) => (failure ??= new Error(`${name} ended with ${signal ?? exitCode}\n${readFileSync(logFile, 'utf8')}`)));
  for (const start = Date.now(); !(await options.isReady(child));) {
    if (failure !== undefined) throw failure;
    if (Date.now() - start > startTimeoutMs) {
      await endServer(child, options.endSignal);
      throw new Error(`${name} was not ready after ${startTimeoutMs / 1000} s\n${readFileSync(logFile, 'utf8')}`);
    }
    await delay(20);
  }
  child.unref();
  return child;
}

/** Launches on a random free port; another process may take the port between finding and binding it. */
export async function launchOnFreePort(
  launch: (port: number) => Promise<ChildProcess>,
  isPortTaken: () => boolean,
): Promise<{ child: ChildProcess; port: number }> {
  for (let attempt = 1; ; attempt++) {
    const port = await findFreePort();
    try {
      return { child: await launch(port), port };
    } catch (error) {
      if (attempt === 5 || !isPortTaken()) throw error;
    }
  }
}

export async function endServer(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.ref();
  child.kill(signal);
  await ended;
}

/** Ends a server and removes its folder: when `stop` is called, or when this process exits or is told to end. */
export class ServerLifetime {
  child: ChildProcess | undefined;
  readonly #folder: string;
  readonly #signal: NodeJS.Signals;
  #stopped = false;
  readonly #endAtExit = () => {
    this.child?.kill(this.#signal);
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  };
  readonly #endOnSignal = () => process.exit(130);

  constructor(folder: string, signal: NodeJS.Signals) {
    this.#folder = folder;
    this.#signal = signal;
    process.once('exit', this.#endAtExit);
    for (const ending of endSignals) process.once(ending, this.#endOnSignal);
  }

  /** Later calls do nothing. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    process.off('exit', this.#endAtExit);
    for (const ending of endSignals) process.off(ending, this.#endOnSignal);
    if (this.child !== undefined) await endServer(this.child, this.#signal);
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function findFreePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', resolve);
  });
  const address = probe.address();
  await new Promise<void>((resolve) => probe.close(() => resolve()));
  if (address === null || typeof address === 'string') throw new Error('no free port was found');
  return address.port;
}
