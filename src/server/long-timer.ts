/** Node takes a longer wait for one of a millisecond. */
const LONGEST_MS = 2_147_483_647;

/** Calls `act` once after `ms`, however long that is; the answer prevents it. */
export function startLongTimer(ms: number, act: () => void): () => void {
  let left = ms;
  let timer: NodeJS.Timeout | undefined;
  const wait = (): void => {
    const part = Math.min(left, LONGEST_MS);
    left -= part;
    timer = setTimeout(left > 0 ? wait : act, part);
  };
  wait();
  return () => clearTimeout(timer);
}
