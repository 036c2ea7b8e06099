import type { TaskContext } from '../../core/spi/index.js';
import { ByteSearch } from '../shared/byte-search.js';
import { CHUNK_BYTES } from '../shared/file-chunks.js';
import type { Dialect } from './dialect.js';
import type { BytePass } from './native-lane.js';
import { routingNeedles } from './routing.js';
import { ShapeSampler } from './shape-sampler.js';
import type { TextFile } from './text-file.js';

/** Starts counting and hashing the files; the main thread works in slices of one chunk. */
export function startBytePass(files: readonly TextFile[], dialect: Dialect, ctx: TaskContext, sampler = new ShapeSampler(dialect)): BytePass {
  const stop = new AbortController();
  const signal = AbortSignal.any([ctx.signal, stop.signal]);
  let failed = false;
  const done = scanAll(files, routingNeedles(dialect).list, sampler, { ...ctx, signal, progress: (step) => ctx.progress(step) });
  // A failure is reported where the result is awaited; until then it must not end the process.
  done.catch(() => (failed = true));
  return {
    done,
    contradiction: () => (failed ? 'the pass over the bytes failed' : sampler.tooManyErrors()),
    stop: () => stop.abort(),
  };
}

async function scanAll(
  files: readonly TextFile[],
  needles: readonly Uint8Array[],
  sampler: ShapeSampler,
  ctx: TaskContext,
): Promise<Awaited<BytePass['done']>> {
  const results: Awaited<ReturnType<TextFile['scan']>>[] = [];
  // Files are read into its room, chunks of unpacked ones are copied there.
  const largest = Math.max(0, ...files.map((file) => file.size));
  const search = new ByteSearch(Math.min(CHUNK_BYTES, largest + 1));
  for (const file of files) results.push(await file.scan({ needles, onChunk: (chunk) => sampler.add(chunk), search }, ctx));
  return results;
}
