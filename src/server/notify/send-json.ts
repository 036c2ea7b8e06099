import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { RemoteError, type JsonObject } from '../../core/spi/index.js';
import { guardedLookup, readServiceUrl, REFUSED_ADDRESS } from '../../plugins/shared/network-rules.js';

const TIMEOUT_MS = 10_000;
const PASSING = new Set([408, 425, 429, 500, 502, 503, 504]);

/**
 * POSTs JSON once. The URL is a secret: errors name its host only, and no redirect is followed. Errors: ConfigError SERVICE_URL;
 * RemoteError NOTIFY_STATUS, NOTIFY_UNREACHABLE.
 */
export async function sendJson(text: string, name: string, body: JsonObject): Promise<void> {
  const url = readServiceUrl(text, name);
  const status = await post(url, JSON.stringify(body)).catch((error: NodeJS.ErrnoException) => {
    throw new RemoteError({
      code: 'NOTIFY_UNREACHABLE',
      message: `${name}: ${url.hostname} cannot be reached: ${error.code ?? 'no answer'}`,
      hint: error.code === REFUSED_ADDRESS ? 'link-local and metadata addresses are refused' : 'check the URL and the network',
      retryable: error.code !== REFUSED_ADDRESS,
    });
  });
  if (status >= 200 && status < 300) return;
  throw new RemoteError({
    code: 'NOTIFY_STATUS',
    message: `${name}: ${url.hostname} answered ${status}`,
    hint: 'check the URL; a webhook that was removed answers 404',
    retryable: PASSING.has(status),
  });
}

function post(url: URL, body: string): Promise<number> {
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const request = send(url, {
      method: 'POST',
      lookup: guardedLookup,
      agent: false,
      signal: AbortSignal.timeout(TIMEOUT_MS),
      headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), 'user-agent': 'sluice' },
    });
    request.once('response', (response) => {
      response.resume();
      response.once('error', reject);
      resolve(response.statusCode ?? 0);
    });
    request.once('error', reject);
    request.end(body);
  });
}
