import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { main } from '../../src/cli/main.js';
import { systemClock, type Environment } from '../../src/cli/environment.js';
import type { Point } from '../../src/core/spi/index.js';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface DeskOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Stdin, piped. */
  readonly stdin?: string;
  /** All three streams are a terminal, at which the user types this. */
  readonly types?: string;
  /** Presses Ctrl-C when stderr shows this; nothing is typed, and stdin stays open. */
  readonly interruptAt?: string;
  /** Called at the named points of a run. */
  reach?(point: Point): void;
  /** Working folder below the desk's. */
  readonly cwd?: string;
}

/** A folder, and a user who runs `sluice` in it. */
export class Desk {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-cli-')));

  write(name: string, content: string | Uint8Array): string {
    const path = join(this.folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    return path;
  }

  async sluice(args: readonly string[], options: DeskOptions = {}): Promise<Outcome> {
    let stdout = '';
    let stderr = '';
    const terminal = options.types === undefined ? {} : { isTTY: true };
    const typed = options.types ?? options.stdin;
    let interrupt: (signal: string) => void = () => {};
    const stdin = options.interruptAt === undefined ? Readable.from(typed === undefined ? [] : [Buffer.from(typed)]) : new Readable({ read() {} });
    const environment: Environment = {
      cwd: join(this.folder, options.cwd ?? '.'),
      env: options.env ?? {},
      stdin: Object.assign(stdin, terminal) as unknown as Environment['stdin'],
      stdout: { ...terminal, write: (text) => ((stdout += Buffer.from(text as Uint8Array).toString()), true), once: () => undefined },
      stderr: {
        ...terminal,
        write(text) {
          stderr += Buffer.from(text as Uint8Array).toString();
          if (options.interruptAt !== undefined && stderr.includes(options.interruptAt)) setImmediate(() => interrupt('SIGINT'));
          return true;
        },
        once: () => undefined,
      },
      clock: systemClock,
      random: Math.random,
      reach: (point) => options.reach?.(point),
      onInterrupt(handler) {
        interrupt = handler;
        return () => (interrupt = () => {});
      },
      exitNow: () => {},
    };
    const code = await main(args, environment);
    return { code, stdout, stderr };
  }

  /** A command that must succeed. */
  async ok(args: readonly string[], options: DeskOptions = {}): Promise<Outcome> {
    const outcome = await this.sluice(args, options);
    if (outcome.code !== 0) throw new Error(`sluice ${args.join(' ')} ended with ${outcome.code}:\n${outcome.stderr}`);
    return outcome;
  }

  /** The objects that a command prints with `--json`. */
  async json<T = Record<string, unknown>>(args: readonly string[], options: DeskOptions = {}): Promise<readonly T[]> {
    const { stdout } = await this.ok([...args, '--json'], options);
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as T);
  }

  async runId(): Promise<string> {
    const [newest] = await this.json<{ run_id: string }>(['runs', '--limit', '1']);
    return newest?.run_id ?? '';
  }

  async ids(table = 'shop.orders'): Promise<readonly number[]> {
    const { stdout } = await this.ok(['query', `SELECT id FROM ${table} ORDER BY id`, '--format', 'csv']);
    return stdout.trim().split('\n').slice(1).map(Number);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A pipeline over data/orders_*.csv. */
export const ORDERS = `in:
  type: file
  path_prefix: data/orders_
  parser:
    type: csv
    skip_header_lines: 1
    columns:
      - {name: id, type: long}
      - {name: amount, type: "decimal(12,2)"}
out: {type: warehouse, table: shop.orders}
`;

export function csv(...ids: readonly (number | string)[]): string {
  return `id,amount\n${ids.map((id) => `${id},1.50\n`).join('')}`;
}

/** What differs from run to run, put into words: ids, times, sizes, folders. */
export function steady(text: string, folder = '\0'): string {
  return text
    .replaceAll(folder, '<folder>')
    .replace(/\d{8}T\d{6}-[0-9a-f]{8}/g, '<run>')
    .replace(/\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d+Z)?/g, '<time>')
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '<uuid>');
}
