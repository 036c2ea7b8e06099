import { resolve } from 'node:path';
import type { PipelineConfig, PipelineOptions } from '../../core/config/index.js';
import { didYouMean, type JsonObject } from '../../core/spi/index.js';
import type { PipelinePayload, SqlPayload } from '../job-payload.js';
import { scheduledText, type JobContext } from './job-context.js';
import { payloadError } from './job-error.js';

/** The pipelines of a file of the project, or of the definition that the job carries. */
export async function loadJobPipelines(context: JobContext, payload: PipelinePayload): Promise<readonly PipelineConfig[]> {
  const { job, session } = context;
  if (payload.definition) return loadDefinition(context, { name: payload.schedule ?? job.name, ...payload.definition });
  if (payload.file === undefined) throw payloadError(job, 'expected a pipeline file or a definition', 'give one of them');
  const { loadPipelines } = await import('../../core/config/index.js');
  const { rewriteSigned } = await import('../../embulk/index.js');
  const all = await loadPipelines(resolve(session.project.root, payload.file), { ...optionsOf(context), rewrite: rewriteSigned });
  if (payload.pipeline === undefined) return all;
  const chosen = all.filter(({ name }) => name === payload.pipeline);
  const names = all.map(({ name }) => name);
  if (chosen.length === 0)
    throw payloadError(
      job,
      `${payload.file} has no pipeline ${payload.pipeline}${didYouMean(payload.pipeline, names)}`,
      `its pipelines: ${names.join(', ')}`,
    );
  return chosen;
}

/** A statement whose result goes into a table or to an output. */
export async function loadSqlPipeline(context: JobContext, payload: SqlPayload, sql: string): Promise<readonly PipelineConfig[]> {
  const { job } = context;
  if (payload.into && payload.out) throw payloadError(job, 'into and out name two targets', 'leave one of them out');
  const { params, checks } = payload;
  return loadDefinition(context, {
    // Jobs without a schedule have nothing to do with each other.
    name: payload.schedule ?? `sql:${job.id}`,
    in: { type: 'query', sql, ...(params === undefined ? {} : { params }) },
    out: payload.into ? { type: 'warehouse', ...payload.into } : (payload.out as JsonObject),
    ...(checks === undefined || checks.length === 0 ? {} : { checks }),
  });
}

export async function loadDefinition(context: JobContext, definition: JsonObject): Promise<readonly PipelineConfig[]> {
  const { loadPipelineDocument, makeDocument } = await import('../../core/config/index.js');
  return loadPipelineDocument(makeDocument(definition, String(definition['name'])), optionsOf(context));
}

function optionsOf({ session, env, scheduledTime }: JobContext): PipelineOptions & { readonly project: JobContext['session']['project'] } {
  const { registry, project } = session;
  return { registry, project, env, cwd: project.root, ...(scheduledTime === undefined ? {} : { scheduledTime: scheduledText(scheduledTime) }) };
}
