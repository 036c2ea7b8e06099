import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import { ConfigError, RemoteError, fileSystemError, makeFolders } from '../../core/spi/index.js';
import { pathOfFileUri, uriOfPath } from './file-uri.js';
import type { Storage, StoredObject } from './storage.js';

/** The file-system calls that matter for durability; tests record their order or make them fail. */
export interface FileOps {
  /** Makes a filled, fsynced file appear whole; fails with EEXIST when the name is taken. */
  writeNew(file: string, bytes: Uint8Array): Promise<void>;
  sync(fileOrFolder: string): Promise<void>;
  chmod(file: string, mode: number): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** The topmost folder that had to be made, or undefined. */
  makeFolder(folder: string): Promise<string | undefined>;
}

const nodeFileOps: FileOps = {
  async writeNew(file, bytes) {
    // Filled under another name: who sees the file must never see it empty (two processes claim one storage).
    const temporary = `${file}.${randomUUID()}.tmp`;
    await writeSynced(temporary, bytes);
    try {
      await fs.link(temporary, file);
    } catch (error) {
      if (!isCode(error, 'EPERM') && !isCode(error, 'ENOTSUP') && !isCode(error, 'ENOSYS')) throw error;
      await writeSynced(file, bytes); // a file system without hard links
    } finally {
      await fs.rm(temporary, { force: true });
    }
  },
  async sync(file) {
    const handle = await fs.open(file, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  },
  chmod: fs.chmod,
  rename: fs.rename,
  makeFolder: makeFolders,
};

async function writeSynced(file: string, bytes: Uint8Array): Promise<void> {
  const handle = await fs.open(file, 'wx');
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Parallel fsyncs: enough to keep a disk busy, few enough to leave libuv's threads to others. */
const SYNC_WIDTH = 8;

export function openLocalStorage(root: string, ops: FileOps = nodeFileOps): Storage {
  return new LocalStorage(root.replace(/\/+$/, ''), ops);
}

class LocalStorage implements Storage {
  readonly root: string;
  readonly #ops: FileOps;

  constructor(root: string, ops: FileOps) {
    if (!path.isAbsolute(pathOfFileUri(root))) {
      throw new ConfigError({
        code: 'STORAGE_URI',
        message: `storage: expected an absolute file URI, got ${root}`,
        hint: 'write it as file:///absolute/folder',
      });
    }
    this.root = root;
    this.#ops = ops;
  }

  read(uri: string): Promise<Uint8Array> {
    return doing(`reading ${uri}`, async () => {
      try {
        return await fs.readFile(pathOfFileUri(uri));
      } catch (error) {
        if (!isCode(error, 'ENOENT')) throw error;
        throw new RemoteError({
          code: 'OBJECT_MISSING',
          message: `reading ${uri}: expected a file, found none`,
          hint: 'the storage was changed from outside, or belongs to another metastore; restore the file or the backup',
          retryable: false,
          cause: error,
        });
      }
    });
  }

  async exists(uri: string): Promise<boolean> {
    try {
      await fs.access(pathOfFileUri(uri));
      return true;
    } catch (error) {
      if (isCode(error, 'ENOENT')) return false;
      throw fileSystemError(error, `looking for ${uri}`);
    }
  }

  write(uri: string, bytes: Uint8Array, options: { readonly replace?: boolean } = {}): Promise<void> {
    return doing(`writing ${uri}`, async () => {
      const file = pathOfFileUri(uri);
      const folder = path.dirname(file);
      await this.#makeDurable([folder]);
      if (options.replace) {
        const temporary = `${file}.${randomUUID()}.tmp`;
        await this.#ops.writeNew(temporary, bytes);
        await this.#ops.rename(temporary, file);
      } else {
        await this.#writeNew(uri, file, bytes);
      }
      await this.#ops.sync(folder);
    });
  }

  async #writeNew(uri: string, file: string, bytes: Uint8Array): Promise<void> {
    try {
      await this.#ops.writeNew(file, bytes);
    } catch (error) {
      if (!isCode(error, 'EEXIST')) throw error;
      throw new RemoteError({
        code: 'OBJECT_EXISTS',
        message: `writing ${uri}: expected a free name, found an object`,
        hint: 'repeat the command; if it fails again, another program writes below this storage',
        retryable: false,
        cause: error,
      });
    }
  }

  publish(files: readonly { readonly localPath: string; readonly uri: string }[]): Promise<void> {
    return doing('moving data files to their places', async () => {
      const targets = files.map((f) => ({ from: f.localPath, to: pathOfFileUri(f.uri) }));
      const folders = [...new Set(targets.map((t) => path.dirname(t.to)))];
      await this.#makeDurable(folders);
      await inParallel(targets, async ({ from, to }) => {
        await this.#ops.sync(from);
        await this.#ops.chmod(from, 0o444);
        await this.#ops.rename(from, to);
      });
      await inParallel(folders, (folder) => this.#ops.sync(folder));
    });
  }

  delete(uris: readonly string[]): Promise<void> {
    return doing('deleting files', () => inParallel(uris, (uri) => fs.rm(pathOfFileUri(uri), { force: true })));
  }

  deleteFolder(uri: string): Promise<void> {
    return doing(`deleting ${uri}`, () => fs.rm(pathOfFileUri(uri), { recursive: true, force: true }));
  }

  async *list(folder: string): AsyncIterable<StoredObject> {
    const start = pathOfFileUri(folder);
    let names;
    try {
      names = await fs.readdir(start, { withFileTypes: true });
    } catch (error) {
      if (isCode(error, 'ENOENT')) return;
      throw fileSystemError(error, `listing ${folder}`);
    }
    for (const entry of names) {
      const uri = uriOfPath(path.join(start, entry.name));
      if (entry.isDirectory()) yield* this.list(uri);
      else if (entry.isFile()) {
        const found = await statOrGone(path.join(start, entry.name));
        if (found) yield { uri, size: found.size, modified: found.mtimeMs };
      }
    }
  }

  staging(folder: string): Promise<string> {
    return doing(`making ${folder}`, async () => {
      const local = pathOfFileUri(folder);
      await makeFolders(local);
      return local;
    });
  }

  localPath(uri: string): Promise<string> {
    return Promise.resolve(pathOfFileUri(uri));
  }

  /** A new folder's name is durable only when its parent was synced: each parent once. Asked each time: others may delete empty folders. */
  async #makeDurable(folders: readonly string[]): Promise<void> {
    const parents = new Set<string>();
    for (const folder of folders) {
      const first = await this.#ops.makeFolder(folder);
      if (first === undefined) continue;
      for (let made = folder; made.length >= first.length; made = path.dirname(made)) parents.add(path.dirname(made));
    }
    await inParallel([...parents], (parent) => this.#ops.sync(parent));
  }
}

async function statOrGone(file: string): Promise<{ size: number; mtimeMs: number } | undefined> {
  try {
    return await fs.stat(file);
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined;
    throw fileSystemError(error, `looking at ${file}`);
  }
}

function isCode(error: unknown, code: string): boolean {
  return (error as NodeJS.ErrnoException | undefined)?.code === code;
}

async function doing<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw fileSystemError(error, what);
  }
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(SYNC_WIDTH, items.length) }, worker));
}
