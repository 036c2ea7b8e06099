import { randomUUID } from 'node:crypto';
import { access, constants, mkdir, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileSystemError } from '../core/spi/index.js';

/**
 * Finds out whether files can be written below a folder, which need not exist yet. Throws RemoteError FILE_SYSTEM, DISK_FULL.
 * Nothing is left behind.
 */
export async function probeFolder(folder: string, what: string): Promise<void> {
  try {
    const found = await stat(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (!found) return await probeParent(folder, what);
    // Permission bits do not tell about read-only mounts and full disks: try it.
    const probe = join(folder, `.sluice-check-${randomUUID()}`);
    await writeFile(probe, 'sluice check', { flag: 'wx' });
    await rm(probe);
  } catch (error) {
    throw fileSystemError(error, `writing to ${what} ${folder}`);
  }
}

async function probeParent(folder: string, what: string): Promise<void> {
  const parent = dirname(folder);
  const found = await stat(parent).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' && parent !== folder) return undefined;
    throw error;
  });
  if (!found) return probeParent(parent, what);
  await access(parent, constants.W_OK);
  // Some folders take none below them, whatever their permissions say (/proc, automount points).
  const probe = join(parent, `.sluice-check-${randomUUID()}`);
  await mkdir(probe);
  await rmdir(probe);
}
