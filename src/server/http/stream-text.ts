import { once } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';

/**
 * A stream of what `work` writes; a write waits until the reader has taken what went before, so that memory does not grow with a
 * slow client. When the reader goes away, writes fail. An error of `work` destroys the stream: the client sees an answer that was
 * cut, never one that looks whole. `ended` runs once, whatever happened.
 */
export function streamText(work: (write: (text: string) => Promise<void>) => Promise<void>, ended: (error?: Error) => void): Readable {
  const pipe = new PassThrough({ highWaterMark: 64 * 1024 });
  const gone = new AbortController();
  pipe.once('close', () => gone.abort());
  const write = async (text: string): Promise<void> => {
    gone.signal.throwIfAborted();
    if (!pipe.write(text)) await once(pipe, 'drain', { signal: gone.signal });
  };
  work(write).then(
    () => {
      pipe.end();
      ended();
    },
    (error: Error) => {
      pipe.destroy(error);
      ended(error);
    },
  );
  return pipe;
}
