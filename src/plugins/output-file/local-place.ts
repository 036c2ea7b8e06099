import { randomUUID } from 'node:crypto';
import { link, open, readdir, readFile, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { BugError, ConfigError, fileSystemError, makeFolders } from '../../core/spi/index.js';
import { objectExists, stagingName, type Place } from '../shared/object-output/index.js';

/** A folder of this machine. Objects are renamed into place within its file system, after their bytes are on the disk. */
export function openLocalPlace(folder: string, root: string): Place {
  const base = resolve(root, folder);
  const at = (name: string): string => join(base, name);
  return {
    base: `${pathToFileURL(base).href}/`,
    identity: identityOf(base, root),
    stagingFolder: (runId, id) => at(stagingName(runId, id)),
    async stage(file) {
      await doing(`writing ${file.path}`, () => sync(file.path));
      return relative(base, file.path);
    },
    publish: (token, name, _ctx, options) =>
      doing(`writing ${at(name)}`, () => moveIntoPlace(at(String(token)), at(name), options?.mustBeNew === true)),
    abandon: (token) => doing(`deleting ${at(String(token))}`, () => rm(at(String(token)), { force: true })),
    exists: (name) => doing(`reading ${at(name)}`, () => isThere(at(name))),
    read: (name) => doing(`reading ${at(name)}`, () => unlessMissing(() => readFile(at(name)))),
    write: (name, bytes) => doing(`writing ${at(name)}`, () => writeWhole(at(name), bytes)),
    async list(name) {
      const entries = await doing(`reading ${at(name)}`, () => unlessMissing(() => readdir(at(name), { withFileTypes: true })));
      return (entries ?? []).filter((entry) => entry.isFile()).map((entry) => name + entry.name);
    },
    async delete(names) {
      for (const name of names) {
        await doing(`deleting ${at(name)}`, () => rm(at(name), { force: true }));
        await removeEmptyFolders(dirname(at(name)), base);
      }
    },
    async remove(uris) {
      for (const uri of uris) {
        const path = fileURLToPath(uri);
        await doing(`deleting ${path}`, () => rm(path, { recursive: true, force: true }));
        const sluice = path.lastIndexOf(`${sep}_sluice${sep}`);
        if (sluice >= 0) await removeEmptyFolders(dirname(path), path.slice(0, sluice));
      }
    },
    close: () => Promise.resolve(),
  };
}

/** Within the project relative to it, so that a moved project keeps its state. */
function identityOf(base: string, root: string): string {
  const inner = relative(root, base);
  const outside = inner.startsWith('..');
  return `file:${(outside ? base : inner).split(sep).join('/')}/`;
}

async function doing<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw fileSystemError(error, what);
  }
}

async function unlessMissing<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

async function isThere(path: string): Promise<boolean> {
  return (await unlessMissing(() => stat(path))) !== undefined;
}

/** A folder is synced as a file is: what was renamed there then stays renamed. */
async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function moveIntoPlace(from: string, to: string, mustBeNew: boolean): Promise<void> {
  await makeFolders(dirname(to));
  try {
    if (mustBeNew) await linkNew(from, to);
    await refuseSpecial(to);
    await rename(from, to);
    await rm(from, { force: true });
  } catch (error) {
    if (!isMissing(error)) throw error;
    if (await isThere(to)) return;
    throw new BugError({
      code: 'STAGED_GONE',
      message: `${to}: the staged file ${from} is gone`,
      hint: 'discard the run (sluice discard) and run again; leave _sluice/ alone while a run is unfinished',
      cause: error,
    });
  }
  await sync(dirname(to));
}

/** A rename would put a file in the place of a device such as `/dev/null`. */
async function refuseSpecial(path: string): Promise<void> {
  const found = await unlessMissing(() => stat(path));
  if (!found || found.isFile() || found.isDirectory()) return;
  throw new ConfigError({
    code: 'FILE_SPECIAL',
    message: `${path} is no regular file`,
    hint: 'name a file; output `null` takes rows and keeps none, output `stdout` gives them to a pipe',
  });
}

/** A link, unlike a rename, replaces nothing. Renaming one name of a file over another then does nothing, so the old name goes. */
async function linkNew(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && !(await isSameFile(from, to))) throw objectExists(to);
    // File systems without links; the place was empty a moment ago.
    if (code !== 'EEXIST' && code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP') throw error;
  }
}

async function isSameFile(a: string, b: string): Promise<boolean> {
  const [one, other] = [await unlessMissing(() => stat(a, { bigint: true })), await unlessMissing(() => stat(b, { bigint: true }))];
  return one === undefined || (one.ino === other?.ino && one.dev === other.dev);
}

async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  await makeFolders(dirname(path));
  const temporary = `${path}.${randomUUID().slice(0, 8)}.tmp`;
  try {
    const handle = await open(temporary, 'wx');
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await sync(dirname(path));
}

/** Folders that hold nothing any more, up to but without `top`. */
async function removeEmptyFolders(folder: string, top: string): Promise<void> {
  for (let current = folder; current.startsWith(top + sep); current = dirname(current)) {
    try {
      await rmdir(current);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOTEMPTY' || code === 'EEXIST') return;
      if (!isMissing(error)) throw fileSystemError(error, `deleting ${current}`);
    }
  }
}
