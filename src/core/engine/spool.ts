import { createWriteStream, type WriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { once } from 'node:events';
import { fileSystemError, type Point, type Spool } from '../spi/index.js';
import { openSpoolPipe, type SpoolPipe } from './spool-pipe.js';

export interface SpoolOptions {
  readonly dir: string;
  /** First part of every segment's file name; unique within `dir`. */
  readonly name: string;
  readonly extension: string;
  readonly segmentSizeBytes: number;
  reach(point: Point): void;
}

/** Writes record-aligned chunks to segment files; a segment ends after the write that filled it. */
export function createSpool(options: SpoolOptions): Spool {
  const paths: string[] = [];
  let stream: WriteStream | undefined;
  let inSegment = 0;
  let total = 0;
  let failure: unknown;
  let ended = false;
  let pipe: Promise<SpoolPipe | undefined> | undefined;
  const waiting: (() => void)[] = [];

  const tell = (): void => {
    for (const wake of waiting.splice(0)) wake();
  };
  const open = (): WriteStream => {
    const path = join(options.dir, `${options.name}-${String(paths.length).padStart(5, '0')}.${options.extension}`);
    paths.push(path);
    const created = createWriteStream(path, { flags: 'wx', highWaterMark: 1 << 20 });
    created.on('error', (error) => (failure = error));
    inSegment = 0;
    return created;
  };
  const close = async (): Promise<void> => {
    if (!stream) return;
    const closing = stream;
    stream = undefined;
    closing.end();
    if (!closing.closed) await once(closing, 'close').catch((error: unknown) => (failure = error));
    if (failure) throw fileSystemError(failure, 'writing a spool segment');
    options.reach('spool.segment_written');
  };
  return {
    get bytes() {
      return total;
    },
    async write(bytes) {
      if (bytes.length === 0) return;
      // A stream that has failed and closed meanwhile tells nothing more: waiting for it would never end.
      if (failure) throw fileSystemError(failure, 'writing a spool segment');
      stream ??= open();
      total += bytes.length;
      inSegment += bytes.length;
      if (!stream.write(bytes, tell)) await once(stream, 'drain').catch((error: unknown) => (failure = error));
      if (failure) throw fileSystemError(failure, 'writing a spool segment');
      if (inSegment >= options.segmentSizeBytes) await close();
    },
    async finish() {
      await close();
      ended = true;
      tell();
      return paths;
    },
    async follow() {
      pipe ??= openSpoolPipe(join(options.dir, `${options.name}-pipe.${options.extension}`), {
        paths,
        get ended() {
          return ended;
        },
        changed: () => new Promise((resolve) => waiting.push(resolve)),
      });
      return (await pipe)?.path;
    },
    async remove() {
      const following = await pipe;
      const closed = following?.close();
      tell();
      await closed;
      const open = stream;
      stream = undefined;
      if (open) {
        open.destroy();
        // A file that is being opened would appear after its removal.
        if (!open.closed) await once(open, 'close').catch(() => undefined);
      }
      await Promise.all(paths.splice(0).map((path) => rm(path, { force: true })));
    },
  };
}
