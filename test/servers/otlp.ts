import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { decodeRequest } from './otlp-message.js';

export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string | undefined;
  readonly name: string;
  readonly kind: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly { readonly name: string; readonly attributes: Readonly<Record<string, unknown>> }[];
  readonly status: { readonly code?: number; readonly message?: string };
  readonly resource: Readonly<Record<string, unknown>>;
}

/** Takes traces by OTLP over HTTP, as a collector does, in both encodings. */
export class OtlpReceiver {
  readonly origin: string;
  readonly spans: ReceivedSpan[] = [];
  readonly requests: { readonly path: string; readonly headers: IncomingMessage['headers'] }[] = [];
  /** All that came, for a search. */
  text = '';
  /** Answers in the place of 200. */
  handle: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  readonly #server: ReturnType<typeof createServer>;
  #waiting: (() => void)[] = [];

  private constructor(server: ReturnType<typeof createServer>) {
    this.#server = server;
    this.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('request', (request: IncomingMessage, response: ServerResponse) => void this.#take(request, response));
  }

  static async start(): Promise<OtlpReceiver> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new OtlpReceiver(server);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** The spans once there are some that `test` likes. */
  async until(test: (spans: readonly ReceivedSpan[]) => boolean): Promise<readonly ReceivedSpan[]> {
    while (!test(this.spans)) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.spans;
  }

  span(name: string): ReceivedSpan {
    const found = this.spans.filter((span) => span.name === name);
    if (found.length !== 1 || !found[0]) throw new Error(`${found.length} spans "${name}" among ${this.spans.map((span) => span.name).join(', ')}`);
    return found[0];
  }

  childrenOf(parent: ReceivedSpan): readonly ReceivedSpan[] {
    return this.spans.filter((span) => span.parentId === parent.spanId && span.traceId === parent.traceId);
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    this.requests.push({ path: request.url ?? '', headers: request.headers });
    if (this.handle) return this.handle(request, response);
    const raw = Buffer.concat(chunks);
    const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw;
    this.text += body.toString('latin1');
    const json = request.headers['content-type'] === 'application/json';
    const message = json ? (JSON.parse(body.toString()) as Record<string, unknown>) : decodeRequest(body);
    this.spans.push(...readSpans(message));
    response.writeHead(200, { 'content-type': request.headers['content-type'] }).end(json ? '{}' : undefined);
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

interface Message {
  readonly [name: string]: unknown;
}

function readSpans(message: Message): readonly ReceivedSpan[] {
  return list(message['resourceSpans']).flatMap((part) => {
    const resource = attributesOf((part['resource'] as Message)['attributes']);
    return list(part['scopeSpans']).flatMap((scope) => list(scope['spans']).map((span) => readSpan(span, resource)));
  });
}

function readSpan(span: Message, resource: ReceivedSpan['resource']): ReceivedSpan {
  const status = (span['status'] ?? {}) as { code?: number | string; message?: string };
  return {
    traceId: String(span['traceId']),
    spanId: String(span['spanId']),
    parentId: span['parentSpanId'] as string | undefined,
    name: String(span['name']),
    kind: Number(span['kind']),
    startNs: BigInt(String(span['startTimeUnixNano'])),
    endNs: BigInt(String(span['endTimeUnixNano'])),
    attributes: attributesOf(span['attributes']),
    events: list(span['events']).map((event) => ({ name: String(event['name']), attributes: attributesOf(event['attributes']) })),
    status: {
      ...(status.code === undefined ? {} : { code: Number(status.code) }),
      ...(status.message === undefined ? {} : { message: status.message }),
    },
    resource,
  };
}

function list(value: unknown): readonly Message[] {
  return (value ?? []) as readonly Message[];
}

function attributesOf(value: unknown): Readonly<Record<string, unknown>> {
  return Object.fromEntries(list(value).map(({ key, value: each }) => [String(key), plain(each as Message)]));
}

function plain(value: Message): unknown {
  if ('intValue' in value) return Number(value['intValue']);
  if ('arrayValue' in value) return list((value['arrayValue'] as Message)['values']).map(plain);
  return Object.values(value)[0];
}
