import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import {
  ConfigError,
  defineFileInput,
  fileSystemError,
  type ConfigPlace,
  type JsonValue,
  type PluginContext,
  type SourceFile,
} from '../../core/spi/index.js';
import { configProblem } from '../shared/config-problem.js';
import { exchange, httpError, type HttpRequest } from '../shared/http/exchange.js';
import { openHttp, type HttpClient, type HttpConnection } from '../shared/http/open-http.js';
import { readPages, type Pagination } from './pages.js';
import { httpInputSchema } from './schema.js';
import { listWindows, type Windows } from './windows.js';

export interface HttpInputConfig extends HttpConnection {
  readonly type: 'http';
  readonly method: 'GET' | 'POST';
  readonly params: { readonly [name: string]: string | number | boolean };
  readonly body?: JsonValue;
  readonly pagination?: Pagination;
  readonly windows?: Windows;
  readonly incremental: boolean;
  readonly max_pages: number;
  readonly max_response_bytes?: number;
  readonly allow_empty: boolean;
}

const WHOLE_BYTES = 1 << 30;
const PAGE_BYTES = 64 << 20;
/** How long a server's answer is, is known only when it is there. */
const UNKNOWN_SIZE = 1;

export default defineFileInput<HttpInputConfig>({
  kind: 'input',
  form: 'files',
  type: 'http',
  summary: 'Reads what an HTTP server answers, page after page: CSV, JSON, or any format with a parser.',
  stability: 'stable',
  schema: httpInputSchema,
  examples: [
    {
      title: 'Pages of JSON with a cursor',
      config: {
        type: 'http',
        url: 'https://api.example.com/v1/orders',
        params: { status: 'paid' },
        auth: { type: 'bearer', token: 'example' },
        pagination: { type: 'cursor', param: 'after', cursor: '/meta/next' },
        parser: { type: 'json', root: '/items', flatten_json_array: true, columns: [{ name: 'id', type: 'long' }] },
      },
    },
    {
      title: 'A day of CSV at a time, each day once',
      config: {
        type: 'http',
        url: 'https://reports.example.com/export.csv',
        windows: { start: '2026-01-01', from_param: 'from', to_param: 'to', format: 'date' },
        incremental: true,
        parser: { type: 'csv', skip_header_lines: 1, columns: [{ name: 'id', type: 'long' }] },
      },
    },
  ],

  list(config, ctx) {
    checkConfig(config, ctx.place);
    const windows = config.windows === undefined ? [[]] : listWindows(config.windows, ctx.clock.now(), ctx.place);
    if (windows.length === 0 && !config.allow_empty) {
      throw configProblem(ctx.place, 'windows.start', {
        code: 'NO_FILES',
        message: `no window from ${config.windows?.start ?? ''} on is over yet`,
        hint: 'wait, begin earlier, or set allow_empty: true',
      });
    }
    return Promise.resolve(
      windows.map((params): SourceFile => {
        const name = addressOf(config, params).href;
        return { name, size: UNKNOWN_SIZE, ...(config.windows === undefined ? {} : { version: 'window' }) };
      }),
    );
  },

  async open(file, config, ctx) {
    return { stream: readAnswer(await openHttp(config), requestOf(file, config), config, ctx) };
  },

  async fetch(file, config, ctx) {
    const path = join(ctx.tempDir, `http-${createHash('sha256').update(file.name).digest('hex').slice(0, 24)}`);
    await saveAnswer(await openHttp(config), requestOf(file, config), config, path, ctx);
    return { path };
  },

  // What a server would answer now is not known without asking for all of it again.
  stat: (file) => Promise.resolve(file),

  async probe(config, ctx) {
    // Somebody waits for the answer.
    const client = await openHttp({ ...config, retry_limit: 0 });
    const request = { ...requestOf({ name: addressOf(config, []).href, size: 0 }, config), maxBytes: Number.POSITIVE_INFINITY };
    return exchange(client, request, ctx, async (response) => {
      for await (const _ of response.body) break;
      return `${client.url.origin} answers ${response.status}`;
    });
  },
});

function checkConfig(config: HttpInputConfig, place: ConfigPlace): void {
  if (config.incremental && config.windows === undefined) {
    throw configProblem(place, 'incremental', {
      code: 'HTTP_INCREMENTAL',
      message: 'expected windows: without them nothing tells what was loaded before',
      hint: 'give windows, or set incremental: false',
    });
  }
  if (config.body !== undefined && config.method !== 'POST') {
    throw configProblem(place, 'body', { code: 'HTTP_BODY', message: 'a GET request has no body', hint: 'set method: POST, or use params' });
  }
  const secret = [...new URL(config.url).searchParams.keys()].find((name) => /token|secret|password|api_?key/i.test(name));
  if (secret !== undefined) {
    throw new ConfigError({
      code: 'HTTP_SECRET_IN_URL',
      message: `in.url: the parameter ${secret} is a secret, and addresses are shown and stored`,
      hint: 'use auth: {type: query, name, value}',
      where: place.at('url'),
    });
  }
}

function addressOf(config: HttpInputConfig, window: readonly (readonly [string, string])[]): URL {
  const url = new URL(config.url);
  for (const [name, value] of Object.entries(config.params)) url.searchParams.set(name, String(value));
  for (const [name, value] of window) url.searchParams.set(name, value);
  return url;
}

function requestOf(file: SourceFile, config: HttpInputConfig): HttpRequest {
  return {
    method: config.method,
    url: new URL(file.name),
    maxBytes: config.max_response_bytes ?? (config.pagination === undefined ? WHOLE_BYTES : PAGE_BYTES),
    ...(config.body === undefined ? {} : { body: Buffer.from(JSON.stringify(config.body)), headers: { 'content-type': 'application/json' } }),
  };
}

/** The answer as a stream. It cannot be begun anew once bytes are out: a connection that breaks later is an error. */
async function* readAnswer(client: HttpClient, request: HttpRequest, config: HttpInputConfig, ctx: PluginContext): AsyncGenerator<Uint8Array> {
  if (config.pagination !== undefined) {
    yield* readPages(client, request, config.pagination, config.max_pages, ctx);
    return;
  }
  const body = await exchange(client, request, ctx, (response) => Promise.resolve(response.body));
  try {
    yield* body;
  } catch (error) {
    throw httpError(error, client, request);
  }
}

/** The answer as a file; a connection that breaks in the middle begins it anew. */
async function saveAnswer(client: HttpClient, request: HttpRequest, config: HttpInputConfig, path: string, ctx: PluginContext): Promise<void> {
  const save = async (bytes: AsyncIterable<Uint8Array>): Promise<void> => {
    const file = await onDisk(path, () => open(path, 'w'));
    try {
      for await (const chunk of bytes) await onDisk(path, () => file.writeFile(chunk));
    } finally {
      await file.close();
    }
  };
  if (config.pagination !== undefined) await save(readPages(client, request, config.pagination, config.max_pages, ctx));
  else await exchange(client, request, ctx, (response) => save(response.body));
}

/** Errors of the disk must not be taken for those of the network. */
async function onDisk<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw fileSystemError(error, `writing ${path}`);
  }
}
