import { ConflictError, DataError, SluiceError, type Lease } from '../spi/index.js';
import { accountingError } from './accounting-error.js';
import type { Execution } from './execution.js';
import type { Pipeline } from './pipeline.js';
import type { RejectRow } from './rejects.js';
import { taskCount, type RunPlan } from './run-plan.js';
import type { EngineServices } from './services.js';

/** Stores how a run failed, and puts the run's id on its error. Failing to do so is told and no more. */
export async function recordFailure(runId: string, error: unknown, lease: Lease, { store, log }: EngineServices): Promise<void> {
  if (error instanceof ConflictError && error.code === 'LEASE_LOST') return;
  const cancelled = error instanceof SluiceError && error.exitCode === 130;
  const rejects = (error as { rejects?: readonly RejectRow[] }).rejects;
  try {
    if (rejects) await store.keepRejects(runId, rejects);
    const facts =
      error instanceof SluiceError
        ? {
            code: error.code,
            message: error.message,
            ...(error.hint === undefined ? {} : { hint: error.hint }),
            ...((await rowsAreAtFault(runId, error, store)) ? { rowsAtFault: true } : {}),
          }
        : { code: 'UNEXPECTED', message: error instanceof Error ? error.message : String(error) };
    await store.finishRun(runId, cancelled ? 'cancelled' : 'failed', { summary: null, error: facts }, lease);
  } catch (recording) {
    // The run's own error matters more; the run stays 'running' in the store and is continued all the same.
    log.log('warn', 'the failure could not be recorded', { error: recording instanceof Error ? recording.message : String(recording) });
  }
  if (error instanceof SluiceError) Object.assign(error, { runId });
}

/** Whether to go on from the finished tasks would only meet the same rows again. */
async function rowsAreAtFault(runId: string, error: SluiceError, store: EngineServices['store']): Promise<boolean> {
  if (error.code === 'SQL_COLUMNS_CHANGED') return true;
  if (!(error instanceof DataError) && error.code !== 'SQL_VALUE') return false;
  const run = await store.getRun(runId);
  return run !== undefined && (await store.finishedTasks(runId)).length >= taskCount(run.plan['plan'] as unknown as RunPlan);
}

export function begunRun(runId: string, difference: string): ConflictError {
  return new ConflictError({
    code: 'COMMIT_BEGUN',
    message: `run ${runId} has committed in some of its targets and must be completed first, but ${difference}`,
    hint: 'undo that change, run to complete the commit, then change it again',
  });
}

export function assertBalance(execution: Execution, name: string): void {
  const { read, added, written, filtered, rejected } = execution.totals;
  if (read + added === written + filtered + rejected) return;
  throw accountingError(name, `${read} read + ${added} added, but ${written} written + ${filtered} filtered + ${rejected} rejected`);
}

/** A replace that read nothing would leave nothing. */
export function refuseEmptyReplace(pipeline: Pipeline, plan: RunPlan): void {
  const { config } = pipeline.output;
  // A period may well have no rows; the rest of the table stays.
  if (config['allow_empty'] === true || config['replace_where'] !== undefined) return;
  throw new DataError({
    code: 'NOTHING_READ',
    message: `${pipeline.name}: nothing to read, and this run would replace ${plan.output.name} with nothing`,
    hint: 'set out.allow_empty: true if an empty table is right',
  });
}
