import { HttpError } from '../problem.js';
import { METRICS_TYPE } from '../prometheus-text.js';
import type { Route } from '../route.js';
import { flag, object, text } from '../schemas.js';

export const SERVICE_ROUTES: readonly Route[] = [
  {
    method: 'GET',
    path: '/health',
    name: 'getHealth',
    tag: 'service',
    summary: 'Whether the process is alive. The only path that needs no key; it tells nothing else.',
    scope: null,
    answer: { status: 200, description: 'The process answers.', schema: object({ alive: flag('Always true.') }) },
    handle: () => ({ json: { alive: true } }),
  },
  {
    method: 'GET',
    path: '/ready',
    name: 'getReady',
    tag: 'service',
    summary: 'Whether the process can do its work: the metastore answers, and it is not about to stop.',
    scope: 'read',
    answer: {
      status: 200,
      description: 'It can.',
      schema: object({ ready: flag('Always true.'), version: text('Version of Sluice.') }),
    },
    refusals: [503],
    async handle({ services }) {
      const why = services.notReady?.();
      if (why !== undefined) throw new HttpError(503, { code: 'NOT_READY', message: why, hint: 'send requests to another process, or wait' });
      await services.store.now();
      return { json: { ready: true, version: services.version } };
    },
  },
  {
    method: 'GET',
    path: '/metrics',
    name: 'getMetrics',
    tag: 'service',
    summary: 'Figures for Prometheus; docs/http-api.md lists their names.',
    scope: 'read',
    allDatabases: true,
    answer: { status: 200, description: 'Prometheus text format.', types: ['text/plain'] },
    handle: async ({ services }) => ({ type: METRICS_TYPE, text: await services.metrics.text() }),
  },
  {
    method: 'GET',
    path: '/openapi.json',
    name: 'getOpenApi',
    tag: 'service',
    summary: 'This description.',
    scope: 'read',
    answer: { status: 200, description: 'An OpenAPI 3.1 document.', schema: { type: 'object' } },
    async handle({ services }) {
      const { makeOpenApi } = await import('../openapi.js');
      return { json: makeOpenApi(services.routes, services.version) };
    },
  },
];
