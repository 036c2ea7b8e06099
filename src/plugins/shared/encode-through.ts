import { Readable, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/** What a transform makes of a source; ends and fails with either. */
export async function* encodeThrough(source: AsyncIterable<Uint8Array>, through: Transform, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  // The pipeline destroys the transform when the source fails; its own promise says why.
  const done = pipeline(Readable.from(copied(source)), through, { signal }).then(
    () => undefined,
    (error: unknown) => ({ error }),
  );
  try {
    yield* through as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw (await done)?.error ?? error;
  } finally {
    through.destroy();
  }
  const failed = await done;
  if (failed) throw failed.error;
}

/** A source may reuse its buffer for the next chunk, while the transform still reads this one in another thread. */
async function* copied(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) yield Uint8Array.from(chunk);
}
