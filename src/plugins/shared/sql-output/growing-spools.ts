import { open, readdir, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { READ_BYTES } from './staged-bytes.js';

/** One task's spool: a folder whose files grow until the task is staged. */
export interface GrowingSpool {
  readonly folder: string;
  /** All its files, once they are complete. */
  files: readonly string[] | undefined;
}

interface SpoolFile {
  readonly path: string;
  readonly spool: GrowingSpool;
  handle: FileHandle | undefined;
  sent: number;
  /** What was sent ends within a line. */
  within: boolean;
  done: boolean;
}

const NEWLINE = 0x0a;

/**
 * Spools of several tasks, whose bytes are sent while they grow. Each of the engine's threads fills a file of its own, so the next bytes
 * are taken from any file that has some: one file alone grows slower than the server takes it. One file follows another at the end of
 * a line only; where a newline may also stand within one (`newlineEndsLine` is false), at the end of the file.
 */
export class GrowingSpools {
  readonly #newlineEndsLine: boolean;
  readonly #spools: GrowingSpool[] = [];
  readonly #files = new Map<string, SpoolFile>();
  #sentBytes = 0;

  constructor(newlineEndsLine: boolean) {
    this.#newlineEndsLine = newlineEndsLine;
  }

  add(folder: string): GrowingSpool {
    const spool: GrowingSpool = { folder, files: undefined };
    this.#spools.push(spool);
    return spool;
  }

  /** Bytes staged so far. */
  async countBytes(): Promise<number> {
    let sum = 0;
    for (const spool of this.#spools) for (const file of await filesOf(spool)) sum += (await stat(file)).size;
    return sum;
  }

  /** Whether the complete files are these and no others. */
  areExactly(files: readonly string[]): boolean {
    const known = this.#spools.flatMap((spool) => spool.files ?? [spool.folder]);
    return known.length === files.length && new Set([...known, ...files]).size === known.length;
  }

  /** Bytes handed over so far. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  /**
   * All bytes, also those that are still to come; `isAll` tells that no further spool will. `waitForMore` waits a moment, and throws
   * when that is no longer worth it.
   */
  async *bytes(isAll: () => boolean, waitForMore: () => Promise<void>): AsyncIterable<Buffer> {
    try {
      for (;;) {
        // Asked first: a spool that is added while the folders are listed would be left out.
        const last = isAll();
        const before = this.#sentBytes;
        for (const file of await this.#unsent()) yield* this.#read(file, waitForMore);
        if (this.#sentBytes > before) continue;
        if (last) return;
        await waitForMore();
      }
    } finally {
      for (const { handle } of this.#files.values()) await handle?.close();
    }
  }

  /** Complete files before those that still grow. */
  async #unsent(): Promise<readonly SpoolFile[]> {
    const found: SpoolFile[] = [];
    const complete = this.#spools.filter((spool) => spool.files !== undefined);
    const growing = this.#spools.filter((spool) => spool.files === undefined);
    for (const spool of [...complete, ...growing]) {
      for (const path of await filesOf(spool)) {
        const file = this.#files.get(path) ?? { path, spool, handle: undefined, sent: 0, within: false, done: false };
        this.#files.set(path, file);
        if (!file.done) found.push(file);
      }
    }
    return found;
  }

  /** What a file has to be sent; where another one may follow, without waiting for more. */
  async *#read(file: SpoolFile, waitForMore: () => Promise<void>): AsyncIterable<Buffer> {
    const handle = (file.handle ??= await open(file.path));
    let buffer = Buffer.allocUnsafe(READ_BYTES);
    for (;;) {
      // Asked first: what is written between an empty read and this question would be left out.
      const complete = file.spool.files !== undefined;
      const { bytesRead } = await handle.read(buffer, 0, READ_BYTES, file.sent);
      const whole = complete || bytesRead === READ_BYTES || !this.#newlineEndsLine;
      const length = whole ? bytesRead : buffer.subarray(0, bytesRead).lastIndexOf(NEWLINE) + 1;
      if (length > 0) {
        file.sent += length;
        this.#sentBytes += length;
        file.within = buffer[length - 1] !== NEWLINE;
        const large = length > READ_BYTES / 2;
        yield large ? buffer.subarray(0, length) : Buffer.from(buffer.subarray(0, length));
        if (large) buffer = Buffer.allocUnsafe(READ_BYTES);
        if (whole) continue;
      }
      if (complete) {
        file.done = true;
        file.handle = undefined;
        return handle.close();
      }
      if (this.#newlineEndsLine && !file.within) return;
      await waitForMore();
    }
  }
}

async function filesOf({ folder, files }: GrowingSpool): Promise<readonly string[]> {
  if (files !== undefined) return files;
  try {
    return (await readdir(folder)).sort().map((name) => join(folder, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
