import type { Clock } from '../../../core/spi/index.js';

/** Makes a reader wait so that it takes at most so many rows a second, counted from the start. */
export interface RateLimit {
  /** Resolves when `rows` more rows may be asked for. */
  take(rows: number, signal: AbortSignal): Promise<void>;
}

export function createRateLimit(rowsPerSecond: number | undefined, clock: Clock): RateLimit {
  if (rowsPerSecond === undefined) return { take: () => Promise.resolve() };
  const startedAt = clock.now();
  let taken = 0;
  return {
    async take(rows, signal) {
      taken += rows;
      const wait = startedAt + (taken / rowsPerSecond) * 1000 - clock.now();
      if (wait > 0) await clock.sleep(wait, signal);
    },
  };
}
