import { readFile } from 'node:fs/promises';
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { isAbsolute, join } from 'node:path';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import type { MailServer, MailTarget, MailTls } from '../../core/config/index.js';
import { ConfigError, fileSystemError, RemoteError, revealSecret } from '../../core/spi/index.js';
import { guardedLookup, isRefusedAddress, REFUSED_ADDRESS } from '../../plugins/shared/network-rules.js';
import { isLocalHost } from '../../plugins/shared/sql/tls.js';
import type { Mail } from './mail.js';

const CONNECT_MS = 10_000;
const WHOLE_MS = 60_000;
const PORTS: Readonly<Record<MailTls, number>> = { starttls: 587, implicit: 465, none: 25 };
/** Why Node or OpenSSL did not accept a certificate. */
const CERTIFICATE = /^(CERT_|ERR_TLS_CERT|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|HOSTNAME_MISMATCH|INVALID_CA)/;
/** nodemailer's codes for a conversation that broke off; another try may fare better. */
const BROKEN_OFF = new Set(['ECONNECTION', 'ETIMEDOUT', 'ESOCKET', 'EDNS', 'ETLS', 'EABORT', 'EPROTOCOL']);

interface MailFailure extends Error {
  readonly code?: string;
  readonly originalCode?: string;
  readonly responseCode?: number;
  readonly response?: string;
}

interface ResolvedServer {
  readonly host: string;
  readonly port: number;
  readonly tls: MailTls;
  readonly user: string | undefined;
  readonly password: string | undefined;
}

/**
 * Sends an e-mail once. Errors: ConfigError NOTIFY_MAIL_URL; RemoteError NOTIFY_UNREACHABLE, NOTIFY_CERTIFICATE, NOTIFY_REFUSED, of
 * which answers 4xx and broken connections are retryable. `name` says in errors where the target stands; `root` is the project's.
 */
export async function sendMail(target: MailTarget, name: string, mail: Mail, root: string): Promise<void> {
  const server = await resolveServer(target, name);
  const ca = await readAuthorities(target.tlsCa, root);
  const tls: ConnectionOptions = {
    minVersion: 'TLSv1.2',
    ...(ca === undefined ? {} : { ca }),
    ...(isIP(server.host) === 0 ? { servername: server.host } : {}),
  };
  const { createTransport } = await import('nodemailer');
  const socket = await connect(server, tls).catch((error: NodeJS.ErrnoException) => {
    throw unreachable(error.code, name, server);
  });
  // What goes wrong later is told by the transport; alone, an error event would end the process.
  socket.on('error', () => undefined);
  const transport = createTransport({
    host: server.host,
    port: server.port,
    connection: socket,
    secure: server.tls === 'implicit',
    secured: server.tls === 'implicit',
    requireTLS: server.tls === 'starttls',
    ignoreTLS: server.tls === 'none',
    greetingTimeout: CONNECT_MS,
    socketTimeout: CONNECT_MS,
    tls,
    disableFileAccess: true,
    disableUrlAccess: true,
    ...(server.user === undefined ? {} : { auth: { user: server.user, pass: server.password ?? '' } }),
  });
  try {
    const sent = await transport.sendMail({
      from: target.from,
      to: [...target.to],
      subject: mail.subject,
      text: mail.text,
      messageId: `<${mail.id}@${domainOf(target.from)}>`,
      headers: { 'Auto-Submitted': 'auto-generated' },
      signal: AbortSignal.timeout(WHOLE_MS),
    });
    if (sent.rejected.length > 0) throw refusedReceivers(name, server, sent.rejected.length, target.to.length);
  } catch (error) {
    throw error instanceof RemoteError ? error : describeFailure(error as MailFailure, name, server);
  } finally {
    transport.close();
    socket.destroy();
  }
}

async function resolveServer(target: MailTarget, name: string): Promise<ResolvedServer> {
  const given = target.password === undefined ? undefined : await revealSecret(target.password);
  const { server, password } =
    'url' in target.server ? readUrl(await revealSecret(target.server.url), name) : { server: target.server, password: undefined };
  const { host, user } = server;
  const tls = server.tls ?? (server.port === 465 ? 'implicit' : isLocalHost(host) ? 'none' : 'starttls');
  return { host, user, tls, port: server.port ?? PORTS[tls], password: given ?? password };
}

function readUrl(text: string, name: string): { readonly server: MailServer; readonly password: string | undefined } {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const host = url?.hostname.replace(/^\[|\]$/g, '') ?? '';
  if (!url || !['smtp:', 'smtps:'].includes(url.protocol) || host === '' || !['', '/'].includes(url.pathname) || url.search !== '')
    throw new ConfigError({
      code: 'NOTIFY_MAIL_URL',
      message: `${name}: expected a URL such as smtps://user@mail.example.com:465, found ${url ? `${url.protocol}//${url.host}` : 'a text that is no URL'}`,
      hint: 'smtps:// is encrypted from the start, smtp:// by STARTTLS; plain connections to other machines need host: and tls: none',
    });
  const part = (value: string): string | undefined => (value === '' ? undefined : decodeURIComponent(value));
  return {
    server: {
      host,
      port: url.port === '' ? undefined : Number(url.port),
      tls: url.protocol === 'smtps:' ? 'implicit' : undefined,
      user: part(url.username),
    },
    password: part(url.password),
  };
}

async function readAuthorities(file: string | undefined, root: string): Promise<string | undefined> {
  if (file === undefined) return undefined;
  try {
    return await readFile(isAbsolute(file) ? file : join(root, file), 'utf8');
  } catch (error) {
    throw fileSystemError(error, `reading tls_ca ${file}`);
  }
}

/** Connected by ourselves, so that the address that is used is the one that was checked. */
function connect({ host, port, tls: mode }: ResolvedServer, tls: ConnectionOptions): Promise<Socket> {
  return new Promise((resolve, reject) => {
    if (isIP(host) !== 0 && isRefusedAddress(host)) {
      reject(Object.assign(new Error(`${host} is a refused address`), { code: REFUSED_ADDRESS }));
      return;
    }
    const address = { host, port, lookup: guardedLookup };
    const socket = mode === 'implicit' ? connectTls({ ...tls, ...address }) : connectPlain(address);
    const timer = setTimeout(() => socket.destroy(Object.assign(new Error('no connection in time'), { code: 'ETIMEDOUT' })), CONNECT_MS);
    const fail = (error: Error): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    socket.once('error', fail);
    socket.once(mode === 'implicit' ? 'secureConnect' : 'connect', () => {
      clearTimeout(timer);
      socket.off('error', fail);
      resolve(socket);
    });
  });
}

function unreachable(code: string | undefined, name: string, { host, port }: ResolvedServer): RemoteError {
  if (code !== undefined && CERTIFICATE.test(code)) {
    return new RemoteError({
      code: 'NOTIFY_CERTIFICATE',
      message: `${name}: the certificate of ${host}:${port} cannot be trusted: ${code}`,
      hint: 'it must be issued for the host of the config by a known authority; tls_ca names another one',
      retryable: false,
    });
  }
  return new RemoteError({
    code: 'NOTIFY_UNREACHABLE',
    message: `${name}: ${host}:${port} cannot be reached: ${code ?? 'no answer'}`,
    hint: code === REFUSED_ADDRESS ? 'link-local and metadata addresses are refused' : 'check host, port, tls and the network',
    retryable: code !== REFUSED_ADDRESS,
  });
}

function describeFailure(error: MailFailure, name: string, server: ResolvedServer): RemoteError {
  const { code = 'UNEXPECTED', responseCode, response = '' } = error;
  if (responseCode !== undefined) {
    // A server may repeat what it was sent, so its words about the login stay here.
    const words = code === 'EAUTH' ? 'the login' : response.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 200);
    return new RemoteError({
      code: 'NOTIFY_REFUSED',
      message: `${name}: ${server.host}:${server.port} refused ${code === 'EAUTH' ? `${words} with ${responseCode}` : `the message: ${words}`}`,
      hint:
        code === 'EAUTH'
          ? 'check user and password'
          : code === 'ETLS'
            ? 'the server must offer STARTTLS; see tls'
            : 'check from, to and the rules of the server',
      retryable: responseCode >= 400 && responseCode < 500,
    });
  }
  const cause = error.originalCode ?? code;
  if (BROKEN_OFF.has(code)) return unreachable(cause, name, server);
  return new RemoteError({
    code: 'NOTIFY_REFUSED',
    message: `${name}: the message could not be sent: ${code}`,
    hint: code === 'EAUTH' ? 'check user and password' : 'check from, to and the rules of the server',
    retryable: false,
  });
}

function refusedReceivers(name: string, { host, port }: ResolvedServer, refused: number, all: number): RemoteError {
  return new RemoteError({
    code: 'NOTIFY_REFUSED',
    message: `${name}: ${host}:${port} refused ${refused} of ${all} receivers; the others have the message`,
    hint: 'check the addresses of to',
    retryable: false,
  });
}

function domainOf(from: string): string {
  return /@([^<>@\s]+)>?$/.exec(from)?.[1] ?? 'localhost';
}
