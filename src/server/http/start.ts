import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import { resolve } from 'node:path';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ConfigError, fileSystemError, type ApiKeyRecord, type JsonObject } from '../../core/spi/index.js';
import type { Span } from '../../core/telemetry/index.js';
import { createKeyUses } from '../keys/key-uses.js';
import type { HttpDependencies } from './dependencies.js';
import { accessOf, createGuard } from './guard.js';
import { createMetrics } from './metrics.js';
import { HttpError, PROBLEM_TYPE, describeError, notFound } from './problem.js';
import { createQuerySlots } from './query-slots.js';
import type { Answer, Call, HttpServices, Route } from './route.js';
import { ROUTES } from './routes/index.js';
import { createValidation } from './validation.js';

const HEADERS_TIMEOUT_MS = 15_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** A connection on which nothing moves for so long is closed. */
const IDLE_MS = 120_000;
const MOST_CONNECTIONS = 1_000;
const FLUSH_MS = 5_000;

export interface HttpServer {
  /** `http://127.0.0.1:8321`. */
  readonly address: string;
  /** Takes no more requests, lets those that run end for `graceMs` (default 5,000), then cuts them. */
  close(graceMs?: number): Promise<void>;
}

/** Starts the HTTP API. Errors: ConfigError HTTP_ADDRESS when the address cannot be had, HTTP_TLS for its files. */
export async function startHttp(dependencies: HttpDependencies): Promise<HttpServer> {
  const { config, log, store, traces } = dependencies;
  const slots = createQuerySlots(config.query);
  const metrics = createMetrics(dependencies, slots);
  const services: HttpServices = { ...dependencies, slots, metrics, routes: ROUTES };
  const uses = createKeyUses(store);
  const guard = createGuard(services, uses, metrics);
  const stopping = new AbortController();
  const tls = await readTls(dependencies);
  const { fastify } = await import('fastify');
  const options = {
    logger: false,
    bodyLimit: config.maxRequestBytes,
    connectionTimeout: Math.max(IDLE_MS, config.query.timeoutSecs * 1000 + REQUEST_TIMEOUT_MS),
    requestTimeout: REQUEST_TIMEOUT_MS,
    exposeHeadRoutes: false,
    return503OnClosing: false,
    genReqId: () => randomUUID(),
    // As long as a request's head may be: the schema says what is too long, in the documented form.
    routerOptions: { maxParamLength: 16_384 },
  } as const;
  const app = (tls ? fastify({ ...options, https: tls }) : fastify(options)) as unknown as FastifyInstance;
  (app.server as Server).maxConnections = MOST_CONNECTIONS;
  (app.server as Server).headersTimeout = HEADERS_TIMEOUT_MS;
  app.removeContentTypeParser('text/plain');
  app.setValidatorCompiler(await createValidation());
  // Answers are made by handlers; a serialiser of its own would only be a second opinion on their shape.
  app.setSerializerCompiler(() => (value) => JSON.stringify(value));

  const keyOf = new WeakMap<FastifyRequest, ApiKeyRecord>();
  const spanOf = new WeakMap<FastifyRequest, Span>();
  const routeOf = (request: FastifyRequest): Route | undefined => (request.routeOptions.config as { route?: Route } | undefined)?.route;
  const labelOf = (request: FastifyRequest): string => routeOf(request)?.path ?? 'none';

  app.addHook('onRequest', async (request, reply) => {
    secureHeaders(reply, request);
    const route = routeOf(request);
    const span = traces?.begin({
      method: request.method,
      route: route?.path,
      secure: tls !== undefined,
      httpVersion: request.raw.httpVersion,
      id: request.id,
      traceparent: oneHeader(request, 'traceparent'),
      tracestate: oneHeader(request, 'tracestate'),
    });
    if (span) spanOf.set(request, span);
    const caller = {
      host: request.headers.host ?? (request.headers[':authority'] as string | undefined),
      authorization: request.headers.authorization,
      remoteAddress: request.socket.remoteAddress ?? '',
      localAddress: request.socket.localAddress,
    };
    keyOf.set(request, await guard.admit(caller, route && { scope: route.scope, allDatabases: route.allDatabases === true }));
  });
  app.addHook('onResponse', (request, reply, done) => {
    const seconds = reply.elapsedTime / 1000;
    const span = spanOf.get(request);
    if (span) traces?.end(span, reply.statusCode);
    metrics.request(labelOf(request), request.method, reply.statusCode, seconds);
    const key = keyOf.get(request)?.id;
    log.log('debug', 'request', {
      route: labelOf(request),
      method: request.method,
      status: reply.statusCode,
      ms: Math.round(reply.elapsedTime),
      request_id: request.id,
      ...(key === undefined ? {} : { key }),
    });
    done();
  });
  app.setNotFoundHandler(() => {
    throw notFound('such path or method', '/openapi.json lists them all');
  });
  app.setErrorHandler((error, request, reply) => sendProblem(error, request, reply, services));

  for (const route of ROUTES) {
    app.route({
      method: route.method,
      url: route.path.replaceAll(/\{(\w+)\}/g, ':$1'),
      config: { route },
      schema: {
        ...(route.params ? { params: route.params } : {}),
        querystring: route.query ?? { type: 'object', additionalProperties: false, properties: {} },
        ...(route.method === 'POST' ? { body: route.body ?? { type: 'object', additionalProperties: false, properties: {} } } : {}),
      },
      preValidation: (request, _reply, done) => {
        if (route.method === 'POST') request.body ??= {};
        done();
      },
      handler: async (request, reply) => {
        const key = keyOf.get(request);
        if (!key) throw new HttpError(401, { code: 'KEY_MISSING', message: 'this needs an API key' });
        const gone = new AbortController();
        reply.raw.once('close', () => {
          if (!reply.raw.writableFinished) gone.abort(new Error('the client went away'));
        });
        const call: Call = {
          services,
          key,
          access: accessOf(key),
          params: (request.params ?? {}) as Call['params'],
          query: request.query as Call['query'],
          body: (request.body ?? {}) as JsonObject,
          signal: AbortSignal.any([gone.signal, stopping.signal]),
        };
        const handle = (): Promise<Answer> | Answer => route.handle(call);
        return sendAnswer(await (traces ? traces.within(spanOf.get(request), handle) : handle()), route, reply);
      },
    });
  }

  const flush = (): Promise<void> =>
    uses.flush().catch((error: unknown) => log.log('warn', 'uses of API keys could not be recorded yet', { error: (error as Error).message }));
  let flushing = Promise.resolve();
  const timer = setInterval(() => {
    flushing = flushing.then(flush);
  }, FLUSH_MS);
  timer.unref();
  const close = async (graceMs = 5_000): Promise<void> => {
    clearInterval(timer);
    const cut = setTimeout(() => {
      stopping.abort(new Error('the server stops'));
      (app.server as Server).closeAllConnections();
    }, graceMs);
    try {
      await app.close();
    } finally {
      clearTimeout(cut);
      await flushing;
      await flush();
    }
  };
  try {
    const address = await app.listen({ host: config.host, port: config.port });
    if (!tls && !isLoopback(config.host))
      log.log('warn', 'the HTTP API answers beyond this machine without TLS: put serve.http.tls or a proxy that speaks TLS before it', { address });
    return { address, close };
  } catch (error) {
    await close(0);
    throw new ConfigError({
      code: 'HTTP_ADDRESS',
      message: `serve.http: cannot listen on ${config.host}:${config.port}: ${(error as NodeJS.ErrnoException).code ?? 'refused'}`,
      hint: 'another process may have the port; change serve.http.port or serve.http.host',
      cause: error,
    });
  }
}

function oneHeader({ headers }: FastifyRequest, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(',') : value;
}

function secureHeaders(reply: FastifyReply, request: FastifyRequest): void {
  void reply.headers({
    'x-request-id': request.id,
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-store',
    'content-security-policy': "default-src 'none'",
  });
}

function sendAnswer(answer: Answer, route: Route, reply: FastifyReply): FastifyReply {
  void reply.status(answer.status ?? route.answer.status);
  if ('json' in answer) return reply.type('application/json; charset=utf-8').send(JSON.stringify(answer.json));
  if ('text' in answer) return reply.type(answer.type).send(answer.text);
  return reply
    .type(answer.type)
    .headers(answer.headers ?? {})
    .send(answer.stream);
}

function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply, { log }: HttpServices): void {
  const { problem, internal } = describeError(error, request.id);
  if (internal)
    log.log('error', 'a request failed', {
      request_id: request.id,
      status: problem.status,
      code: problem.code,
      error: (error as Error | null)?.message,
    });
  if (error instanceof HttpError) void reply.headers(error.headers);
  void reply.status(problem.status).type(PROBLEM_TYPE).send(JSON.stringify(problem));
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

async function readTls({ config, root }: HttpDependencies): Promise<{ readonly cert: Buffer; readonly key: Buffer } | undefined> {
  if (!config.tls) return undefined;
  const read = async (file: string, key: string): Promise<Buffer> => {
    try {
      return await readFile(resolve(root, file));
    } catch (error) {
      throw new ConfigError({
        code: 'HTTP_TLS',
        message: `serve.http.tls.${key}: ${(fileSystemError(error, `reading ${file}`) as Error).message}`,
        hint: 'name a PEM file that this process may read',
        cause: error,
      });
    }
  };
  return { cert: await read(config.tls.certFile, 'cert_file'), key: await read(config.tls.keyFile, 'key_file') };
}
