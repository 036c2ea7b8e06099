/**
 * Runs `work` for each item, at most `width` at once. The first failure aborts the others through `abort` and is
 * thrown once all of them have stopped.
 */
export async function runPool<T>(
  items: readonly T[],
  width: number,
  work: (item: T) => Promise<void>,
  abort: (reason: unknown) => void,
): Promise<void> {
  let next = 0;
  let failure: { readonly error: unknown } | undefined;
  const lane = async (): Promise<void> => {
    while (next < items.length && !failure) {
      const item = items[next++] as T;
      try {
        await work(item);
      } catch (error) {
        if (!failure) {
          failure = { error };
          abort(error);
        }
        return;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, lane));
  if (failure) throw failure.error;
}
