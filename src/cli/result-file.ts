import { rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ConfigError, fileSystemError, makeFolders } from '../core/spi/index.js';

/**
 * Has a result written under a name beside `path`, which it gets when it is complete; missing folders are made. A device or a pipe (`/dev/null`, `/dev/stdout`) is never
 * replaced: `write` gets it as it is, unless it must write in place (`whole`). Errors: ConfigError FILE_EXISTS (unless `force`) and FILE_SPECIAL,
 * and those of `fileSystemError`.
 */
export async function writeResultFile<T>(
  path: string,
  options: { readonly force: boolean; readonly whole: boolean },
  write: (target: string) => Promise<T>,
): Promise<T> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory())
    throw new ConfigError({ code: 'FILE_SPECIAL', message: `${path} is a folder`, hint: 'name a file in it, e.g. -o results/today.csv' });
  const special = found !== undefined && !found.isFile();
  if (special && options.whole)
    throw new ConfigError({
      code: 'FILE_SPECIAL',
      message: `${path} is no regular file, and Parquet is not written from start to end`,
      hint: 'write it into a file, or another format, e.g. --format csv',
    });
  if (found && !special && !options.force) throw new ConfigError({ code: 'FILE_EXISTS', message: `${path} exists`, hint: '--force overwrites it' });
  const target = special ? path : `${path}.partial-${process.pid}`;
  try {
    await makeFolders(dirname(path));
  } catch (error) {
    throw fileSystemError(error, `writing ${path}`);
  }
  try {
    const result = await write(target);
    if (!special) await rename(target, path);
    return result;
  } catch (error) {
    if (!special) await rm(target, { force: true });
    throw fileSystemError(error, `writing ${path}`);
  }
}
