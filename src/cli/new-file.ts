import { writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ConfigError, fileSystemError, makeFolders } from '../core/spi/index.js';

/** Writes a file that must not exist yet, unless `force`. Errors: ConfigError FILE_EXISTS, RemoteError FILE_SYSTEM. */
export async function writeNewFile(path: string, content: string, force: boolean): Promise<void> {
  try {
    await makeFolders(dirname(path));
    await writeFile(path, content, { flag: force ? 'w' : 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST')
      throw new ConfigError({ code: 'FILE_EXISTS', message: `${path} exists`, hint: '--force overwrites it', cause: error });
    throw fileSystemError(error, `writing ${path}`);
  }
}
