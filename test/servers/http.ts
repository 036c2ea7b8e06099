import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface SeenRequest {
  readonly method: string;
  /** Path and parameters. */
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface HttpServer {
  /** `http://127.0.0.1:port` */
  readonly origin: string;
  readonly host: string;
  /** All requests so far, in order. */
  readonly seen: SeenRequest[];
  /** Answers requests; asked with the parsed address and how many requests came before. */
  handle(handler: (request: SeenRequest, response: ServerResponse, url: URL) => void): void;
  stop(): Promise<void>;
}

/** An HTTP server for one test file. */
export async function startHttp(host = '127.0.0.1'): Promise<HttpServer> {
  let handler: Parameters<HttpServer['handle']>[0] = (_request, response) => response.writeHead(404).end('no handler');
  const seen: SeenRequest[] = [];
  const server = createServer((message, response) => {
    const chunks: Buffer[] = [];
    message.on('data', (chunk: Buffer) => chunks.push(chunk));
    message.on('end', () => {
      const { method = '', url = '', headers } = message;
      const request = { method, url, headers, body: Buffer.concat(chunks).toString() };
      seen.push(request);
      handler(request, response, new URL(url, origin));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const address = `${host}:${(server.address() as AddressInfo).port}`;
  const origin = `http://${address}`;
  return {
    origin,
    host: address,
    seen,
    handle(next) {
      handler = next;
      seen.length = 0;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
