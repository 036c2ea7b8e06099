import { SluiceError, type Clock, type LogFields } from '../spi/index.js';
import type { RetryLimits } from './pipeline.js';

export interface RetryContext {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly random: () => number;
  onRetry(fields: LogFields): void;
}

/** Repeats `work` on retryable errors only, waiting twice as long each time, with up to 50 % jitter. */
export async function withRetry<T>(limits: RetryLimits, ctx: RetryContext, work: (attempt: number) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work(attempt);
    } catch (error) {
      const retryable = error instanceof SluiceError && error.retryable;
      if (!retryable || attempt > limits.limit || ctx.signal.aborted) throw error;
      const wait = Math.min(limits.maxWaitMs, limits.initialWaitMs * 2 ** (attempt - 1)) * (1 - ctx.random() / 2);
      ctx.onRetry({ attempt, of: limits.limit, wait_ms: Math.round(wait), code: error.code, error: error.message });
      await ctx.clock.sleep(wait, ctx.signal);
    }
  }
}
