import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { ConfigError, REDACTED, redactUrls, revealSecret, type Secret } from '../../../core/spi/index.js';
import { guardedLookup } from '../network-rules.js';

/** The keys of {@link HTTP_CONNECTION_PROPERTIES}, validated. */
export interface HttpConnection {
  readonly url: string;
  readonly headers: { readonly [name: string]: string | Secret };
  readonly auth?: HttpAuth;
  readonly allow_hosts: readonly string[];
  readonly requests_per_second?: number;
  readonly timeout_secs: number;
  readonly retry_limit: number;
  readonly initial_retry_interval_millis: number;
  readonly maximum_retry_interval_millis: number;
}

export interface HttpAuth {
  readonly type: 'basic' | 'bearer' | 'header' | 'query';
  readonly user?: string;
  readonly password?: string | Secret;
  readonly token?: string | Secret;
  readonly name?: string;
  readonly value?: string | Secret;
}

/** A server that may be asked, and the rules of asking. */
export interface HttpClient {
  /** The configured address, without credentials. */
  readonly url: URL;
  /** Headers and parameters that only the origin of `url` gets. */
  readonly credentials: { readonly headers: Readonly<Record<string, string>>; readonly params: readonly (readonly [string, string])[] };
  readonly agents: { readonly http: HttpAgent; readonly https: HttpsAgent };
  readonly allowHosts: ReadonlySet<string>;
  readonly timeoutMs: number;
  readonly retry: { readonly limit: number; readonly initialWaitMs: number; readonly maxWaitMs: number };
  /** Least time between the beginnings of two requests. */
  readonly intervalMs: number;
  /** When the next request may begin; milliseconds since 1970. */
  nextAt: number;
  /** The text without any secret of the config. */
  redact(text: string): string;
}

const CONNECTIONS = 4;

const clients = new WeakMap<object, Promise<HttpClient>>();

/** The client of a config; made once for each config object, so that rate limit and connections are shared. */
export function openHttp(config: HttpConnection): Promise<HttpClient> {
  const known = clients.get(config);
  if (known !== undefined) return known;
  const made = makeClient(config);
  clients.set(config, made);
  made.catch(() => clients.delete(config));
  return made;
}

async function makeClient(config: HttpConnection): Promise<HttpClient> {
  const headers: Record<string, string> = {};
  const secrets: string[] = [];
  for (const [name, value] of Object.entries(config.headers)) {
    headers[name.toLowerCase()] = await revealSecret(value);
    if (!/^(accept|content-type|user-agent)/i.test(name)) secrets.push(headers[name.toLowerCase()] ?? '');
  }
  const params: [string, string][] = [];
  const auth = config.auth === undefined ? undefined : await readAuth(config.auth);
  if (auth) {
    secrets.push(...auth.secrets);
    if (auth.place === 'query') params.push([auth.name, auth.value]);
    else headers[auth.name] = auth.value;
  }
  const agent = { keepAlive: true, maxSockets: CONNECTIONS, lookup: guardedLookup };
  return {
    url: new URL(config.url),
    credentials: { headers, params },
    agents: { http: new HttpAgent(agent), https: new HttpsAgent(agent) },
    allowHosts: new Set(config.allow_hosts.map((host) => host.toLowerCase())),
    timeoutMs: config.timeout_secs * 1000,
    retry: { limit: config.retry_limit, initialWaitMs: config.initial_retry_interval_millis, maxWaitMs: config.maximum_retry_interval_millis },
    intervalMs: config.requests_per_second === undefined ? 0 : 1000 / config.requests_per_second,
    nextAt: 0,
    redact(text) {
      const known = secrets.filter((secret) => secret.length > 2).flatMap((secret) => [secret, encodeURIComponent(secret)]);
      return known.reduce((rest, secret) => rest.replaceAll(secret, REDACTED), redactUrls(text));
    },
  };
}

async function readAuth(
  auth: HttpAuth,
): Promise<{ readonly place: 'header' | 'query'; readonly name: string; readonly value: string; readonly secrets: readonly string[] }> {
  const need = async (key: 'user' | 'password' | 'token' | 'name' | 'value'): Promise<string> => {
    const value = auth[key];
    if (value !== undefined) return revealSecret(value);
    throw new ConfigError({
      code: 'HTTP_AUTH_CONFIG',
      message: `auth.type: ${auth.type} needs auth.${key}, which is missing`,
      hint: `give auth.${key}`,
    });
  };
  switch (auth.type) {
    case 'basic': {
      const [user, password] = [await need('user'), await need('password')];
      const encoded = Buffer.from(`${user}:${password}`).toString('base64');
      return { place: 'header', name: 'authorization', value: `Basic ${encoded}`, secrets: [password, encoded] };
    }
    case 'bearer': {
      const token = await need('token');
      return { place: 'header', name: 'authorization', value: `Bearer ${token}`, secrets: [token] };
    }
    case 'header':
    case 'query': {
      const [name, value] = [await need('name'), await need('value')];
      return { place: auth.type, name: auth.type === 'header' ? name.toLowerCase() : name, value, secrets: [value] };
    }
  }
}
