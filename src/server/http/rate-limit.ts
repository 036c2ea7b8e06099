/** Names that are remembered; beyond, the one that was quiet longest is forgotten. */
const MOST_NAMES = 10_000;

export interface RateLimit {
  /** Takes one; answers 0, or after how many seconds there will be one. */
  take(name: string): number;
  /** As `take`, taking nothing. */
  wait(name: string): number;
}

/** Token buckets by name: `burst` at once, `perSecond` on average. `now` in milliseconds. */
export function createRateLimit(limit: { readonly perSecond: number; readonly burst: number }, now: () => number): RateLimit {
  const buckets = new Map<string, { tokens: number; at: number }>();
  const refilled = (name: string): { tokens: number; at: number } => {
    const at = now();
    const bucket = buckets.get(name);
    if (!bucket) return { tokens: limit.burst, at };
    const passed = Math.max(0, at - bucket.at) / 1000;
    return { tokens: Math.min(limit.burst, bucket.tokens + passed * limit.perSecond), at };
  };
  const waitOf = (tokens: number): number => (tokens >= 1 ? 0 : Math.max(0.001, (1 - tokens) / limit.perSecond));
  return {
    take(name) {
      const bucket = refilled(name);
      const wait = waitOf(bucket.tokens);
      if (wait === 0) bucket.tokens -= 1;
      // Put back at the end: the map is ordered by last use.
      buckets.delete(name);
      buckets.set(name, bucket);
      const [oldest] = buckets.keys();
      if (buckets.size > MOST_NAMES && oldest !== undefined) buckets.delete(oldest);
      return wait;
    },
    wait: (name) => waitOf(refilled(name).tokens),
  };
}
