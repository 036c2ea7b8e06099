import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { main } from '../../src/cli/main.js';
import { processEnvironment } from '../../src/cli/environment.js';

/** What a child process of the reliability tests does: one command line, with something happening at a named point. */
export interface RunTask {
  readonly cwd: string;
  readonly argv: readonly string[];
  /** SIGKILL to itself at the n-th time (from 1) that the point is reached. */
  readonly kill?: { readonly point: string; readonly occurrence: number };
  /** Stops there (SIGSTOP) the first time, until it gets SIGCONT. */
  readonly stop?: string;
  /** Keeps the main thread busy for so long when the point is reached, after announcing it. */
  readonly block?: { readonly point: string; readonly ms: number };
  /** Fills the disk of this folder when the point is reached. */
  readonly fill?: { readonly point: string; readonly folder: string };
  /** A file that gets a line for each point. */
  readonly trace?: string;
  /** Sends the longest delay of the event loop (ms) that the program itself made, and the longest `fs.stat`, at the end. */
  readonly measure?: boolean;
}

const task = JSON.parse(process.argv[2] ?? '{}') as RunTask;
const counts = new Map<string, number>();
process.chdir(task.cwd);

const measured = { loop: 0, stat: 0 };
if (task.measure) await startMeasuring();

const code = await main(task.argv, {
  ...processEnvironment(),
  cwd: task.cwd,
  reach(point) {
    const count = (counts.get(point) ?? 0) + 1;
    counts.set(point, count);
    if (task.trace !== undefined) appendFileSync(task.trace, `${point}\n`);
    if (task.kill?.point === point && task.kill.occurrence === count) process.kill(process.pid, 'SIGKILL');
    if (task.fill?.point === point && count === 1) fillDisk(task.fill.folder);
    process.send?.({ point, count });
    if (task.block?.point === point && count === 1) block(task.block.ms);
    if (task.stop === point && count === 1) process.kill(process.pid, 'SIGSTOP');
  },
});
process.send?.({ code, measured, peak: process.resourceUsage().maxRSS * 1024 });
process.exitCode = code;
if (process.connected) process.disconnect();

function block(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end;);
}

function fillDisk(folder: string): void {
  try {
    for (let i = 0; ; i++) writeFileSync(join(folder, `filler-${i}`), Buffer.alloc(64 * 1024));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}

/** Milliseconds that the main thread was ready to run and other processes had the processors: no fault of the program. */
function readWait(): number {
  // Where the system counts it; elsewhere a busy machine may fail the test.
  if (!existsSync('/proc/self/schedstat')) return 0;
  return Number(readFileSync('/proc/self/schedstat', 'utf8').split(' ')[1]) / 1e6;
}

async function startMeasuring(): Promise<void> {
  const { stat } = await import('node:fs/promises');
  let last = performance.now();
  let lastWait = readWait();
  let asking = false;
  const timer = setInterval(() => {
    const now = performance.now();
    const wait = readWait();
    measured.loop = Math.max(measured.loop, now - last - 20 - (wait - lastWait));
    last = now;
    lastWait = wait;
    if (asking) return;
    asking = true;
    void stat(task.cwd).then(() => {
      measured.stat = Math.max(measured.stat, performance.now() - now);
      asking = false;
    });
  }, 20);
  timer.unref();
}
