/** Items of several iterables as they come. Leaving early, or the failure of one, ends them all. */
export async function* mergeChunks<T>(iterables: readonly AsyncIterable<T>[]): AsyncGenerator<T> {
  const iterators = iterables.map((iterable) => iterable[Symbol.asyncIterator]());
  const waiting = new Map(iterators.map((iterator, i) => [i, next(iterator, i)]));
  try {
    while (waiting.size > 0) {
      const { i, result } = await Promise.race(waiting.values());
      if (result.done === true) waiting.delete(i);
      else {
        const iterator = iterators[i];
        if (iterator) waiting.set(i, next(iterator, i));
        yield result.value;
      }
    }
  } finally {
    const rest = [...waiting.values()];
    // Their own failures no longer matter: either all went well or the first failure is on its way.
    await Promise.allSettled([...rest, ...iterators.map((iterator) => iterator.return?.())]);
  }
}

function next<T>(iterator: AsyncIterator<T>, i: number): Promise<{ readonly i: number; readonly result: IteratorResult<T> }> {
  const item = iterator.next().then((result) => ({ i, result }));
  // It may fail while the consumer is busy with another item; the race sees it after that.
  item.catch(() => undefined);
  return item;
}
