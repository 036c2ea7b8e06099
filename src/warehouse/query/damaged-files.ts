import { open } from 'node:fs/promises';
import { escapePattern, RemoteError, SluiceError } from '../../core/spi/index.js';
import type { LocalPaths } from './scan-sql.js';

const PARQUET_END = 'PAR1';

/**
 * An error of the engine that names data files of the table: looks at those files, and says so when one is gone or cut. The
 * engine itself takes a missing file for a refused pattern, and a cut one for a wrong value. Anything else comes back as it is.
 */
export async function explainFileError(error: unknown, local: LocalPaths): Promise<unknown> {
  if (error instanceof SluiceError) return error;
  const text = error instanceof Error ? error.message : String(error);
  for (const [uri, path] of local) {
    if (![path, escapePattern(path)].some((form) => text.includes(form) || text.includes(jsonText(form)))) continue;
    const found = await lookAt(path);
    if (found === undefined) continue;
    return new RemoteError({
      code: found === 'no file' ? 'OBJECT_MISSING' : 'DATA_DAMAGED',
      message: `reading ${uri}: expected a Parquet file, found ${found}`,
      hint: 'the storage was changed from outside: restore the file from a backup, or go back to an older snapshot',
      retryable: false,
      cause: error,
    });
  }
  return error;
}

/** As it stands in those messages of the engine that are JSON. */
function jsonText(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** What is wrong with the file, or undefined. */
async function lookAt(path: string): Promise<string | undefined> {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      const end = Buffer.alloc(4);
      await file.read(end, 0, 4, Math.max(0, size - 4));
      return end.toString('latin1') === PARQUET_END ? undefined : `${size} bytes without the end of one`;
    } finally {
      await file.close();
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    return code === 'ENOENT' ? 'no file' : `that it cannot be read (${code ?? (error as Error).message})`;
  }
}
