import type { ConfigSchema, JsonObject } from '../spi/index.js';
import { SIZE_PATTERN, parseSize } from './exec.js';

/** `serve.http` of sluice.yml. */
export interface HttpConfig {
  readonly enabled: boolean;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Names beside the bound address and localhost by which clients may call the server. */
  readonly hostNames: readonly string[];
  /** Files as written; relative to the project root. Undefined: no TLS. */
  readonly tls: { readonly certFile: string; readonly keyFile: string } | undefined;
  /** Requests a second and key, on average and at once. */
  readonly rateLimit: { readonly perSecond: number; readonly burst: number };
  /** Refused keys a minute and address. */
  readonly failedAttemptsPerMinute: number;
  readonly maxRequestBytes: number;
  readonly query: {
    readonly timeoutSecs: number;
    readonly maxRows: number;
    readonly memoryLimitBytes: number;
    readonly maxConcurrent: number;
    readonly maxWaiting: number;
  };
}

export const HTTP_CONFIG_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  default: {},
  description: 'The HTTP API of sluice serve.',
  properties: {
    enabled: { type: 'boolean', default: true, description: 'Whether sluice serve answers HTTP.' },
    host: { type: 'string', minLength: 1, maxLength: 255, default: '127.0.0.1', description: 'Address to listen on. 0.0.0.0 is every interface.' },
    port: { type: 'integer', minimum: 0, maximum: 65535, default: 8321, description: 'Port to listen on; 0 takes a free one.' },
    host_names: {
      type: 'array',
      items: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[A-Za-z0-9._:\\[\\]-]+$' },
      default: [],
      description: 'Names by which clients may call the server, beside its address and localhost. Requests with another Host header are refused.',
    },
    tls: {
      type: 'object',
      additionalProperties: false,
      required: ['cert_file', 'key_file'],
      description: 'Answer HTTPS with this certificate. Without it: plain HTTP, which is for loopback and for a proxy that speaks TLS.',
      properties: {
        cert_file: { type: 'string', minLength: 1, description: 'PEM file with the certificate and its chain.' },
        key_file: { type: 'string', minLength: 1, description: 'PEM file with the private key.' },
      },
    },
    rate_limit: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: 'Requests of one key.',
      properties: {
        per_second: { type: 'number', exclusiveMinimum: 0, maximum: 100000, default: 100, description: 'Requests a second, on average.' },
        burst: { type: 'integer', minimum: 1, maximum: 100000, default: 200, description: 'Requests at once.' },
      },
    },
    failed_attempts_per_minute: {
      type: 'integer',
      minimum: 1,
      maximum: 100000,
      default: 20,
      description: 'Requests with a wrong key that one address may send in a minute; then it is refused until it slows down.',
    },
    max_request_bytes: { type: 'integer', minimum: 1024, maximum: 104857600, default: 1048576, description: 'Largest request body.' },
    query: {
      type: 'object',
      additionalProperties: false,
      default: {},
      description: 'Queries that are answered at once. Longer and larger ones run as jobs.',
      properties: {
        timeout_secs: {
          type: 'number',
          exclusiveMinimum: 0,
          maximum: 86400,
          default: 60,
          description: 'Longest time of a query, until its last row was taken.',
        },
        max_rows: { type: 'integer', minimum: 1, default: 1000000, description: 'Most rows of an answer.' },
        memory_limit: {
          type: ['string', 'integer'],
          pattern: SIZE_PATTERN,
          minimum: 1,
          default: '512MB',
          'x-expected': 'a size such as 800MB or 2GiB',
          description: 'Memory of one query.',
        },
        max_concurrent: { type: 'integer', minimum: 1, maximum: 1000, default: 8, description: 'Queries that run at the same time.' },
        max_waiting: { type: 'integer', minimum: 0, maximum: 100000, default: 100, description: 'Queries that wait for one of these to end.' },
      },
    },
  },
} as const satisfies ConfigSchema;

/** A validated `serve.http` section. */
export function readHttpConfig(config: JsonObject): HttpConfig {
  const tls = config['tls'] as { cert_file: string; key_file: string } | undefined;
  const rate = config['rate_limit'] as { per_second: number; burst: number };
  const query = config['query'] as {
    timeout_secs: number;
    max_rows: number;
    memory_limit: string | number;
    max_concurrent: number;
    max_waiting: number;
  };
  return {
    enabled: config['enabled'] as boolean,
    host: config['host'] as string,
    port: config['port'] as number,
    hostNames: config['host_names'] as readonly string[],
    tls: tls && { certFile: tls.cert_file, keyFile: tls.key_file },
    rateLimit: { perSecond: rate.per_second, burst: rate.burst },
    failedAttemptsPerMinute: config['failed_attempts_per_minute'] as number,
    maxRequestBytes: config['max_request_bytes'] as number,
    query: {
      timeoutSecs: query.timeout_secs,
      maxRows: query.max_rows,
      memoryLimitBytes: parseSize(query.memory_limit),
      maxConcurrent: query.max_concurrent,
      maxWaiting: query.max_waiting,
    },
  };
}
