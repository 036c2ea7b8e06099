import { createWriteStream } from 'node:fs';
import { rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileSystemError, type PluginContext } from '../../core/spi/index.js';

/**
 * Standard input can be read once only, but a load reads it several times (guess, data, places of rejects): its bytes are
 * kept in a temporary file of the run.
 */
export async function keepStdin(ctx: PluginContext): Promise<{ readonly path: string; readonly size: number }> {
  const path = join(ctx.tempDir, 'stdin');
  const size = await sizeIfThere(path);
  if (size !== undefined) return { path, size };
  try {
    await pipeline(process.stdin, createWriteStream(`${path}.part`), { signal: ctx.signal });
    await rename(`${path}.part`, path);
    return { path, size: (await stat(path)).size };
  } catch (error) {
    throw fileSystemError(error, 'reading standard input');
  }
}

async function sizeIfThere(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw fileSystemError(error, `looking at ${path}`);
  }
}
