import { createRequire } from 'node:module';
import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import type { PluginContext } from '../../../core/spi/index.js';
import type { S3Connection } from './connection.js';
import { chooseCredentials } from './credentials.js';
import { openProxyAgent } from './proxy-agent.js';

export type { S3Connection };

export type S3Sdk = typeof import('@aws-sdk/client-s3');

/** A bucket that can be talked to. */
export interface S3Store {
  readonly sdk: S3Sdk;
  readonly client: S3Client;
  readonly bucket: string;
  /** For people and for identities: `https://s3.example.com`, or `s3.eu-west-1.amazonaws.com`. */
  readonly endpoint: string;
  /** Bound of the transfers that run at once. */
  readonly transfers: Semaphore;
  readonly retry: { readonly limit: number; readonly initialWaitMs: number; readonly maxWaitMs: number };
}

/** How long a silent connection is waited for. */
const IDLE_MS = 60_000;
const CONNECT_MS = 10_000;
const TRANSFERS = 8;

const stores = new WeakMap<object, Promise<S3Store>>();

/** The store of a config; made once for each config object, so that its connections are used again. */
export function openS3(config: S3Connection, ctx: PluginContext): Promise<S3Store> {
  const known = stores.get(config);
  if (known !== undefined) return known;
  const made = makeStore(config, ctx.root);
  stores.set(config, made);
  // A store that could not be made (a missing file of credentials) may be made at the next try.
  made.catch(() => stores.delete(config));
  return made;
}

async function makeStore(config: S3Connection, root: string): Promise<S3Store> {
  const sdk = loadSdk();
  const limit = config.maximum_retries ?? 7;
  const endpoint = config.endpoint === undefined ? undefined : withScheme(config.endpoint);
  const region = config.region ?? (endpoint === undefined ? undefined : regionOf(endpoint));
  const agent = config.http_proxy === undefined ? undefined : await openProxyAgent(config.http_proxy, endpoint?.startsWith('http:') !== true);
  const options: S3ClientConfig = {
    maxAttempts: limit + 1,
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      socketTimeout: IDLE_MS,
      ...(agent === undefined ? {} : { httpsAgent: agent, httpAgent: agent }),
    },
    // Whole objects are read in ranges, which carry no checksum; a service that knows none must not be asked for one.
    responseChecksumValidation: 'WHEN_REQUIRED',
    forcePathStyle: config.path_style ?? (endpoint !== undefined && !isAmazon(endpoint)),
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(config.profile_name === undefined ? {} : { profile: config.profile_name }),
    ...(await chooseCredentials(config, root)),
  };
  const client =
    region !== undefined || (await knowsRegion(new sdk.S3Client(options)))
      ? new sdk.S3Client(options)
      : new sdk.S3Client({ ...options, region: 'us-east-1' });
  return {
    sdk,
    client,
    bucket: config.bucket,
    endpoint: endpoint ?? `https://s3.${await client.config.region()}.amazonaws.com`,
    transfers: new Semaphore(TRANSFERS),
    retry: {
      limit,
      initialWaitMs: config.initial_retry_interval_millis ?? 500,
      maxWaitMs: config.maximum_retry_interval_millis ?? 30_000,
    },
  };
}

/** As CommonJS it loads in half the time. Its warning about the Node versions of its own future is no matter of a load. */
function loadSdk(): S3Sdk {
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  return createRequire(import.meta.url)('@aws-sdk/client-s3') as S3Sdk;
}

/** Whether the environment or a profile names a region. */
async function knowsRegion(client: S3Client): Promise<boolean> {
  try {
    return (await client.config.region()) !== '';
  } catch (error) {
    if ((error as Error).message.includes('Region is missing')) return false;
    throw error;
  }
}

/** Names the service in the state key: bucket names are unique in all of AWS, whatever the region. */
export function endpointOf(config: Pick<S3Connection, 'endpoint'>): string {
  const endpoint = config.endpoint === undefined ? undefined : withScheme(config.endpoint);
  return endpoint === undefined || isAmazon(endpoint) ? 'aws' : new URL(endpoint).host;
}

function withScheme(endpoint: string): string {
  return (/^[a-z]+:\/\//i.test(endpoint) ? endpoint : `https://${endpoint}`).replace(/\/+$/, '');
}

function isAmazon(endpoint: string): boolean {
  return /\.amazonaws\.com(\.cn)?$/i.test(new URL(endpoint).hostname);
}

/** Embulk's configs name an AWS endpoint instead of its region. */
function regionOf(endpoint: string): string | undefined {
  return /^s3[.-]([a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com/i.exec(new URL(endpoint).hostname)?.[1];
}

/** Lets `limit` pieces of work run at once. */
export class Semaphore {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(limit: number) {
    this.#free = limit;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free++;
    }
  }
}
