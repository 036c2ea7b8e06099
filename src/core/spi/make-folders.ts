import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Others may delete empty folders meanwhile. */
const TRIES = 5;

/**
 * Makes a folder and those above it; the answer is the first one made, undefined when all were there. Like Node's own recursive
 * `mkdir`, which never ends where the system says ENOENT below a folder that exists (/proc, automount points).
 */
export function makeFolders(folder: string): Promise<string | undefined> {
  return makeWithin(folder, TRIES);
}

async function makeWithin(folder: string, tries: number): Promise<string | undefined> {
  try {
    return await makeOne(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || tries === 0) throw error;
    const above = await makeFolders(dirname(folder));
    const made = await makeWithin(folder, tries - 1);
    return above ?? made;
  }
}

async function makeOne(folder: string): Promise<string | undefined> {
  try {
    await mkdir(folder);
    return folder;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    // Refuses a file of that name.
    await mkdir(folder, { recursive: true });
    return undefined;
  }
}
