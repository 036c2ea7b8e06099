import { ConflictError, type Lease, type RunRecord, type RunStatus } from '../../core/spi/index.js';
import { SQL_PIPELINE } from '../query/sql-run.js';
import { removeStaged } from '../write/remove-files.js';
import type { RunUpkeep } from './report.js';
import type { MaintainTools } from './settings.js';

/** How long a run that failed can be resumed before upkeep ends it. */
const RESUMABLE = 72 * 3_600_000;
/** A run that died is still called running. */
const UNFINISHED: readonly RunStatus[] = ['failed', 'cancelled', 'running'];

/**
 * Discards runs that failed, were cancelled or died more than three days ago and left files in the warehouse. Held runs wait for
 * their owner, living ones hold their lease, and runs of other outputs are ended by `sluice discard`.
 */
export async function discardLeftOvers(tools: MaintainTools, dryRun: boolean): Promise<readonly RunUpkeep[]> {
  const { metastore, clock } = tools;
  const oldest = clock.now() - RESUMABLE;
  const ended: RunUpkeep[] = [];
  for (const status of UNFINISHED) {
    for (const run of await metastore.listRuns({ status })) {
      if ((run.finishedAt ?? run.startedAt) > oldest) continue;
      const paths = (await metastore.stagedPaths(run.runId)).map((p) => p.path).filter((path) => path !== '');
      const files = paths.filter(isUri);
      if (files.length === 0 || !files.every((path) => path.startsWith(`${tools.storage.root}/`))) continue;
      if (!dryRun && !(await discard(tools, run, paths))) continue;
      ended.push({ runId: run.runId, table: run.targetName, paths: files.length });
    }
  }
  return ended;
}

/** Other recorded paths are folders on the machine of the run, which the engine sweeps once the run has ended. */
function isUri(path: string): boolean {
  return /^[a-z0-9+.-]+:\/\//i.test(path);
}

async function discard(tools: MaintainTools, run: RunRecord, paths: readonly string[]): Promise<boolean> {
  const { metastore } = tools;
  const lease = await tryLease(tools, run);
  if (!lease) return false;
  try {
    const now = await metastore.getRun(run.runId);
    if (now?.status !== run.status) return false;
    await removeStaged(tools.storage, paths.filter(isUri));
    await metastore.forgetStaging(run.runId, paths);
    await metastore.finishRun(run.runId, 'discarded', { summary: now.summary, error: now.error }, lease);
    return true;
  } finally {
    await metastore.releaseLease(lease);
  }
}

/** The lease that the run itself would take. */
async function tryLease({ metastore }: MaintainTools, run: RunRecord): Promise<Lease | undefined> {
  const key = run.key.pipeline === SQL_PIPELINE ? run.key : { ...run.key, target: `warehouse:${run.targetName}` };
  try {
    return await metastore.acquireLease(key, 'upkeep');
  } catch (error) {
    if (error instanceof ConflictError && error.code === 'LEASE_HELD') return undefined;
    throw error;
  }
}
