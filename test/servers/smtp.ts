import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { testCertificates } from './tls.js';

/** A mail as the server took it. */
export interface TakenMail {
  readonly from: string;
  readonly to: readonly string[];
  /** Headers and body. */
  readonly text: string;
  readonly secure: boolean;
  readonly user: string | undefined;
}

export interface SmtpOptions {
  readonly tls?: 'starttls' | 'implicit' | 'none';
  /** The only login it takes; without one it wants none. */
  readonly login?: { readonly user: string; readonly password: string };
  /** Asked for each message with how many have come before, and each receiver; an answer is a refusal with that code. */
  onData?(count: number): number | 'cut' | undefined;
  onReceiver?(address: string): number | undefined;
}

export interface TestSmtp {
  readonly port: number;
  readonly mails: readonly TakenMail[];
  /** Connections so far. */
  readonly connections: () => number;
  stop(): Promise<void>;
}

/** A real SMTP server on 127.0.0.1 with the certificate of the test servers. */
export async function startSmtp(options: SmtpOptions = {}): Promise<TestSmtp> {
  const { tls = 'none', login, onData, onReceiver } = options;
  const files = await testCertificates();
  const [key, cert] = await Promise.all([readFile(files.keyFile), readFile(files.certFile)]);
  const mails: TakenMail[] = [];
  let connections = 0;
  let messages = 0;
  const server = new SMTPServer({
    key,
    cert,
    secure: tls === 'implicit',
    disabledCommands: [...(tls === 'starttls' ? [] : ['STARTTLS']), ...(login ? [] : ['AUTH'])],
    allowInsecureAuth: true,
    authOptional: login === undefined,
    closeTimeout: 100,
    disableReverseLookup: true,
    logger: false,
    onConnect: (_session, done) => {
      connections++;
      done();
    },
    onAuth: (auth, _session, done) => {
      if (auth.username === login?.user && auth.password === login?.password) done(null, { user: auth.username });
      else done(refusal(535, `no such login: ${auth.password ?? ''}`));
    },
    onRcptTo: ({ address }, _session, done) => {
      const code = onReceiver?.(address);
      done(code === undefined ? null : refusal(code, 'no such user'));
    },
    onData: (stream, session, done) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.once('end', () => {
        const verdict = onData?.(messages++);
        if (verdict === 'cut') return void cut(server);
        if (verdict !== undefined) return done(refusal(verdict, 'not this message'));
        mails.push({
          from: session.envelope.mailFrom === false ? '' : session.envelope.mailFrom.address,
          to: session.envelope.rcptTo.map(({ address }) => address),
          text: Buffer.concat(chunks).toString('utf8'),
          secure: session.secure,
          user: session.user,
        });
        done();
      });
    },
  } satisfies SMTPServerOptions);
  // What clients break off is no news here.
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  return {
    port: (server.server.address() as AddressInfo).port,
    mails,
    connections: () => connections,
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function refusal(responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode });
}

/** Ends every connection without an answer. */
function cut(server: SMTPServer): void {
  for (const connection of (server as unknown as { connections: Set<{ _socket: { destroy(): void } }> }).connections) connection._socket.destroy();
}
