import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ProjectConfig } from '../../core/config/index.js';
import { ConfigError, fileSystemError, type JobRecord, type JobResult, type JobStore } from '../../core/spi/index.js';

const SUFFIX = '.parquet';
/** A file without a job may be that of a try which has not ended. */
const ORPHAN_MS = 86_400_000;

/** Where results of SQL jobs are kept: beside the metastore's file, or where all processes of a shared metastore reach them. */
function resultsFolder(project: ProjectConfig): string {
  return project.metastore.type === 'sqlite' ? join(project.root, '.sluice', 'results') : join(project.storage.folder, '_sluice_results');
}

export function resultPath(project: ProjectConfig, jobId: string): string {
  return join(resultsFolder(project), `${jobId}${SUFFIX}`);
}

/** The kept result of a job. Errors: ConfigError RESULT_NONE, RESULT_EXPIRED. */
export async function findResult(job: JobRecord, now: number): Promise<NonNullable<JobResult['resultFile']> & { readonly path: string }> {
  const file = job.result?.resultFile;
  if (!file) {
    const why = job.status === 'success' ? 'it ran no SELECT whose result is kept' : `it is ${job.status}`;
    throw new ConfigError({
      code: 'RESULT_NONE',
      message: `job ${job.id} has no result: ${why}`,
      hint: 'results of SELECTs without into: and out: are kept',
    });
  }
  const path = fileURLToPath(file.uri);
  if (file.expiresAt > now && (await exists(path))) return { ...file, path };
  throw new ConfigError({
    code: 'RESULT_EXPIRED',
    message: `the result of job ${job.id} was kept until ${new Date(file.expiresAt).toISOString()}`,
    hint: `sluice job retry ${job.id} makes it anew; serve.result_retention_days says how long results are kept`,
  });
}

/** Deletes results whose time is over, and those whose job is gone. Answers how many. */
export async function expireResults(project: ProjectConfig, store: Pick<JobStore, 'getJob'>, now: number): Promise<number> {
  const folder = resultsFolder(project);
  let removed = 0;
  for (const name of await listFolder(folder)) {
    if (!name.endsWith(SUFFIX)) continue;
    const path = join(folder, name);
    const job = await store.getJob(name.slice(0, -SUFFIX.length));
    const expiresAt = job?.result?.resultFile?.expiresAt ?? ((await stat(path).catch(() => undefined))?.mtimeMs ?? now) + ORPHAN_MS;
    if (expiresAt > now) continue;
    await rm(path, { force: true });
    removed++;
  }
  return removed;
}

async function listFolder(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw fileSystemError(error, `listing ${folder}`);
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw fileSystemError(error, `reading ${path}`);
  }
}
