import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { main } from '../../src/cli/main.js';
import { systemClock, type Environment } from '../../src/cli/environment.js';
import type { RunSummary } from '../../src/core/engine/events.js';
import type { Point } from '../../src/core/spi/index.js';

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Hooks {
  reach?(point: Point): void;
  env?: Record<string, string>;
  stdin?: string;
  /** Receives the handler that Ctrl-C would call. */
  onInterrupt?(handler: (signal: string) => void): void;
}

/** A project in a temporary folder, driven through the command line in this process. */
export class TestProject {
  readonly folder = mkdtempSync(join(tmpdir(), 'sluice-test-'));

  write(name: string, content: string | Uint8Array): string {
    const path = join(this.folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    return path;
  }

  async sluice(args: readonly string[], hooks: Hooks = {}): Promise<Outcome> {
    let stdout = '';
    let stderr = '';
    const environment: Environment = {
      cwd: this.folder,
      env: hooks.env ?? {},
      stdin: Readable.from(hooks.stdin === undefined ? [] : [Buffer.from(hooks.stdin)]) as unknown as Environment['stdin'],
      stdout: { write: (text) => ((stdout += Buffer.from(text as Uint8Array).toString()), true), once: () => undefined },
      stderr: { write: (text) => ((stderr += Buffer.from(text as Uint8Array).toString()), true), once: () => undefined },
      clock: systemClock,
      random: Math.random,
      reach: (point) => hooks.reach?.(point),
      onInterrupt(handler) {
        hooks.onInterrupt?.(handler);
        return () => {};
      },
      exitNow: () => {},
    };
    const code = await main(args, environment);
    return { code, stdout, stderr };
  }

  /** Runs a config that must commit (or find nothing new); answers its summary. */
  async run(config: string, ...args: string[]): Promise<RunSummary> {
    const outcome = await this.sluice(['run', config, '--json', ...args]);
    if (outcome.code !== 0) throw new Error(`sluice run ${config} ended with ${outcome.code}:\n${outcome.stderr}`);
    return (JSON.parse(outcome.stdout) as { pipelines: RunSummary[] }).pipelines[0] as RunSummary;
  }

  /** Rows of a query as parsed JSON lines. */
  async query<T = Record<string, unknown>>(sql: string, ...args: string[]): Promise<T[]> {
    const outcome = await this.sluice(['query', sql, '--format', 'jsonl', ...args]);
    if (outcome.code !== 0) throw new Error(`sluice query ended with ${outcome.code}:\n${outcome.stderr}`);
    return outcome.stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as T);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
