import { ConfigError, RemoteError, redactUrls, SluiceError } from '../../../core/spi/index.js';
import { REFUSED_ADDRESS } from '../network-rules.js';

/** The parts of an error of Google's client that mean something; it also holds the request, which is never shown. */
interface ClientError {
  readonly code?: unknown;
  readonly name?: unknown;
  readonly message?: unknown;
  readonly cause?: unknown;
  readonly response?: {
    readonly status?: number;
    readonly data?: unknown;
    readonly headers?: { get?(name: string): string | null };
  };
}

interface ServerError {
  readonly status?: string;
  readonly message?: string;
  readonly details?: readonly { readonly reason?: string }[];
}

/** What is asked of whom, for messages. */
export interface CallSubject {
  /** The service, e.g. `Google Analytics`. */
  readonly service: string;
  /** A gerund, e.g. `reading the report of 2024-05-03`. */
  readonly doing: string;
  /** What must be granted or corrected when access is denied. */
  readonly accessHint: string;
}

export interface CallFailure {
  readonly error: SluiceError;
  /** The access token was not accepted: one with a fresh token is worth a try. */
  readonly unauthenticated: boolean;
  /** How long the server asked to wait. */
  readonly retryAfterMs: number | undefined;
}

const MAX_MESSAGE = 400;

/** Reads an error of Google's client into one of ours, by status and code. */
export function readFailure(error: unknown, subject: CallSubject, now: number): CallFailure {
  if (error instanceof SluiceError) return { error, unauthenticated: false, retryAfterMs: undefined };
  const { response } = error as ClientError;
  const status = response?.status;
  if (status === undefined) return { error: networkFailure(error, subject.service, subject.doing), unauthenticated: false, retryAfterMs: undefined };
  return {
    error: statusError(status, serverErrorOf(response?.data), subject),
    unauthenticated: status === 401,
    retryAfterMs: readRetryAfter(response?.headers?.get?.('retry-after'), now),
  };
}

function statusError(status: number, server: ServerError | undefined, subject: CallSubject): SluiceError {
  const said = server?.message === undefined ? 'without a message' : cleanMessage(server.message);
  const message = `${subject.service}: ${subject.doing}: status ${status}${server?.status === undefined ? '' : ` ${server.status}`}: ${said}`;
  if (status === 429 || server?.status === 'RESOURCE_EXHAUSTED') {
    const hint = 'the quota is used up for now: run again later (what was finished is kept), or ask for less at once';
    return new RemoteError({ code: 'GOOGLE_QUOTA', message, hint, retryable: true });
  }
  if (status === 401) {
    const hint = 'the token was refused, also a fresh one: check the credentials and their scopes';
    return new RemoteError({ code: 'GOOGLE_UNAUTHENTICATED', message, hint, retryable: false });
  }
  if (status === 403) {
    const disabled = server?.details?.some((detail) => detail.reason === 'SERVICE_DISABLED') === true;
    const hint = disabled ? 'enable the API in the Google Cloud project of these credentials' : subject.accessHint;
    return new RemoteError({ code: 'GOOGLE_ACCESS_DENIED', message, hint, retryable: false });
  }
  if (status === 404) return new RemoteError({ code: 'GOOGLE_NOT_FOUND', message, hint: subject.accessHint, retryable: false });
  if (status === 400) {
    return new ConfigError({ code: 'GOOGLE_REQUEST', message, hint: 'change what the message names; the server refused the request as it is' });
  }
  if (status === 408 || status >= 500) {
    const hint = 'the service failed on its side: run again later (what was finished is kept)';
    return new RemoteError({ code: 'GOOGLE_UNAVAILABLE', message, hint, retryable: true });
  }
  return new RemoteError({
    code: 'GOOGLE_BAD_ANSWER',
    message,
    hint: 'check the endpoint, and whether a proxy answers in its place',
    retryable: false,
  });
}

const NETWORK_HINT = 'check the network, and a proxy or firewall between this machine and Google';

/** An error without an answer: refused, cut, timed out. */
export function networkFailure(error: unknown, whom: string, doing = 'asking for a token'): RemoteError {
  const { code, name, cause } = error as ClientError;
  const inner = (cause ?? {}) as ClientError;
  const found = [code, inner.code].find((c): c is string => typeof c === 'string' && /^[A-Z][A-Z0-9_]+$/.test(c));
  const place = `${whom}: ${doing}`;
  if (found === REFUSED_ADDRESS) {
    return new RemoteError({
      code: 'ADDRESS_REFUSED',
      message: `${place}: the host name stands for a link-local or metadata address`,
      hint: 'name a public endpoint; such addresses are never asked',
      retryable: false,
    });
  }
  if (isTimeout(name, inner.name, found)) {
    return new RemoteError({ code: 'GOOGLE_TIMEOUT', message: `${place}: no answer within the time limit`, hint: NETWORK_HINT, retryable: true });
  }
  if (found !== undefined && /^(CERT_|ERR_TLS|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED)/.test(found)) {
    return new RemoteError({
      code: 'GOOGLE_CERTIFICATE',
      message: `${place}: the certificate was not accepted (${found})`,
      hint: 'check the clock and the trusted certificates (NODE_EXTRA_CA_CERTS)',
      retryable: false,
    });
  }
  return new RemoteError({
    code: 'GOOGLE_UNREACHABLE',
    message: `${place}: the connection failed (${found ?? 'no code'})`,
    hint: NETWORK_HINT,
    retryable: true,
  });
}

function isTimeout(...words: readonly unknown[]): boolean {
  return words.some((word) => word === 'TimeoutError' || word === 'AbortError' || word === 'ETIMEDOUT');
}

/** `{error: {…}}` of a JSON answer. Any other body, such as a proxy's page, says nothing that is worth showing. */
function serverErrorOf(data: unknown): ServerError | undefined {
  const error = (data as { error?: unknown } | null | undefined)?.error;
  if (typeof error !== 'object' || error === null) return undefined;
  const { status, message, details } = error as { [key: string]: unknown };
  return {
    ...(typeof status === 'string' && /^[A-Z_]{1,40}$/.test(status) ? { status } : {}),
    ...(typeof message === 'string' ? { message } : {}),
    ...(Array.isArray(details) ? { details: details as { reason?: string }[] } : {}),
  };
}

/** One line, of bounded length, without anything that looks like a token. */
function cleanMessage(text: string): string {
  const line = redactUrls(text)
    .replaceAll(/\b(Bearer\s+\S+|ya29\.\S+|eyJ[\w-]{10,}\S*)/gi, '***')
    .replaceAll(/\s+/g, ' ')
    .trim();
  return line.length > MAX_MESSAGE ? `${line.slice(0, MAX_MESSAGE)}…` : line;
}

/** RFC 9110 10.2.3: seconds or a date. */
export function readRetryAfter(header: string | null | undefined, now: number): number | undefined {
  if (header === null || header === undefined) return undefined;
  if (/^\d+$/.test(header.trim())) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
