import { parseTraceparent, type Span, type Tracer } from '../../core/telemetry/index.js';

/** What is known of a request when it comes. */
export interface IncomingRequest {
  readonly method: string;
  /** As in the OpenAPI document; undefined: none fits. */
  readonly route: string | undefined;
  readonly secure: boolean;
  readonly httpVersion: string;
  readonly id: string;
  readonly traceparent: string | undefined;
  readonly tracestate: string | undefined;
}

/** Asked every few seconds by machines; a span each would only be noise. */
const UNTRACED = new Set(['/health', '/ready', '/metrics']);
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH']);

/** Spans of requests, by https://opentelemetry.io/docs/specs/semconv/http/http-spans/. Paths and queries may hold values: they are left out. */
export class RequestTraces {
  readonly #tracer: Tracer;

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  begin({ method, route, secure, httpVersion, id, traceparent, tracestate }: IncomingRequest): Span | undefined {
    if (route !== undefined && UNTRACED.has(route)) return undefined;
    const verb = METHODS.has(method) ? method : '_OTHER';
    return this.#tracer.start(route === undefined ? verb : `${verb} ${route}`, {
      kind: 'server',
      parent: parseTraceparent(traceparent, tracestate) ?? null,
      attributes: {
        'http.request.method': verb,
        'http.route': route,
        'url.scheme': secure ? 'https' : 'http',
        'network.protocol.version': httpVersion,
        'sluice.request.id': id,
      },
    });
  }

  within<T>(span: Span | undefined, work: () => T): T {
    return span ? this.#tracer.within(span, work) : work();
  }

  end(span: Span, status: number): void {
    span.set({ 'http.response.status_code': status });
    if (status >= 500) span.fail(String(status));
    span.end();
  }
}
