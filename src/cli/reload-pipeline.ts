import { existsSync } from 'node:fs';
import type { PipelineConfig } from '../core/config/index.js';
import type { Pipeline } from '../core/engine/pipeline.js';
import { ConfigError, type JsonObject, type RunRecord } from '../core/spi/index.js';
import type { CommandContext } from './command.js';
import { EmbulkForm } from './embulk-form.js';
import type { Session } from './session.js';

/**
 * The pipeline as it was when the run was planned: from its file where that still says the same, else from the config that is
 * stored with the run (the file was changed or is gone, or there never was one).
 */
export async function reloadPipeline(context: CommandContext, session: Session, run: RunRecord): Promise<Pipeline> {
  const { loadPipelineDocument, loadPipelines, makeDocument } = await import('../core/config/index.js');
  const { environment } = context;
  const options = { registry: session.registry, project: session.project, env: environment.env, cwd: environment.cwd };
  const origin = run.plan['origin'] as JsonObject | undefined;
  const replayOf = origin?.['replay_of'];
  const replayed = typeof replayOf === 'string' ? await (await session.metastore()).getRun(replayOf) : undefined;
  // A replay of rejects has no config of its own: it ran through that of the run that rejected them.
  if (replayed) return reloadPipeline(context, session, replayed);
  const { rewrite } = new EmbulkForm(context, { root: session.project.root, again: { embulk: origin?.['embulk'] === true } });
  const file = origin?.['file'];
  const fits = (config: PipelineConfig): boolean => config.hash === run.configHash && config.name === run.key.pipeline;
  if (typeof file === 'string' && existsSync(file)) {
    const same = (await loadPipelines(file, { ...options, rewrite }).catch(ignoreBrokenFile(context, file))).find(fits);
    if (same) return streamOf(run, await session.pipelines(same));
  }
  const definition = origin?.['definition'] as JsonObject | undefined;
  if (definition === undefined) {
    throw new ConfigError({
      code: 'RUN_WITHOUT_CONFIG',
      message: `run ${run.runId} holds no config`,
      hint:
        run.plan['sql'] === undefined
          ? 'run its config again: the new run takes its place'
          : `it is a statement of SQL that did not end: what it left goes with the next statement that writes ${run.targetName}, or with sluice maintain`,
    });
  }
  const document = makeDocument({ name: run.key.pipeline, ...definition }, `the config of run ${run.runId}`);
  const [config] = await loadPipelineDocument(document, options);
  if (!config)
    throw new ConfigError({
      code: 'RUN_WITHOUT_CONFIG',
      message: `the config of run ${run.runId} holds no pipeline`,
      hint: 'run the config again; the new run takes its place',
    });
  return streamOf(run, await session.pipelines(config));
}

function streamOf(run: RunRecord, pipelines: readonly Pipeline[]): Pipeline {
  const found = pipelines.find((pipeline) => (pipeline.stream ?? '') === run.key.stream);
  if (found) return found;
  throw new ConfigError({
    code: 'STREAM_GONE',
    message: `run ${run.runId} loaded the stream ${run.key.stream}, which its source no longer has`,
    hint: 'run the config again; the new run takes its place',
  });
}

/** A file that was broken since does not matter: the run holds its own config. */
function ignoreBrokenFile(context: CommandContext, file: string): (error: unknown) => readonly PipelineConfig[] {
  return (error) => {
    if (!(error instanceof ConfigError)) throw error;
    context.out.logger.log('info', 'the config file does not load, so the config stored with the run is used', { file, error: error.code });
    return [];
  };
}
