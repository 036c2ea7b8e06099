import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { testCacheFolder } from './cache.js';

const run = promisify(execFile);

/** A folder for one server below the temporary folder; those of killed test processes, whose servers ended with them, are removed. */
export async function makeTempFolder(prefix: string): Promise<string> {
  await removeLeftovers(prefix);
  const folder = await mkdtemp(join(tmpdir(), `${prefix}${process.pid}-`));
  await chmod(folder, 0o711);
  return folder;
}

/** A template's path in the cache; `make` fills the folder it is given when no process did so before. */
export async function ensureTemplate(name: string, prefix: string, make: (folder: string) => Promise<void>): Promise<string> {
  const template = join(testCacheFolder(), name);
  if (existsSync(template)) return template;
  const folder = await makeTempFolder(prefix);
  try {
    const content = join(folder, 'data');
    await mkdir(content);
    await make(content);
    await mkdir(testCacheFolder(), { recursive: true });
    await publish(content, template);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return template;
}

/** Keeps owners and modes; holes stay holes, so that preallocated log files cost nothing. */
export async function copyTemplate(template: string, to: string): Promise<void> {
  await run('cp', ['-a', '--sparse=always', template, to]);
}

export function isRoot(): boolean {
  return process.getuid?.() === 0;
}

async function publish(content: string, template: string): Promise<void> {
  const copy = `${template}.${process.pid}`;
  await cp(content, copy, { recursive: true, preserveTimestamps: true });
  try {
    await rename(copy, template);
  } catch (error) {
    // Another process was first; its template is as good as ours.
    await rm(copy, { recursive: true, force: true });
    if (!existsSync(template)) throw error;
  }
}

async function removeLeftovers(prefix: string): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const owner = name.startsWith(prefix) ? Number.parseInt(name.slice(prefix.length), 10) : Number.NaN;
    if (Number.isNaN(owner) || isAlive(owner)) continue;
    await rm(join(tmpdir(), name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
