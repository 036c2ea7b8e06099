import { ConflictError, type JobRecord, type JsonObject, type RunStore } from '../../core/spi/index.js';

/** Runs of a pipeline among which an earlier try's one is looked for. */
const RECENT = 200;
/** Clocks of the machines that run jobs may differ so much. */
const CLOCK_SKEW_MS = 600_000;

/**
 * The run with which an earlier try of this job committed a part (a stream of a pipeline, a statement), such as one whose process
 * ended before it could say so. To be sure, ask while the run's lease is held.
 */
export async function findCommitted(store: RunStore, job: JobRecord, pipeline: string, part: string): Promise<string | undefined> {
  // Its first claim has fence 1.
  if (job.fence <= 1) return undefined;
  const runs = await store.listRuns({ pipeline, status: 'committed', limit: RECENT });
  const mine = runs.find((run) => {
    const origin = run.plan['origin'] as JsonObject | undefined;
    return origin?.['job'] === job.id && origin['part'] === part && run.startedAt > job.createdAt - CLOCK_SKEW_MS;
  });
  return mine?.runId;
}

/** Thrown within a commit when an earlier try made it meanwhile. */
export function partCommitted(job: JobRecord, runId: string): ConflictError {
  return new ConflictError({
    code: 'JOB_PART_COMMITTED',
    message: `job ${job.id}: an earlier try committed this as run ${runId}`,
    hint: 'nothing to do',
  });
}
