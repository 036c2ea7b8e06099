import { HttpError } from './problem.js';

/** How many queries run at once, and how many wait for that. */
export interface QuerySlots {
  /** Waits for a slot; the answer gives it back. Errors: HttpError 429 QUERIES_BUSY; the reason of `signal`. */
  take(signal: AbortSignal): Promise<() => void>;
  counts(): { readonly running: number; readonly waiting: number };
}

export function createQuerySlots(limit: { readonly maxConcurrent: number; readonly maxWaiting: number }): QuerySlots {
  let running = 0;
  const waiting = new Set<() => void>();
  const giver = (): (() => void) => {
    let given = false;
    return () => {
      if (given) return;
      given = true;
      const [next] = waiting;
      if (next) next();
      else running--;
    };
  };
  return {
    counts: () => ({ running, waiting: waiting.size }),
    take(signal) {
      if (signal.aborted) return Promise.reject(signal.reason as Error);
      if (running < limit.maxConcurrent) {
        running++;
        return Promise.resolve(giver());
      }
      if (waiting.size >= limit.maxWaiting)
        return Promise.reject(
          new HttpError(
            429,
            {
              code: 'QUERIES_BUSY',
              message: `${running} queries run and ${waiting.size} wait already`,
              hint: 'send it again later, or as a job with "async": true',
            },
            { 'retry-after': '1' },
          ),
        );
      return new Promise((resolve, reject) => {
        const enter = (): void => {
          waiting.delete(enter);
          signal.removeEventListener('abort', leave);
          resolve(giver());
        };
        const leave = (): void => {
          waiting.delete(enter);
          reject(signal.reason as Error);
        };
        waiting.add(enter);
        signal.addEventListener('abort', leave, { once: true });
      });
    },
  };
}
