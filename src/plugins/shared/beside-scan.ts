/** Work beside a scan that waits until the scan begins; see `Reading.begin`. */
export interface BesideScan<T> {
  /** Starts the work; later calls do nothing. */
  begin(): void;
  /** What it gives; starts it where nobody has. */
  result(): Promise<T>;
  /** When it is over, however it ended; at once where it was never started. */
  over(): Promise<void>;
}

/** A failure is reported where the result is awaited; until then it does not end the process. */
export function besideScan<T>(work: () => Promise<T>): BesideScan<T> {
  let running: Promise<T> | undefined;
  const result = (): Promise<T> => {
    if (running === undefined) {
      running = work();
      running.catch(() => undefined);
    }
    return running;
  };
  return {
    begin: () => void result(),
    result,
    over: async () => void (await Promise.allSettled(running ? [running] : [])),
  };
}
