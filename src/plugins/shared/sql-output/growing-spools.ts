import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { READ_BYTES } from './staged-bytes.js';

/** One task's spool: a folder whose files grow until the task is staged. */
export interface GrowingSpool {
  readonly folder: string;
  /** All its files, once they are complete. */
  files: readonly string[] | undefined;
}

/** Spools of several tasks in the order in which their bytes are sent: a file is sent whole before the next one begins. */
export class GrowingSpools {
  readonly #spools: GrowingSpool[] = [];
  readonly #sent = new Map<string, number>();

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
    return [...this.#sent.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  /**
   * All bytes, also those that are still to come; `isAll` tells that no further spool will. `waitForMore` waits a moment, and throws
   * when that is no longer worth it.
   */
  async *bytes(isAll: () => boolean, waitForMore: () => Promise<void>): AsyncIterable<Buffer> {
    for (;;) {
      // Asked first: a spool that is added while the folders are listed would be left out.
      const last = isAll();
      const next = await this.#next();
      if (next) yield* this.#read(next.spool, next.file, waitForMore);
      else if (last) return;
      else await waitForMore();
    }
  }

  /** A complete file before one that still grows. */
  async #next(): Promise<{ readonly spool: GrowingSpool; readonly file: string } | undefined> {
    for (const complete of [true, false]) {
      for (const spool of this.#spools) {
        if ((spool.files !== undefined) !== complete) continue;
        const file = (await filesOf(spool)).find((path) => !this.#sent.has(path));
        if (file !== undefined) return { spool, file };
      }
    }
    return undefined;
  }

  async *#read(spool: GrowingSpool, file: string, waitForMore: () => Promise<void>): AsyncIterable<Buffer> {
    let at = 0;
    this.#sent.set(file, at);
    const handle = await open(file);
    try {
      let buffer = Buffer.allocUnsafe(READ_BYTES);
      for (;;) {
        // Asked first: what is written between an empty read and this question would be left out.
        const complete = spool.files !== undefined;
        const { bytesRead } = await handle.read(buffer, 0, READ_BYTES, at);
        at += bytesRead;
        this.#sent.set(file, at);
        if (bytesRead > READ_BYTES / 2) {
          yield buffer.subarray(0, bytesRead);
          buffer = Buffer.allocUnsafe(READ_BYTES);
        } else if (bytesRead > 0) yield Buffer.from(buffer.subarray(0, bytesRead));
        else if (complete) return;
        else await waitForMore();
      }
    } finally {
      await handle.close();
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
