import { generateKeyPairSync, verify } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerReport, incompatibleNames, makeProperty, refuseReport, type AnalyticsProperty, type ReportBody } from './google-analytics-property.js';
import { openAnalyticsDefinitions, type RestMethod } from './protobuf-json.js';

/** What goes wrong with the next requests of a kind. */
export interface Fault {
  /** `token`, `RunReport`, `GetMetadata`, `CheckCompatibility` or `any`. */
  readonly on: string;
  /** How many requests; 1 when left out. */
  readonly times?: number;
  /** How many requests go well before. */
  readonly after?: number;
  readonly status?: number;
  /** Google's word, e.g. `RESOURCE_EXHAUSTED`. */
  readonly code?: string;
  readonly message?: string;
  readonly headers?: { readonly [name: string]: string };
  /** A body that is no JSON, such as a proxy's page. */
  readonly page?: string;
  /** `reset` closes before the answer, `cut` in the middle of it, `hang` never answers. */
  readonly network?: 'reset' | 'cut' | 'hang';
  /** Changes the answer of a request that goes well. */
  change?(answer: { [key: string]: unknown }, body: ReportBody): void;
}

export interface RequestRecord {
  readonly method: string;
  readonly token: string | undefined;
  readonly body: ReportBody & { readonly [key: string]: unknown };
}

export interface AnalyticsServer {
  /** For `endpoint`. */
  readonly url: string;
  readonly tokenUri: string;
  /** JSON of a service account's key that this server knows. */
  readonly key: string;
  readonly clientSecret: string;
  readonly refreshToken: string;
  readonly property: AnalyticsProperty;
  /** Requests of the API in order, also those that failed. */
  readonly requests: RequestRecord[];
  readonly tokensGiven: string[];
  /** How the bodies of requests and our own answers break the published definitions; must stay empty. */
  readonly violations: string[];
  /** Lifetime of the tokens given from now on, in seconds. */
  tokenLife: number;
  fail(fault: Fault): void;
  /** Ends all faults. */
  heal(): void;
  /** All tokens given so far are refused from now on. */
  expireTokens(): void;
  reset(): void;
  stop(): Promise<void>;
}

const SCOPE = 'https://www.googleapis.com/auth/analytics.readonly';

/** Answers the REST paths of the Data API and of Google's token endpoint, and checks each body against Google's own definitions. */
export async function startGoogleAnalytics(): Promise<AnalyticsServer> {
  const definitions = openAnalyticsDefinitions();
  const methods = definitions.methods('BetaAnalyticsData');
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  let faults: { fault: Fault; wait: number; left: number }[] = [];
  const valid = new Set<string>();

  const takeFault = (kind: string): Fault | undefined => {
    const entry = faults.find(({ fault, left }) => left > 0 && (fault.on === kind || fault.on === 'any'));
    if (!entry) return undefined;
    if (entry.wait > 0) return void entry.wait--;
    entry.left--;
    return entry.fault;
  };

  const cut = (answer: object, response: ServerResponse): void => {
    const bytes = JSON.stringify(answer);
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': bytes.length });
    response.write(bytes.slice(0, bytes.length >> 1), () => response.socket?.destroy());
  };

  const giveToken = (body: string, response: ServerResponse): void => {
    const form = new URLSearchParams(body);
    const problem =
      form.get('grant_type') === 'refresh_token' ? refreshProblem(form) : assertionProblem(form.get('assertion') ?? '', publicKey, server.tokenUri);
    if (problem !== undefined) return send(response, 400, { error: 'invalid_grant', error_description: problem });
    const token = `ya29.canary-token-${server.tokensGiven.length + 1}`;
    server.tokensGiven.push(token);
    valid.add(token);
    send(response, 200, { access_token: token, expires_in: server.tokenLife, token_type: 'Bearer' });
  };

  const answer = (method: RestMethod, path: string, body: ReportBody): { status: number; body: { [key: string]: unknown } } => {
    const named = /properties\/(\d+)/.exec(path)?.[1];
    if (named !== server.property.number)
      return refusal(
        403,
        'PERMISSION_DENIED',
        'User does not have sufficient permissions for this property. To learn more about Property ID, see https://developers.google.com/analytics/devguides/reporting/data/v1/property-id.',
      );
    const problems = method.verb === 'GET' ? [] : definitions.problems(method.requestType, body);
    server.violations.push(...problems);
    if (problems.length > 0) return refusal(400, 'INVALID_ARGUMENT', `Invalid JSON payload received. ${problems.join('; ')}`);
    if (method.name === 'GetMetadata') {
      const { dimensions, metrics } = server.property;
      return { status: 200, body: { name: `properties/${named}/metadata`, dimensions, metrics } };
    }
    if (method.name === 'CheckCompatibility') return { status: 200, body: compatibility(server.property, body) };
    const refused = refuseReport(server.property, body);
    if (refused !== undefined) return refusal(400, 'INVALID_ARGUMENT', refused);
    return { status: 200, body: answerReport(server.property, body) as { [key: string]: unknown } };
  };

  const handle = (request: IncomingMessage, text: string, response: ServerResponse): void => {
    const path = (request.url ?? '').split('?')[0] ?? '';
    const method = methods.find((m) => m.verb === request.method && m.path.test(path));
    const kind = path === '/token' ? 'token' : (method?.name ?? 'unknown');
    const token = request.headers.authorization?.replace(/^Bearer /, '');
    const body = (kind === 'token' || text === '' ? {} : JSON.parse(text)) as RequestRecord['body'];
    if (kind !== 'token') server.requests.push({ method: kind, token, body });
    const fault = takeFault(kind);
    if (fault?.network === 'reset') return void request.socket.destroy();
    if (fault?.network === 'hang') return;
    if (fault?.page !== undefined)
      return void response.writeHead(fault.status ?? 502, { 'content-type': 'text/html', ...fault.headers }).end(fault.page);
    if (fault?.status !== undefined) {
      const refused = refusal(fault.status, fault.code ?? 'INTERNAL', fault.message ?? 'Internal error encountered.');
      return send(response, fault.status, kind === 'token' ? { error: 'internal_failure' } : refused.body, fault.headers);
    }
    if (kind === 'token') return fault?.network === 'cut' ? cut({ access_token: 'ya29.cut', expires_in: 1 }, response) : giveToken(text, response);
    if (!method) return send(response, 404, refusal(404, 'NOT_FOUND', `no method ${request.method ?? ''} ${path}`).body);
    if (token === undefined || !valid.has(token)) {
      return send(response, 401, refusal(401, 'UNAUTHENTICATED', `Request had invalid authentication credentials: Bearer ${token ?? 'none'}`).body);
    }
    const result = answer(method, path, body);
    if (result.status === 200) server.violations.push(...definitions.problems(method.responseType, result.body));
    fault?.change?.(result.body, body);
    if (fault?.network === 'cut') return cut(result.body, response);
    send(response, result.status, result.body);
  };

  const http = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => handle(request, Buffer.concat(chunks).toString(), response));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/`;
  const tokenUri = `${url}token`;

  const server: AnalyticsServer = {
    url,
    tokenUri,
    key: JSON.stringify({
      type: 'service_account',
      client_email: 'reader@project.iam.gserviceaccount.com',
      private_key: privateKey,
      private_key_id: 'k1',
      token_uri: tokenUri,
    }),
    clientSecret: 'canary-client-secret',
    refreshToken: 'canary-refresh-token',
    property: makeProperty(),
    requests: [],
    tokensGiven: [],
    violations: [],
    tokenLife: 3599,
    fail: (fault) => void faults.push({ fault, wait: fault.after ?? 0, left: fault.times ?? 1 }),
    heal: () => void (faults = []),
    expireTokens: () => valid.clear(),
    reset() {
      faults = [];
      valid.clear();
      server.requests.length = 0;
      server.tokensGiven.length = 0;
      server.violations.length = 0;
      server.tokenLife = 3599;
      Object.assign(server.property, makeProperty());
    },
    stop: () =>
      new Promise((resolve) => {
        http.close(() => resolve());
        http.closeAllConnections();
      }),
  };

  const refreshProblem = (form: URLSearchParams): string | undefined =>
    form.get('refresh_token') === server.refreshToken && form.get('client_secret') === server.clientSecret
      ? undefined
      : 'Token has been expired or revoked.';
  return server;
}

function compatibility(property: AnalyticsProperty, body: ReportBody): { [key: string]: unknown } {
  const bad = new Set(
    incompatibleNames(
      property,
      [...(body.dimensions ?? []), ...(body.metrics ?? [])].map((f) => f.name),
    ),
  );
  const of = (fields: AnalyticsProperty['dimensions'], key: string): object[] =>
    fields.filter((f) => bad.has(f.apiName)).map((f) => ({ [key]: f, compatibility: 'INCOMPATIBLE' }));
  return { dimensionCompatibilities: of(property.dimensions, 'dimensionMetadata'), metricCompatibilities: of(property.metrics, 'metricMetadata') };
}

/** RFC 7523: signature, audience, scope and times of a service account's assertion. */
function assertionProblem(assertion: string, publicKey: string, audience: string): string | undefined {
  const [header = '', claims = '', signature = ''] = assertion.split('.');
  if (!verify('RSA-SHA256', Buffer.from(`${header}.${claims}`), publicKey, Buffer.from(signature, 'base64url'))) return 'Invalid JWT Signature.';
  const { aud, scope, iat, exp } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as {
    aud: string;
    scope: string;
    iat: number;
    exp: number;
  };
  if (aud !== audience) return `Invalid audience ${aud}.`;
  if (scope !== SCOPE) return `Invalid scope ${scope}.`;
  return exp - iat === 3600 ? undefined : 'Invalid lifetime.';
}

function refusal(status: number, code: string, message: string): { status: number; body: { [key: string]: unknown } } {
  return { status, body: { error: { code: status, message, status: code } } };
}

function send(response: ServerResponse, status: number, body: object, headers: { readonly [name: string]: string } = {}): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=UTF-8', ...headers }).end(JSON.stringify(body));
}
