import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { analyticsdata_v1beta } from 'googleapis/build/src/apis/analyticsdata/v1beta.js';
import { GoogleCaller, type CallContext } from '../shared/google/call.js';
import { readCredentials } from '../shared/google/credentials.js';
import type { CallSubject } from '../shared/google/failures.js';
import { guardedLookup, readServiceUrl } from '../shared/network-rules.js';
import { TokenSource } from '../shared/google/token-source.js';
import { propertyName, type GoogleAnalyticsConfig } from './config.js';
import type { Compatibility, Metadata } from './name-checks.js';
import type { RunReportRequest } from './report-shape.js';

export type RunReportResponse = analyticsdata_v1beta.Schema$RunReportResponse;

const SCOPE = 'https://www.googleapis.com/auth/analytics.readonly';
const DEFAULT_ENDPOINT = 'https://analyticsdata.googleapis.com/';

/** The Data API of one property. Google's client sends one request a call; tokens and repeats are ours (see GoogleCaller). */
export class AnalyticsClient {
  readonly property: string;
  readonly #caller: GoogleCaller;
  readonly #endpoint: URL;
  readonly #timeoutMs: number;
  #api: Promise<analyticsdata_v1beta.Analyticsdata> | undefined;

  constructor(config: GoogleAnalyticsConfig, root: string) {
    this.property = propertyName(config);
    this.#endpoint = readServiceUrl(config.endpoint ?? DEFAULT_ENDPOINT, 'in.endpoint');
    this.#timeoutMs = (config.timeout_secs ?? 180) * 1000;
    const { limit = 5, initial_wait_secs = 2, max_wait_secs = 120 } = config.retry ?? {};
    this.#caller = new GoogleCaller(new TokenSource(() => readCredentials(config, root), SCOPE), {
      limit,
      initialWaitMs: initial_wait_secs * 1000,
      maxWaitMs: max_wait_secs * 1000,
    });
  }

  runReport(request: RunReportRequest, doing: string, ctx: CallContext): Promise<RunReportResponse> {
    return this.#call(
      doing,
      ctx,
      async (api, options) => (await api.properties.runReport({ property: this.property, requestBody: request }, options)).data,
    );
  }

  metadata(ctx: CallContext): Promise<Metadata> {
    return this.#call('reading the names of dimensions and metrics', ctx, async (api, options) => {
      return (await api.properties.getMetadata({ name: `${this.property}/metadata` }, options)).data;
    });
  }

  incompatible(request: RunReportRequest, ctx: CallContext): Promise<Compatibility> {
    const { dimensions, metrics, dimensionFilter, metricFilter } = request;
    const requestBody = {
      ...(dimensions ? { dimensions } : {}),
      ...(metrics ? { metrics } : {}),
      ...(dimensionFilter ? { dimensionFilter } : {}),
      ...(metricFilter ? { metricFilter } : {}),
      compatibilityFilter: 'INCOMPATIBLE',
    };
    return this.#call('asking which dimensions and metrics go together', ctx, async (api, options) => {
      return (await api.properties.checkCompatibility({ property: this.property, requestBody }, options)).data;
    });
  }

  async #call<T extends object>(
    doing: string,
    ctx: CallContext,
    send: (api: analyticsdata_v1beta.Analyticsdata, options: RequestOptions) => Promise<T>,
  ): Promise<T> {
    const api = await (this.#api ??= this.#open());
    const subject: CallSubject = {
      service: `Google Analytics ${this.property}`,
      doing,
      accessHint: `check the number of the property, and that the account of these credentials is a Viewer of it (Admin → Property access management)`,
    };
    return this.#caller.call(subject, ctx, (authorization) => send(api, { ...this.#options(ctx), headers: { authorization } }));
  }

  /** No repeats and no redirects by the client: neither would obey our limits, and a redirect would carry the token away. */
  #options(ctx: CallContext): Omit<RequestOptions, 'headers'> {
    return { retry: false, timeout: this.#timeoutMs, signal: ctx.signal, redirect: 'manual' };
  }

  async #open(): Promise<analyticsdata_v1beta.Analyticsdata> {
    const { analyticsdata } = await import('googleapis/build/src/apis/analyticsdata/index.js');
    const options = { lookup: guardedLookup, keepAlive: true };
    const agent = this.#endpoint.protocol === 'https:' ? new HttpsAgent(options) : new HttpAgent(options);
    return analyticsdata({ version: 'v1beta', rootUrl: this.#endpoint.href, agent });
  }
}

interface RequestOptions {
  readonly retry: false;
  readonly timeout: number;
  readonly signal: AbortSignal;
  readonly redirect: 'manual';
  readonly headers: { readonly authorization: string };
}

const clients = new WeakMap<GoogleAnalyticsConfig, AnalyticsClient>();

/** One client for all calls with this config object, so that a run's tasks share a token and the budget of repeats. */
export function clientOf(config: GoogleAnalyticsConfig, root: string): AnalyticsClient {
  const known = clients.get(config);
  if (known) return known;
  const client = new AnalyticsClient(config, root);
  clients.set(config, client);
  return client;
}
