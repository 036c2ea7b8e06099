import type { TaskContext } from '../../core/spi/index.js';
import type { Dialect } from './dialect.js';
import type { BytePass } from './native-lane.js';
import { routingNeedles } from './routing.js';
import { ShapeSampler } from './shape-sampler.js';
import { factsOf, type TextFile } from './text-file.js';

/** Starts counting and hashing the files; the main thread works in slices of one chunk. */
export function startBytePass(
  files: readonly TextFile[],
  dialect: Dialect,
  ctx: TaskContext,
  sampler = new ShapeSampler(dialect),
): BytePass & { perFile(i: number): ReturnType<typeof factsOf> } {
  const stop = new AbortController();
  const signal = AbortSignal.any([ctx.signal, stop.signal]);
  const needles = routingNeedles(dialect).list;
  const results: ReturnType<typeof factsOf>[] = [];
  let previous: Promise<unknown> = Promise.resolve();
  for (const file of files) {
    const result = previous.then(() =>
      factsOf(file, { needles, onChunk: (chunk) => sampler.add(chunk) }, { ...ctx, signal, progress: (done) => ctx.progress(done) }),
    );
    // A failure is reported where the result is awaited; until then it must not end the process.
    result.catch(() => undefined);
    results.push(result);
    previous = result;
  }
  const done = Promise.all(results);
  done.catch(() => undefined);
  return {
    done,
    perFile: (i) => results[i] as ReturnType<typeof factsOf>,
    contradiction: () => sampler.tooManyErrors(),
    stop: () => stop.abort(),
  };
}
