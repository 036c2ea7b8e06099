import type { PipelinePayload } from '../../job-payload.js';
import { jobRequest } from '../new-job.js';
import { notFound } from '../problem.js';
import { readTime } from '../read-time.js';
import type { Route } from '../route.js';
import { list, name, object, orNull, text, time } from '../schemas.js';

export const PIPELINE_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/api/v1/pipelines',
    name: 'listPipelines',
    tag: 'pipelines',
    summary: 'List the pipelines of the project that may be run by name.',
    scope: 'read',
    allDatabases: true,
    answer: {
      status: 200,
      description: 'Pipelines by name.',
      schema: object({
        pipelines: list(
          object({
            name: text('As `run` takes it.'),
            file: text('From the project’s root.'),
            pipeline: orNull(text('Within the file; null: all of it.')),
          }),
          'Pipelines.',
        ),
      }),
    },
    async handle({ services }) {
      const pipelines = await services.pipelines();
      return { json: { pipelines: pipelines.map((one) => ({ name: one.name, file: one.file, pipeline: one.pipeline ?? null })) } };
    },
  },
  {
    method: 'POST',
    path: '/api/v1/pipelines/{name}/run',
    name: 'runPipeline',
    tag: 'pipelines',
    summary: 'Run a pipeline of the project, as a job.',
    scope: 'write',
    allDatabases: true,
    params: { type: 'object', additionalProperties: false, required: ['name'], properties: { name: name('Of the pipeline.') } },
    body: {
      type: 'object',
      additionalProperties: false,
      properties: { scheduled_time: time('What `{{ scheduled_time }}` gives.') },
    },
    refusals: [409],
    answer: { status: 202, description: 'The job is queued.', schema: object({ job_id: text('Of the job.') }) },
    async handle({ services, params, body }) {
      const wanted = params['name'] ?? '';
      const pipeline = (await services.pipelines()).find((one) => one.name === wanted);
      if (!pipeline) throw notFound(`pipeline ${JSON.stringify(wanted)}`, 'GET /api/v1/pipelines lists them');
      const scheduledTime = readTime(body['scheduled_time'], 'body.scheduled_time');
      const payload: PipelinePayload = {
        kind: 'pipeline',
        file: pipeline.file,
        ...(pipeline.pipeline === undefined ? {} : { pipeline: pipeline.pipeline }),
        ...(scheduledTime === undefined ? {} : { scheduledTime }),
      };
      const job = jobRequest(
        { kind: 'pipeline', name: pipeline.name, payload, nominalTime: null, notBefore: await services.store.now() },
        { uses: await pipeline.connections() },
      );
      return { json: { job_id: await services.enqueue(job) } };
    },
  },
];
