import { readFile } from 'node:fs/promises';
import type { IncomingMessage, RequestOptions } from 'node:http';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { encodeJson, type SpanBatch } from './otlp-json.js';
import { encodeProtobuf } from './otlp-protobuf.js';
import type { TraceSettings } from './settings.js';

/** What became of a batch. */
export interface Sent {
  /** Spans that the receiver did not take, of a batch that it did. */
  readonly refused: number;
}

/** A batch that was not taken; `again`: sending it once more may end better. The message has no part of the request. */
export class SendError extends Error {
  readonly again: boolean;
  readonly waitMs: number | undefined;
  constructor(reason: string, again: boolean, waitMs?: number) {
    super(reason);
    this.again = again;
    this.waitMs = waitMs;
  }
}

/** https://opentelemetry.io/docs/specs/otlp/#retryable-response-codes */
const RETRYABLE = new Set([429, 502, 503, 504]);
const MOST_ANSWER = 64 * 1024;

export type SendBatch = (batch: SpanBatch, signal: AbortSignal) => Promise<Sent>;

/** Sends batches by OTLP over HTTP, each by a connection of its own: between two of them lie seconds. Throws SendError. */
export function createSender(settings: TraceSettings): SendBatch {
  const { url, protocol } = settings;
  let files: Promise<Pick<Connection, 'ca' | 'cert' | 'key'>> | undefined;
  return async (batch, signal) => {
    files ??= readFiles(settings);
    try {
      const plain = protocol === 'http/json' ? encodeJson(batch) : encodeProtobuf(batch);
      const body = settings.gzip ? await promisify(gzip)(plain) : plain;
      const headers = {
        ...settings.headers,
        'content-type': protocol === 'http/json' ? 'application/json' : 'application/x-protobuf',
        'content-length': String(body.length),
        ...(settings.gzip ? { 'content-encoding': 'gzip' } : {}),
      };
      const timeout = AbortSignal.timeout(settings.timeoutMs);
      const answer = await post(url, { headers, ...(await files), signal: AbortSignal.any([signal, timeout]) }, body);
      return judge(answer);
    } catch (error) {
      if (error instanceof SendError) throw error;
      // A certificate that could not be read may be there the next time.
      files = undefined;
      throw new SendError(describe(error), true);
    }
  };
}

type Connection = RequestOptions & { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer };

interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

async function post(url: URL, options: Connection, body: Buffer): Promise<Answer> {
  const { request } = await (url.protocol === 'https:' ? import('node:https') : import('node:http'));
  return new Promise((resolve, reject) => {
    const sent = request(url, { ...options, method: 'POST', agent: false }, (answer) => {
      let read = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk: string) => {
        read += chunk;
        if (read.length > MOST_ANSWER) answer.destroy(new SendError('the answer is too long', false));
      });
      answer.once('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: read }));
      answer.once('error', reject);
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

function judge({ status, headers, body }: Answer): Sent {
  if (status < 200 || status > 299) {
    const wait = Number(headers['retry-after']);
    throw new SendError(`HTTP ${status}`, RETRYABLE.has(status), Number.isFinite(wait) ? wait * 1000 : undefined);
  }
  if (!headers['content-type']?.includes('json')) return { refused: 0 };
  try {
    const { partialSuccess } = JSON.parse(body) as { partialSuccess?: { rejectedSpans?: string | number } };
    return { refused: Number(partialSuccess?.rejectedSpans ?? 0) || 0 };
  } catch {
    // It said that it took them; how it says so is its own affair.
    return { refused: 0 };
  }
}

function describe(error: unknown): string {
  const { code, name } = error as NodeJS.ErrnoException;
  return name === 'TimeoutError' || name === 'AbortError' ? 'no answer in time' : (code ?? name);
}

async function readFiles({ files }: TraceSettings): Promise<Pick<Connection, 'ca' | 'cert' | 'key'>> {
  const found: { ca?: Buffer; cert?: Buffer; key?: Buffer } = {};
  for (const key of ['ca', 'cert', 'key'] as const) {
    const path = files[key];
    if (path !== undefined) found[key] = await readFile(path);
  }
  return found;
}
