import type { Clock, Point } from '../core/spi/index.js';

/** Everything the command line takes from its surroundings; tests give their own. */
export interface Environment {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stdout: Terminal;
  readonly stderr: Terminal;
  readonly clock: Clock;
  readonly random: () => number;
  reach(point: Point): void;
  /** Registers a handler for Ctrl-C and termination; returns its removal. */
  onInterrupt(handler: (signal: string) => void): () => void;
  /**
   * Registers a handler for the moment when stdout takes no more: its reader has gone (EPIPE, `sluice query … | head`), or the
   * disk below it is full. Without it stdout lasts.
   */
  onStdoutLost?(handler: (cause: NodeJS.ErrnoException) => void): void;
  /** Ends the process at once (second Ctrl-C). */
  exitNow(code: number): void;
}

export interface Terminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string | Uint8Array): boolean;
  once(event: 'drain' | 'error', listener: (error?: Error) => void): unknown;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error);
      const timer = setTimeout(done, ms);
      function done(): void {
        signal?.removeEventListener('abort', stop);
        resolve();
      }
      function stop(): void {
        clearTimeout(timer);
        reject(signal?.reason as Error);
      }
      signal?.addEventListener('abort', stop, { once: true });
    }),
};

export function processEnvironment(): Environment {
  return {
    cwd: process.cwd(),
    env: process.env,
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    clock: systemClock,
    random: Math.random,
    reach: () => {},
    onInterrupt(handler) {
      process.on('SIGINT', handler);
      process.on('SIGTERM', handler);
      return () => {
        process.off('SIGINT', handler);
        process.off('SIGTERM', handler);
      };
    },
    onStdoutLost(handler) {
      process.stdout.on('error', handler);
      // A load goes on when only its progress cannot be told any more, and there is nobody to tell that to.
      process.stderr.on('error', () => {});
    },
    exitNow: (code) => process.exit(code),
  };
}
