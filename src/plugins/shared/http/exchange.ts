import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { DataError, RemoteError, SluiceError, type PluginContext } from '../../../core/spi/index.js';
import { isRefusedAddress, REFUSED_ADDRESS } from '../network-rules.js';
import type { HttpClient } from './open-http.js';

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH';
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Statuses besides 2xx that are an answer and no error. */
  readonly accept?: ReadonlySet<number>;
  /** Most bytes of the answer, decompressed. */
  readonly maxBytes: number;
}

export interface HttpResponse {
  /** After redirects. */
  readonly url: URL;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: AsyncIterable<Buffer>;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const MOST_REDIRECTS = 10;
const BUSY = new Set([408, 425, 429, 500, 502, 503, 504]);
const EXCERPT = 200;

/**
 * Sends a request and hands its answer to `consume`, which must read the whole body; repeats both when the server is busy or the
 * connection breaks. Errors: RemoteError HTTP_UNREACHABLE, HTTP_BUSY, HTTP_DENIED, HTTP_STATUS, HTTP_ADDRESS; DataError
 * HTTP_TOO_LARGE, HTTP_OTHER_ORIGIN.
 */
export async function exchange<T>(
  client: HttpClient,
  request: HttpRequest,
  ctx: Pick<PluginContext, 'signal' | 'clock' | 'log'>,
  consume: (response: HttpResponse) => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await consume(await follow(client, request, ctx));
    } catch (error) {
      ctx.signal.throwIfAborted();
      const failure = httpError(error, client, request);
      const wait = waitOf(failure, attempt, client);
      if (!(failure instanceof RemoteError) || !failure.retryable || attempt > client.retry.limit || wait > client.retry.maxWaitMs) throw failure;
      // One repeat is everyday; who waits longer wants to know for what.
      ctx.log.log(attempt === 1 ? 'info' : 'warn', 'repeating a request', {
        url: client.redact(request.url.href),
        code: failure.code,
        attempt,
        wait_ms: wait,
      });
      await ctx.clock.sleep(wait, ctx.signal);
    }
  }
}

/** An answer that says when to come back. */
class BusyError extends RemoteError {
  readonly retryAfterMs: number | undefined;
  constructor(details: ConstructorParameters<typeof RemoteError>[0], retryAfterMs: number | undefined) {
    super(details);
    this.retryAfterMs = retryAfterMs;
  }
}

function waitOf(failure: unknown, attempt: number, client: HttpClient): number {
  if (failure instanceof BusyError && failure.retryAfterMs !== undefined) return failure.retryAfterMs;
  return Math.min(client.retry.maxWaitMs, client.retry.initialWaitMs * 2 ** (attempt - 1));
}

/** `Retry-After`: seconds, or a date. */
function readRetryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d+$/.test(header.trim())) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

async function follow(client: HttpClient, request: HttpRequest, ctx: Pick<PluginContext, 'signal' | 'clock'>): Promise<HttpResponse> {
  let url = request.url;
  for (let redirects = 0; ; redirects++) {
    assertAllowed(client, url, request.url);
    await waitForTurn(client, ctx);
    const response = await sendOnce(client, { ...request, url }, ctx.signal);
    const status = response.statusCode ?? 0;
    const location = response.headers.location;
    if (REDIRECTS.has(status) && location !== undefined && request.method === 'GET' && redirects < MOST_REDIRECTS) {
      response.resume();
      url = new URL(location, url);
      continue;
    }
    const body = limited(decompressed(response), request.maxBytes, client.redact(request.url.href));
    if ((status >= 200 && status < 300) || request.accept?.has(status) === true) return { url, status, headers: response.headers, body };
    throw await statusError(client, request, response, body, ctx.clock.now());
  }
}

/** Where answers may lead: the configured origin, and hosts that the config names; never from https to http. */
function assertAllowed(client: HttpClient, url: URL, from: URL): void {
  const isHttp = url.protocol === 'http:' || url.protocol === 'https:';
  const downgrade = client.url.protocol === 'https:' && url.protocol !== 'https:';
  const known = url.origin === client.url.origin || client.allowHosts.has(url.host) || client.allowHosts.has(url.hostname);
  if (!isHttp || downgrade || !known) {
    throw new DataError({
      code: 'HTTP_OTHER_ORIGIN',
      message: `${client.redact(from.href)}: the server leads to ${url.origin}, outside ${client.url.origin}`,
      hint: downgrade ? 'from https only https is followed' : `when that is right, name ${url.host} in allow_hosts; credentials are not sent there`,
    });
  }
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (isIP(host) !== 0 && isRefusedAddress(host))
    throw Object.assign(new Error(`${host} is a link-local or metadata address`), { code: REFUSED_ADDRESS });
}

async function waitForTurn(client: HttpClient, ctx: Pick<PluginContext, 'signal' | 'clock'>): Promise<void> {
  if (client.intervalMs === 0) return;
  const now = ctx.clock.now();
  const at = Math.max(now, client.nextAt);
  client.nextAt = at + client.intervalMs;
  if (at > now) await ctx.clock.sleep(at - now, ctx.signal);
}

function sendOnce(client: HttpClient, request: HttpRequest, signal: AbortSignal): Promise<IncomingMessage> {
  const url = new URL(request.url);
  const own = url.origin === client.url.origin;
  if (own) for (const [name, value] of client.credentials.params) url.searchParams.set(name, value);
  const secure = url.protocol === 'https:';
  return new Promise((resolve, reject) => {
    const sent = (secure ? httpsRequest : httpRequest)(url, {
      method: request.method,
      agent: secure ? client.agents.https : client.agents.http,
      signal,
      timeout: client.timeoutMs,
      headers: {
        'user-agent': 'sluice',
        'accept-encoding': 'gzip',
        ...request.headers,
        ...(own ? client.credentials.headers : {}),
        ...(request.body === undefined ? {} : { 'content-length': request.body.length }),
      },
    });
    sent.once('response', resolve);
    sent.on('timeout', () => sent.destroy(Object.assign(new Error(`silent for ${client.timeoutMs / 1000} s`), { code: 'ETIMEDOUT' })));
    sent.on('error', reject);
    sent.end(request.body);
  });
}

function decompressed(response: IncomingMessage): AsyncIterable<Buffer> {
  if (response.headers['content-encoding'] !== 'gzip') return response;
  // Closes the connection, too, when the reader stops early; errors show where the bytes are read.
  return pipeline(response, createGunzip(), () => undefined);
}

async function* limited(body: AsyncIterable<Buffer>, most: number, url: string): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > most) {
      throw new DataError({
        code: 'HTTP_TOO_LARGE',
        message: `${url}: the answer has more than ${most} bytes`,
        hint: 'set max_response_bytes higher, or ask for smaller pages',
      });
    }
    yield chunk;
  }
}

async function statusError(
  client: HttpClient,
  request: HttpRequest,
  response: IncomingMessage,
  body: AsyncIterable<Buffer>,
  now: number,
): Promise<SluiceError> {
  const status = response.statusCode ?? 0;
  const excerpt = client.redact(await readExcerpt(body));
  const said = `${status}${response.statusMessage ? ` ${response.statusMessage}` : ''}${excerpt === '' ? '' : `: ${excerpt}`}`;
  const message = `${request.method} ${client.redact(request.url.href)}: expected a success, the server answered ${said}`;
  if (BUSY.has(status)) {
    const details = {
      code: 'HTTP_BUSY',
      message,
      hint: 'the request was tried several times; set requests_per_second to ask less often',
      retryable: true,
    };
    return new BusyError(details, readRetryAfter(response.headers['retry-after'], now));
  }
  if (status === 401 || status === 403)
    return new RemoteError({ code: 'HTTP_DENIED', message, hint: 'check auth, and what it may read', retryable: false });
  return new RemoteError({ code: 'HTTP_STATUS', message, hint: 'check url, params and body', retryable: false });
}

async function readExcerpt(body: AsyncIterable<Buffer>): Promise<string> {
  let text = '';
  try {
    for await (const chunk of body) {
      text += chunk.toString('utf8');
      if (text.length >= EXCERPT) break;
    }
  } catch (error) {
    // The status is what counts; an error page that is cut or too long still shows its beginning.
    if (text === '') text = `(${(error as Error).message})`;
  }
  return text.replaceAll(/\s+/g, ' ').trim().slice(0, EXCERPT);
}

/** The error for users of a request that failed; errors of Sluice, and what is no failure of the network, are returned as they are. */
export function httpError(error: unknown, client: HttpClient, request: HttpRequest): unknown {
  if (error instanceof SluiceError) return error;
  const code = (error as NodeJS.ErrnoException).code;
  // Z_…: a gzip stream that ended too early.
  if (typeof code !== 'string' || !/^(E[A-Z_]+|HPE_|CERT_|DEPTH_|SELF_|UNABLE_|Z_)/.test(code)) return error;
  const where = `${request.method} ${client.redact(request.url.href)}`;
  const reason = client.redact((error as Error).message);
  if (code === REFUSED_ADDRESS) {
    return new RemoteError({
      code: 'HTTP_ADDRESS',
      message: `${where}: ${reason}`,
      hint: 'such addresses give credentials of the machine away; they are never asked',
      retryable: false,
    });
  }
  const tls = /^(CERT_|DEPTH_|SELF_|UNABLE_|ERR_TLS)/.test(code);
  return new RemoteError({
    code: tls ? 'HTTP_CERTIFICATE' : 'HTTP_UNREACHABLE',
    message: `${where}: ${reason} (${code})`,
    hint: tls ? 'make the certificate authority known with NODE_EXTRA_CA_CERTS' : 'check the address and the network',
    retryable: !tls,
    cause: error,
  });
}
