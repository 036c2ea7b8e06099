import type { TraceContext } from './trace-context.js';

/** Whether a span with this trace id is recorded. */
export type Sampler = (traceId: string, parent: TraceContext | undefined) => boolean;

const ROOTS: Readonly<Record<string, (ratio: number) => (traceId: string) => boolean>> = {
  always_on: () => () => true,
  always_off: () => () => false,
  traceidratio: (ratio) => byRatio(ratio),
};

const PARENT_BASED = 'parentbased_';

/** The names of OTEL_TRACES_SAMPLER. */
export const SAMPLERS: readonly string[] = Object.keys(ROOTS).flatMap((name) => [name, `${PARENT_BASED}${name}`]);

/** `name` is one of {@link SAMPLERS}. */
export function createSampler(name: string, ratio: number): Sampler {
  const basedOnParent = name.startsWith(PARENT_BASED);
  const root = ROOTS[basedOnParent ? name.slice(PARENT_BASED.length) : name]?.(ratio) ?? (() => true);
  return (traceId, parent) => (basedOnParent && parent ? parent.sampled : root(traceId));
}

/** All processes decide alike, as it is the id that decides: its last 56 bits, which are random in every trace id. */
function byRatio(ratio: number): (traceId: string) => boolean {
  const bound = BigInt(Math.round(ratio * 2 ** 56));
  return (traceId) => BigInt(`0x${traceId.slice(-14)}`) < bound;
}
