import { execFile } from 'node:child_process';
import { closeSync, constants, openSync, renameSync, unlinkSync } from 'node:fs';
import { open, rm, type FileHandle } from 'node:fs/promises';
import { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

/** Files that grow one after the other. */
export interface GrowingFiles {
  /** Files so far; all but the last are complete. */
  readonly paths: readonly string[];
  /** Whether the last one is complete, too. */
  readonly ended: boolean;
  /** Resolves at the next change. */
  changed(): Promise<void>;
}

export interface SpoolPipe {
  readonly path: string;
  /** Ends every reader, also one that waits for the pipe to open, and removes the pipe. */
  close(): Promise<void>;
}

/** How often a pipe can be opened: a COPY that runs out of memory is tried again, in parts at last. */
const OPENINGS = 16;
const BLOCK = 512 * 1024;
const POLL_MS = 5;

/**
 * A named pipe that gives growing files from their start to whoever opens it, one reader after the other. Undefined where the system or
 * the folder's file system has no named pipes.
 */
export async function openSpoolPipe(path: string, files: GrowingFiles): Promise<SpoolPipe | undefined> {
  if (process.platform !== 'linux' && process.platform !== 'darwin') return undefined;
  const spares = Array.from({ length: OPENINGS - 1 }, (_, i) => `${path}.${i}`);
  try {
    await promisify(execFile)('mkfifo', ['-m', '600', path, ...spares]);
  } catch {
    // Containers without coreutils, and file systems that know only files: the spool is then read when it is complete.
    await Promise.all([path, ...spares].map((each) => rm(each, { force: true })));
    return undefined;
  }
  return new Pipe(path, spares, files);
}

class Pipe implements SpoolPipe {
  readonly path: string;
  readonly #spares: string[];
  readonly #files: GrowingFiles;
  readonly #serving: Promise<void>;
  readonly #stop = new AbortController();

  constructor(path: string, spares: string[], files: GrowingFiles) {
    this.path = path;
    this.#spares = spares;
    this.#files = files;
    // What cannot be read here fails again, and is told, where the files themselves are read: a reader that got less notices.
    this.#serving = this.#serve().catch(() => this.#release());
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#release();
    await this.#serving;
    await Promise.all(this.#spares.map((path) => rm(path, { force: true })));
  }

  async #serve(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const descriptor = this.#accept();
      if (descriptor === undefined) await delay(POLL_MS, undefined, { signal: this.#stop.signal }).catch(() => undefined);
      else await this.#feed(descriptor);
    }
  }

  /**
   * The pipe's writing end, once somebody has opened the other. Both calls return at once: the first fails where nobody reads, the second
   * puts a fresh pipe in its place, so that two readers never share one.
   */
  #accept(): number | undefined {
    let descriptor: number;
    try {
      descriptor = openSync(this.path, constants.O_WRONLY | constants.O_NONBLOCK);
    } catch (error) {
      if (hasCode(error, 'ENXIO') || hasCode(error, 'ENOENT')) return undefined;
      throw error;
    }
    const spare = this.#spares.shift();
    if (spare === undefined) unlinkSync(this.path);
    else renameSync(spare, this.path);
    return descriptor;
  }

  /** As a socket the pipe is written by the event loop: file calls would block one of libuv's few threads. */
  async #feed(descriptor: number): Promise<void> {
    const socket = new Socket({ fd: descriptor, readable: false, writable: true });
    // A reader that leaves early is its own affair.
    socket.on('error', () => undefined);
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    const stop = (): void => void socket.destroy();
    this.#stop.signal.addEventListener('abort', stop, { once: true });
    const reader = new GrowingReader(this.#files, this.#stop.signal);
    try {
      const buffers = [Buffer.allocUnsafe(BLOCK), Buffer.allocUnsafe(BLOCK)] as const;
      let written = Promise.resolve(true);
      for (let turn: 0 | 1 = 0; !socket.destroyed; turn = turn === 0 ? 1 : 0) {
        const bytes = await reader.read(buffers[turn]);
        if (!(await written) || bytes === 0) break;
        written = new Promise((resolve) => socket.write(buffers[turn].subarray(0, bytes), (error) => resolve(!error)));
      }
      socket.end();
      await closed;
    } finally {
      this.#stop.signal.removeEventListener('abort', stop);
      socket.destroy();
      await reader.close();
    }
  }

  /** Whoever is still waiting in open() gets an empty pipe; nobody can open it any more. */
  #release(): void {
    try {
      const descriptor = openSync(this.path, constants.O_RDWR | constants.O_NONBLOCK);
      unlinkSync(this.path);
      closeSync(descriptor);
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error;
    }
  }
}

/** Reads growing files as one, waiting at their end for more. */
class GrowingReader {
  readonly #files: GrowingFiles;
  readonly #signal: AbortSignal;
  #file: FileHandle | undefined;
  #index = 0;

  constructor(files: GrowingFiles, signal: AbortSignal) {
    this.#files = files;
    this.#signal = signal;
  }

  /** Bytes read; 0 at the end, or when stopped. */
  async read(buffer: Buffer): Promise<number> {
    while (!this.#signal.aborted) {
      // Asked for before looking: a change in between is then not missed.
      const changed = this.#files.changed();
      const complete = this.#files.ended || this.#index < this.#files.paths.length - 1;
      const path = this.#files.paths[this.#index];
      if (path !== undefined) {
        this.#file ??= await openGrown(path);
        const { bytesRead = 0 } = (await this.#file?.read(buffer)) ?? {};
        if (bytesRead > 0) return bytesRead;
      } else if (complete) return 0;
      if (path === undefined || !complete) {
        await changed;
        continue;
      }
      await this.close();
      this.#index++;
    }
    return 0;
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }
}

/** A file that is about to be made is not there yet. */
async function openGrown(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  }
}

function hasCode(error: unknown, code: string): boolean {
  return (error as NodeJS.ErrnoException).code === code;
}
