import { ConflictError, redactUrls } from '../../core/spi/index.js';
import type { PipelineConfig } from '../../core/config/index.js';
import type { RunSummary, RunEvent } from '../../core/engine/events.js';
import type { Pipeline } from '../../core/engine/pipeline.js';
import type { RunOptions } from '../../core/engine/services.js';
import { describeEvent, describeSummary } from './describe-event.js';
import { findCommitted } from './earlier-tries.js';
import { claimCommitted, guardCommit, type JobContext } from './job-context.js';

/** Longer than a lease outlives its holder: the run of a process that was killed can then be taken over. */
const LEASE_WAIT_MS = 45_000;
const LEASE_POLL_MS = 1000;
const PROGRESS_MS = 5000;

/** Runs the pipelines of a job one after the other; those that an earlier try of it committed are left out. */
export async function runPipelines(context: JobContext, configs: readonly PipelineConfig[]): Promise<void> {
  for (const config of configs) {
    for (const note of config.exec.notes) context.log('info', note);
    for (const pipeline of await context.session.pipelines(config)) {
      context.signal.throwIfAborted();
      await runOne(context, config, pipeline);
    }
  }
}

async function runOne(context: JobContext, config: PipelineConfig, pipeline: Pipeline): Promise<void> {
  const { job, session, log, totals } = context;
  const store = await session.metastore();
  const part = `${config.name}/${pipeline.stream ?? ''}`;
  const committed = await findCommitted(store, job, config.name, part);
  if (committed !== undefined) return addEarlier(context, committed);
  const beforeCommit = await guardCommit(context, config.name, part);
  const movesState = (context.payload as { movesState?: boolean }).movesState !== false && job.trigger !== 'backfill';
  const options: RunOptions = {
    resume: 'auto',
    hold: false,
    fullRefresh: false,
    dryRun: false,
    movesState,
    ...(context.scheduledTime === undefined ? {} : { scheduledTime: context.scheduledTime }),
    beforeCommit,
    origin: { file: config.file, definition: config.definition, name: config.name, job: job.id, part },
  };
  try {
    const summary = await runWhenFree(context, pipeline, options);
    totals.addRun(summary);
    log('info', describeSummary(summary));
    await claimCommitted(context);
  } catch (error) {
    if (!(error instanceof ConflictError) || error.code !== 'JOB_PART_COMMITTED') throw error;
    const earlier = await findCommitted(store, job, config.name, part);
    if (earlier === undefined) throw error;
    await addEarlier(context, earlier);
  }
}

async function addEarlier(context: JobContext, runId: string): Promise<void> {
  const { session, totals, log } = context;
  await claimCommitted(context);
  const run = await (await session.metastore()).getRun(runId);
  if (run?.summary) totals.addRun(run.summary as unknown as RunSummary);
  log('info', `an earlier try of this job committed run ${runId}; it is not repeated`);
}

/** The same pipeline may just be running elsewhere, or its process may have ended a moment ago. */
async function runWhenFree(context: JobContext, pipeline: Pipeline, options: RunOptions): Promise<RunSummary> {
  const { runPipeline } = await import('../../core/engine/run.js');
  const { session, signal, log } = context;
  const services = await session.services(tellProgress(context));
  const logger = { log: (level: 'debug' | 'info' | 'warn' | 'error', message: string) => log(level, redactUrls(message)) };
  const until = services.clock.now() + LEASE_WAIT_MS;
  for (let told = false; ; told = true) {
    try {
      return await runPipeline(pipeline, options, { ...services, signal, log: logger });
    } catch (error) {
      if (!(error instanceof ConflictError) || error.code !== 'LEASE_HELD' || services.clock.now() > until) throw error;
      if (!told) log('info', `waiting: ${error.message}`);
      await services.clock.sleep(LEASE_POLL_MS, signal);
    }
  }
}

function tellProgress({ log }: JobContext): (event: RunEvent) => void {
  let last = Date.now();
  return (event) => {
    if (event.event === 'progress') {
      if (Date.now() - last < PROGRESS_MS) return;
      last = Date.now();
    }
    const text = describeEvent(event);
    if (text !== undefined) log(event.event === 'retry' ? 'warn' : 'info', redactUrls(text));
  };
}
