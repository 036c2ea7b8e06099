import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve, sep } from 'node:path';
import { fileSystemError } from '../../core/spi/index.js';

/** A file that was found, with the folder its hive-style folders are looked for below. */
export interface FoundFile {
  readonly path: string;
  readonly base: string;
}

export interface FindOptions {
  readonly root: string;
  readonly followSymlinks: boolean;
  readonly signal: AbortSignal;
}

/** Files whose absolute path starts with the prefix, and all files of folders whose path does. */
export async function findByPrefix(prefix: string, options: FindOptions): Promise<FoundFile[]> {
  const whole = resolve(options.root, prefix);
  const isFolder = prefix.endsWith('/') || prefix === '.' || prefix === '..' || prefix.endsWith('/.');
  const folder = isFolder ? whole : dirname(whole);
  const start = isFolder ? '' : basename(whole);
  const entries = await readFolder(folder, true);
  const found: FoundFile[] = [];
  const above = new Set(options.followSymlinks && entries.length > 0 ? [await realpath(folder)] : []);
  // A prefix that itself starts with `_` or `.` asks for such names.
  const asksHidden = isHidden(start);
  for (const entry of entries) {
    if (!entry.name.startsWith(start) || (isHidden(entry.name) && !asksHidden)) continue;
    await collect(join(folder, entry.name), entry, folder, options, found, above);
  }
  return found;
}

/** Plain paths, folders and globs. What does not exist is left out here; the caller reports an empty list. */
export async function findByPaths(paths: readonly string[], options: FindOptions): Promise<FoundFile[]> {
  const found = new Map<string, FoundFile>();
  for (const pattern of paths) {
    for (const file of await findByPath(pattern, options)) if (!found.has(file.path)) found.set(file.path, file);
  }
  return [...found.values()];
}

async function findByPath(pattern: string, options: FindOptions): Promise<FoundFile[]> {
  const path = resolve(options.root, pattern);
  const facts = await statIfThere(path);
  if (facts?.isFile() === true) return [{ path, base: dirname(path) }];
  if (facts?.isDirectory() === true) {
    const found: FoundFile[] = [];
    await collectFolder(path, path, options, found, new Set());
    return found;
  }
  if (facts !== undefined) return [{ path, base: dirname(path) }];
  const { glob, isDynamicPattern } = await import('tinyglobby');
  if (!isDynamicPattern(pattern)) return [];
  const fixed = resolve(options.root, fixedFolder(pattern));
  const matches = await glob(pattern, {
    cwd: options.root,
    absolute: true,
    dot: false,
    onlyFiles: true,
    followSymbolicLinks: options.followSymlinks,
    expandDirectories: false,
  });
  return matches
    .map((match) => match.split('/').join(sep))
    .filter(
      (match) =>
        !match
          .slice(fixed.length + 1)
          .split(sep)
          .some(isHidden),
    )
    .map((match) => ({ path: match, base: fixed }));
}

/** The folders before the first one with a wildcard. */
function fixedFolder(pattern: string): string {
  const parts = pattern.split('/');
  const wild = parts.findIndex((part) => /[*?[\]{}()!+@]/.test(part));
  const fixed = parts.slice(0, wild < 0 ? -1 : wild).join('/');
  return fixed === '' && pattern.startsWith('/') ? '/' : fixed;
}

async function collectFolder(folder: string, base: string, options: FindOptions, found: FoundFile[], above: ReadonlySet<string>): Promise<void> {
  options.signal.throwIfAborted();
  const real = options.followSymlinks ? await realpath(folder) : folder;
  // A link to a folder above itself would never end.
  if (above.has(real)) return;
  const entries = await readFolder(folder, false);
  for (const entry of entries) {
    if (!isHidden(entry.name)) await collect(join(folder, entry.name), entry, base, options, found, new Set([...above, real]));
  }
}

async function collect(
  path: string,
  entry: Dirent,
  base: string,
  options: FindOptions,
  found: FoundFile[],
  above: ReadonlySet<string>,
): Promise<void> {
  if (entry.isDirectory()) await collectFolder(path, base, options, found, above);
  else if (entry.isFile()) found.push({ path, base });
  else if (entry.isSymbolicLink() && options.followSymlinks) {
    const target = await statIfThere(path);
    if (target?.isDirectory() === true) await collectFolder(path, base, options, found, above);
    else if (target?.isFile() === true) found.push({ path, base });
  }
}

function isHidden(name: string): boolean {
  return name.startsWith('.') || name.startsWith('_');
}

async function readFolder(folder: string, mayBeAbsent: boolean): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (mayBeAbsent && (error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw fileSystemError(error, `listing the folder ${folder}`);
  }
}

async function statIfThere(path: string): Promise<Awaited<ReturnType<typeof stat>> | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return undefined;
    throw fileSystemError(error, `looking at ${path}`);
  }
}
