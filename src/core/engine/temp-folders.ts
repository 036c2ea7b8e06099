import { readdir, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileSystemError, makeFolders } from '../spi/index.js';
import type { EngineServices } from './services.js';

/** Empty folders of processes that died while planning are this old, in milliseconds, before they go. */
const EMPTY_AGE = 86_400_000;

/** Makes a folder and those above it. Errors: those of `fileSystemError`. */
export async function makeTempFolder(folder: string): Promise<void> {
  try {
    await makeFolders(folder);
  } catch (error) {
    throw fileSystemError(error, `making the folder ${folder}`);
  }
}

/**
 * Removes temp folders of runs that have ended: a process that dies between its commit and its clean-up leaves one, and the
 * commit has forgotten its name. Folders of runs that this metastore does not know may be another project's.
 */
export async function sweepTempFolders(base: string, services: EngineServices): Promise<void> {
  for (const name of await readdir(base).catch(noneWhereMissing)) {
    const folder = join(base, name);
    const runId = /^run-(.+)$/.exec(name)?.[1];
    const run = runId === undefined ? undefined : await services.store.getRun(runId);
    if (run?.status === 'committed' || run?.status === 'discarded') await removeTemp(folder, services);
    else if (run === undefined && /^(run|plan|check|preview)-/.test(name)) await removeEmpty(folder, services.clock.now());
  }
}

/** Nothing depends on the removal of a temp folder, so a failure is told and no more. */
export async function removeTemp(folder: string, services: EngineServices): Promise<void> {
  try {
    await rm(folder, { recursive: true, force: true });
  } catch (error) {
    services.log.log('warn', 'a temporary folder could not be removed', { folder, error: (error as Error).message });
  }
}

async function removeEmpty(folder: string, now: number): Promise<void> {
  const facts = await stat(folder).catch(noneWhereMissing);
  if (Array.isArray(facts) || now - facts.mtimeMs < EMPTY_AGE) return;
  await rmdir(join(folder, 'spill')).catch(noneWhereMissing);
  await rmdir(folder).catch(noneWhereMissing);
}

function noneWhereMissing(error: NodeJS.ErrnoException): never[] {
  if (error.code === 'ENOENT' || error.code === 'ENOTEMPTY' || error.code === 'ENOTDIR' || error.code === 'EEXIST') return [];
  throw error;
}
