import type { JsonSchema, Route, RouteSchema } from './route.js';
import { PROBLEM_TYPE } from './problem.js';

const PROBLEM: JsonSchema = {
  type: 'object',
  required: ['title', 'status', 'code', 'message', 'request_id'],
  properties: {
    title: { type: 'string', description: 'Name of the status.' },
    status: { type: 'integer' },
    code: { type: 'string', description: 'Stable; see docs/reference/errors.md.' },
    message: { type: 'string', description: 'Place, what was expected, what was found.' },
    hint: { type: 'string', description: 'What to do.' },
    request_id: { type: 'string', description: 'Stands in the log of the server, too.' },
  },
};

const REFUSALS: Readonly<Record<number, string>> = {
  400: 'The request is wrong.',
  401: 'No key, or one that is wrong, revoked or expired.',
  403: 'The key may not do this.',
  404: 'There is no such thing, or the key may not know of it.',
  409: 'It is not in a state that allows this.',
  410: 'It is gone.',
  413: 'The body is too large.',
  415: 'The body is not JSON.',
  421: 'The Host header names another server.',
  422: 'The data, the time limit or the memory limit did not allow it.',
  429: 'Too many requests; Retry-After says when to come back.',
  503: 'A system behind the server does not answer.',
};

const TITLES: Readonly<Record<string, string>> = {
  service: 'The process itself',
  query: 'SQL over the tables',
  tables: 'Tables and views',
  jobs: 'Work that is queued, running or done',
  schedules: 'What runs by itself',
  pipelines: 'What may be run by name',
  runs: 'Loads and exports, and what they rejected',
};

/** The OpenAPI 3.1 document of the routes. */
export function makeOpenApi(routes: readonly Route[], version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) (paths[route.path] ??= {})[route.method.toLowerCase()] = operationOf(route);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Sluice',
      version,
      description:
        'Jobs, schedules, tables and queries of one project. Everything that runs is named: no request carries a config, a path or a connection.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    security: [{ key: [] }],
    tags: Object.entries(TITLES).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      securitySchemes: { key: { type: 'http', scheme: 'bearer', description: 'A key that `sluice key create` made.' } },
      schemas: { Problem: PROBLEM },
    },
  };
}

function operationOf(route: Route): object {
  const rights =
    route.scope === null ? 'Needs no key.' : `Needs the scope \`${route.scope}\`${route.allDatabases ? ' and a key for all databases' : ''}.`;
  return {
    operationId: route.name,
    tags: [route.tag],
    summary: route.summary,
    description: route.description === undefined ? rights : `${route.description}\n\n${rights}`,
    ...(route.scope === null ? { security: [] } : {}),
    parameters: [...parametersOf('path', route.params), ...parametersOf('query', route.query)],
    ...(route.body
      ? { requestBody: { required: (route.body.required ?? []).length > 0, content: { 'application/json': { schema: route.body } } } }
      : {}),
    responses: responsesOf(route),
  };
}

function parametersOf(where: 'path' | 'query', schema: RouteSchema | undefined): object[] {
  return Object.entries(schema?.properties ?? {}).map(([name, property]) => {
    const { description, ...rest } = property;
    return {
      name,
      in: where,
      required: where === 'path' || schema?.required?.includes(name) === true,
      ...(description === undefined ? {} : { description }),
      schema: rest,
    };
  });
}

function responsesOf(route: Route): object {
  const { status, description, schema, types } = route.answer;
  const content = schema ? { 'application/json': { schema } } : {};
  for (const type of types ?? []) Object.assign(content, { [type]: {} });
  const shared = route.scope === null ? [400, 421] : [400, 401, 403, 421, 429, 503];
  const named = route.params ? [404] : [];
  const bodied = route.method === 'POST' ? [413, 415] : [];
  const refusals = [...new Set([...shared, ...named, ...bodied, ...(route.refusals ?? [])])].sort();
  const problem = { [PROBLEM_TYPE]: { schema: { $ref: '#/components/schemas/Problem' } } };
  return {
    [status]: { description, ...(Object.keys(content).length > 0 ? { content } : {}) },
    ...Object.fromEntries(refusals.map((code) => [code, { description: REFUSALS[code] ?? '', content: problem }])),
  };
}
