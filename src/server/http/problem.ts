import { STATUS_CODES } from 'node:http';
import { CancelledError, ConfigError, ConflictError, DataError, RemoteError, SluiceError } from '../../core/spi/index.js';

export const PROBLEM_TYPE = 'application/problem+json';

/** The body of every answer that is an error (RFC 9457 with our members). */
export interface Problem {
  readonly title: string;
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly request_id: string;
}

/** An error with its status, thrown by handlers and guards. Its message is shown to the client. */
export class HttpError extends SluiceError {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  constructor(status: number, details: { code: string; message: string; hint?: string }, headers: Readonly<Record<string, string>> = {}) {
    super(details);
    this.status = status;
    this.headers = headers;
  }
}

export function notFound(what: string, hint: string): HttpError {
  return new HttpError(404, { code: 'NOT_FOUND', message: `there is no ${what}`, hint });
}

export function invalidRequest(message: string, hint: string): HttpError {
  return new HttpError(400, { code: 'REQUEST_INVALID', message, hint });
}

/** What the client is told; `internal` errors are told by a code alone, and belong into the log. */
export function describeError(error: unknown, requestId: string): { readonly problem: Problem; readonly internal: boolean } {
  const status = statusOf(error);
  const make = (code: string, message: string, hint?: string): Problem => ({
    title: STATUS_CODES[status] ?? 'Error',
    status,
    code,
    message,
    ...(hint === undefined ? {} : { hint }),
    request_id: requestId,
  });
  if (error instanceof HttpError || (error instanceof SluiceError && status < 500))
    return { problem: make(error.code, error.message, error.hint), internal: false };
  if (status < 500) return { problem: describeFrameworkError(error, make), internal: false };
  const hint = 'the log of the server has the details under this request id';
  if (error instanceof RemoteError) return { problem: make(error.code, 'a system behind the server failed', hint), internal: true };
  return { problem: make('INTERNAL', 'the server failed; nothing is known to be wrong with the request', hint), internal: true };
}

const MEMORY = /MEMORY/;
/** Found missing after it was found: it went meanwhile. */
const UNKNOWN: ReadonlySet<string> = new Set(['JOB_UNKNOWN', 'RUN_UNKNOWN']);

function statusOf(error: unknown): number {
  if (error instanceof HttpError) return error.status;
  if (error instanceof ConfigError) return error.code === 'ACCESS_DENIED' ? 403 : UNKNOWN.has(error.code) ? 404 : 400;
  if (error instanceof ConflictError) return UNKNOWN.has(error.code) ? 404 : 409;
  if (error instanceof DataError || error instanceof CancelledError) return 422;
  // A query that needs more memory than it may have is a matter of the query.
  if (error instanceof RemoteError) return MEMORY.test(error.code) ? 422 : 503;
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : 500;
}

/** What fastify found wrong before a handler ran. Its texts are ours here: they may quote the request. */
function describeFrameworkError(error: unknown, make: (code: string, message: string, hint?: string) => Problem): Problem {
  switch ((error as { code?: unknown }).code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return make('REQUEST_TOO_LARGE', 'the request body is larger than this server takes', 'serve.http.max_request_bytes sets the limit');
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return make('MEDIA_TYPE', 'expected a body of type application/json', 'send Content-Type: application/json');
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return make('REQUEST_INVALID', 'the body is empty although its type is application/json', 'send {} or leave Content-Type out');
    default:
      return make('REQUEST_INVALID', 'the request is not one this server can read', 'the body must be JSON, the path and query well-formed');
  }
}
