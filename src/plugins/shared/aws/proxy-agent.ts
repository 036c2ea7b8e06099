import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as tlsConnect } from 'node:tls';
import { RemoteError, revealSecret, type Secret } from '../../../core/spi/index.js';

export interface HttpProxy {
  readonly host: string;
  readonly port?: number;
  readonly https?: boolean;
  readonly user?: string;
  readonly password?: string | Secret;
}

/** An agent whose connections go through an HTTP proxy (CONNECT); `tls` = the service itself is spoken to with TLS. */
export async function openProxyAgent(proxy: HttpProxy, tls: boolean): Promise<HttpAgent | HttpsAgent> {
  const password = proxy.password === undefined ? '' : await revealSecret(proxy.password);
  const headers: Record<string, string> =
    proxy.user === undefined ? {} : { 'proxy-authorization': `Basic ${Buffer.from(`${proxy.user}:${password}`).toString('base64')}` };
  type Connect = (error: Error | null, stream?: Duplex) => void;
  const createConnection = (options: { host?: string | null; port?: number | string | null; servername?: string }, done: Connect): undefined => {
    const host = options.host ?? 'localhost';
    const port = Number(options.port ?? (tls ? 443 : 80));
    openTunnel(proxy, headers, `${host}:${port}`, (error, socket) => {
      if (error !== null || socket === undefined) done(error);
      else if (!tls) done(null, socket);
      else done(null, tlsConnect({ socket, servername: options.servername ?? host }));
    });
    return undefined;
  };
  const agent = tls ? new HttpsAgent({ keepAlive: true }) : new HttpAgent({ keepAlive: true });
  return Object.assign(agent, { createConnection });
}

function openTunnel(
  proxy: HttpProxy,
  headers: Readonly<Record<string, string>>,
  target: string,
  done: (error: Error | null, socket?: Socket) => void,
): void {
  const secure = proxy.https ?? true;
  const request = (secure ? httpsRequest : httpRequest)({
    host: proxy.host,
    port: proxy.port ?? (secure ? 443 : 80),
    method: 'CONNECT',
    path: target,
    headers: { host: target, ...headers },
    agent: false,
  });
  request.once('connect', (response, socket) => {
    if (response.statusCode === 200) return done(null, socket);
    socket.destroy();
    done(
      new RemoteError({
        code: 'PROXY_REFUSED',
        message: `the proxy ${proxy.host} answered ${response.statusCode ?? '?'} when asked for ${target}`,
        hint: 'check http_proxy: user, password, and what the proxy lets through',
        retryable: false,
      }),
    );
  });
  request.once('error', (error) => done(error));
  request.end();
}
