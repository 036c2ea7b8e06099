import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('./serve-program.ts', import.meta.url));
const bin = fileURLToPath(new URL('../../bin/sluice.cjs', import.meta.url));
const living = new Set<ChildProcess>();

/** For the end of a test, also of a failed one. */
export async function killServes(): Promise<void> {
  await Promise.all(
    [...living].map((child) => {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      return ended;
    }),
  );
}

export interface LogLine {
  readonly message: string;
  readonly [field: string]: unknown;
}

/** `sluice serve` as a process of its own. */
export class ServeProcess {
  readonly child: ChildProcess;
  readonly lines: LogLine[] = [];
  readonly ended: Promise<number | null>;
  #over = false;
  #waiting: (() => void)[] = [];

  /** `built`: as it is installed, from dist/; starts in a fraction of the time. */
  constructor(folder: string, env: Readonly<Record<string, string>> = {}, { built = false }: { readonly built?: boolean } = {}) {
    const args = [...(built ? [bin] : ['--import', import.meta.resolve('tsx'), program]), 'serve', '--log-format', 'json'];
    this.child = spawn(process.execPath, args, { cwd: folder, env: { PATH: process.env['PATH'], ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
    living.add(this.child);
    let rest = '';
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      for (const part of parts) this.lines.push(part.startsWith('{') ? (JSON.parse(part) as LogLine) : { message: part });
      this.#wake();
    });
    this.ended = new Promise((resolve) =>
      this.child.once('exit', (code) => {
        living.delete(this.child);
        this.#over = true;
        resolve(code);
        this.#wake();
      }),
    );
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get over(): boolean {
    return this.#over;
  }

  /** Waits for a line of the log; fails when the process ends before. */
  async said(text: string): Promise<LogLine> {
    for (;;) {
      const line = this.lines.find(({ message }) => message?.includes(text));
      if (line) return line;
      if (this.#over) throw new Error(`serve ended without saying "${text}":\n${JSON.stringify(this.lines, null, 1)}`);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** Its worker processes. */
  workers(): readonly number[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => parentOf(pid) === this.pid);
  }

  /** One that ended meanwhile is fine. */
  endWorker(pid: number): void {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  async kill(signal: NodeJS.Signals): Promise<number | null> {
    this.child.kill(signal);
    return this.ended;
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch (error) {
    // It ended meanwhile.
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
