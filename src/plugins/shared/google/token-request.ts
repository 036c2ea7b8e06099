import { createPrivateKey, sign } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { ConfigError, RemoteError, type PluginContext } from '../../../core/spi/index.js';
import type { GoogleCredentials } from './credentials.js';
import { networkFailure } from './failures.js';
import { guardedLookup } from '../network-rules.js';

/** A token and the time until which it holds, in milliseconds since 1970. */
export interface AccessToken {
  readonly text: string;
  readonly expiresAt: number;
}

const TIMEOUT_MS = 30_000;
const MAX_BYTES = 1 << 20;
const DEFAULT_LIFE_SECS = 3600;

/** Asks for one token, once: who calls decides about a repeat, by the error's `retryable`. */
export async function requestToken(
  credentials: Exclude<GoogleCredentials, { kind: 'library' }>,
  scope: string,
  ctx: Pick<PluginContext, 'clock' | 'signal'>,
): Promise<AccessToken> {
  const form =
    credentials.kind === 'service_account'
      ? { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: makeAssertion(credentials, scope, ctx.clock.now()) }
      : {
          grant_type: 'refresh_token',
          client_id: credentials.clientId,
          client_secret: credentials.clientSecret,
          refresh_token: credentials.refreshToken,
        };
  const asked = ctx.clock.now();
  const { status, body } = await post(credentials.tokenUri, new URLSearchParams(form).toString(), ctx.signal);
  const answer = parseAnswer(body);
  if (status !== 200) throw refusal(credentials, status, answer);
  const text = answer?.['access_token'];
  if (typeof text !== 'string' || text === '') {
    throw new RemoteError({
      code: 'GOOGLE_BAD_ANSWER',
      message: `${credentials.tokenUri.host}: expected an access token, found ${answer === undefined ? 'a text that is no JSON' : 'none in the answer'}`,
      hint: 'check token_uri, and whether a proxy answers in its place',
      retryable: true,
    });
  }
  const life = Number(answer?.['expires_in'] ?? DEFAULT_LIFE_SECS);
  return { text, expiresAt: asked + (Number.isFinite(life) ? life : DEFAULT_LIFE_SECS) * 1000 };
}

/** RFC 7523: a JSON Web Token, signed with the account's key, that only this token endpoint takes. */
function makeAssertion(credentials: Extract<GoogleCredentials, { kind: 'service_account' }>, scope: string, now: number): string {
  const { email, keyId, tokenUri } = credentials;
  const issued = Math.floor(now / 1000);
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const header = { alg: 'RS256', typ: 'JWT', ...(keyId === undefined ? {} : { kid: keyId }) };
  const unsigned = `${part(header)}.${part({ iss: email, scope, aud: tokenUri.href, iat: issued, exp: issued + 3600 })}`;
  let signature: Buffer;
  try {
    signature = sign('RSA-SHA256', Buffer.from(unsigned), createPrivateKey(credentials.privateKey));
  } catch {
    throw new ConfigError({
      code: 'GOOGLE_KEY_FILE',
      message: `the key of ${email}: expected a private RSA key in PEM form in "private_key", found a text that is none`,
      hint: 'use the JSON file as Google gave it out; "\\n" within private_key stands for line ends',
    });
  }
  return `${unsigned}.${signature.toString('base64url')}`;
}

function post(url: URL, body: string, signal: AbortSignal): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => reject(signal.aborted ? (signal.reason as Error) : networkFailure(error, url.host));
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
    const headers = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': Buffer.byteLength(body), accept: 'application/json' };
    const request = send(url, { method: 'POST', headers, lookup: guardedLookup, signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]) });
    request.on('error', fail);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes <= MAX_BYTES) chunks.push(chunk);
        else request.destroy(Object.assign(new Error('the answer is larger than 1 MB'), { code: 'ETOOLARGE' }));
      });
      response.on('error', fail);
      response.on('end', () => {
        // An answer that was cut also ends; only a complete one counts.
        if (response.complete) resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() });
        else fail(Object.assign(new Error('the answer was cut'), { code: 'ECONNRESET' }));
      });
    });
    request.end(body);
  });
}

function parseAnswer(body: string): { readonly [key: string]: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? (value as { [key: string]: unknown }) : undefined;
  } catch {
    // An HTML page of a proxy, for example; the caller says so by the status.
    return undefined;
  }
}

/** RFC 6749 5.2. The endpoint's words are not shown: they may quote what was sent. */
function refusal(credentials: Exclude<GoogleCredentials, { kind: 'library' }>, status: number, answer: ReturnType<typeof parseAnswer>): RemoteError {
  const word = answer?.['error'];
  const code = typeof word === 'string' && /^[a-z_]{1,40}$/.test(word) ? word : undefined;
  const who = credentials.kind === 'service_account' ? `service account ${credentials.email}` : 'this refresh token';
  const retryable = status === 429 || status >= 500;
  return new RemoteError({
    code: retryable ? 'GOOGLE_UNAVAILABLE' : 'GOOGLE_TOKEN_REFUSED',
    message: `${credentials.tokenUri.host}: asking for a token for ${who} ended with status ${status}${code === undefined ? '' : ` (${code})`}`,
    hint: retryable
      ? 'run again later'
      : credentials.kind === 'service_account'
        ? "check that the key was not deleted or disabled, and that this machine's clock is right"
        : 'the token may have been revoked or have expired, or belongs to another client: sign in again and store the new one',
    retryable,
  });
}
