import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type SftpClient from 'ssh2-sftp-client';
import { ConfigError, RemoteError, revealSecret, SluiceError, fileSystemError, type PluginContext, type Secret } from '../../core/spi/index.js';
import { algorithmsOf, entriesFor, keyProblem, parseKnownHosts, type KnownHost } from './host-keys.js';

export interface SftpConnection {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password?: string | Secret;
  readonly private_key?: string | Secret;
  readonly passphrase?: string | Secret;
  readonly host_fingerprint?: string;
  readonly known_hosts?: string;
  readonly connect_timeout_secs: number;
}

type HostKeyAlgorithms = NonNullable<NonNullable<SftpClient.ConnectOptions['algorithms']>['serverHostKey']>;

/** Logs in after the server has proved who it is. */
export async function connectSftp(config: SftpConnection, ctx: PluginContext): Promise<SftpClient> {
  const { host, port, user } = config;
  if (config.password === undefined && config.private_key === undefined)
    throw new ConfigError({
      code: 'SFTP_LOGIN',
      message: `sftp ${user}@${host}: expected password or private_key`,
      hint: 'add private_key: {file: ~/.ssh/id_ed25519}',
    });
  const trusted = config.host_fingerprint === undefined ? { entries: await knownHosts(config, ctx) } : { fingerprint: config.host_fingerprint };
  const algorithms = 'entries' in trusted ? algorithmsOf(trusted.entries) : [];
  let problem: string | undefined;
  const options: SftpClient.ConnectOptions = {
    host,
    port,
    username: user,
    readyTimeout: config.connect_timeout_secs * 1000,
    keepaliveInterval: 15_000,
    hostVerifier: (key: Buffer) => {
      problem = keyProblem(key, trusted);
      return problem === undefined;
    },
    ...(algorithms.length === 0 ? {} : { algorithms: { serverHostKey: algorithms as HostKeyAlgorithms } }),
    ...(config.password === undefined ? {} : { password: await revealSecret(config.password) }),
    ...(config.private_key === undefined ? {} : { privateKey: await revealSecret(config.private_key) }),
    ...(config.passphrase === undefined ? {} : { passphrase: await revealSecret(config.passphrase) }),
  };
  const { default: Client } = await import('ssh2-sftp-client');
  // Failures of a call are thrown by it; those between calls show at the next one.
  const client = new Client('sluice', { error: () => undefined, end: () => undefined, close: () => undefined });
  // The client's own errors keep the code but not the level, which tells a refused login.
  let level: unknown;
  client.on('error', (error: { readonly level?: unknown }) => (level ??= error.level));
  const stop = (): void => void client.end().catch(() => undefined);
  ctx.signal.addEventListener('abort', stop, { once: true });
  try {
    await client.connect(options);
    return client;
  } catch (error) {
    ctx.signal.throwIfAborted();
    if (problem !== undefined)
      throw new ConfigError({
        code: 'SFTP_HOST_KEY',
        message: `sftp ${host}:${port}: the server cannot be trusted: ${problem}`,
        hint: 'compare the fingerprint with what its owner says, then set host_fingerprint or add the key to known_hosts',
      });
    if (level === 'client-authentication')
      throw new ConfigError({
        code: 'SFTP_LOGIN',
        message: `sftp ${user}@${host}:${port}: the server refused the login`,
        hint: 'check user, password and private_key',
        cause: error,
      });
    // What fails before the network is touched has neither level nor code: a key that cannot be read.
    if (level === undefined && (error as { code?: unknown }).code === undefined && config.private_key !== undefined)
      throw new ConfigError({
        code: 'SFTP_LOGIN',
        message: `sftp ${user}@${host}:${port}: private_key: expected the text of a private key: ${(error as Error).message}`,
        hint: 'name its file as private_key: {file: ~/.ssh/id_ed25519}; an encrypted key needs passphrase',
        cause: error,
      });
    const failure = sftpError(error, `connecting to sftp ${user}@${host}:${port}`);
    // A server with too many logins under way closes the connection before it says a word (MaxStartups).
    throw level === 'protocol' && failure instanceof RemoteError ? passing(failure) : failure;
  }
}

function passing({ code, message, cause }: RemoteError): RemoteError {
  const hint = 'check that an SSH server listens there; one with too many logins under way (MaxStartups) takes more a little later';
  return new RemoteError({ code, message, retryable: true, hint, cause });
}

async function knownHosts(config: SftpConnection, ctx: PluginContext): Promise<readonly KnownHost[]> {
  const file =
    config.known_hosts === undefined ? join(homedir(), '.ssh', 'known_hosts') : resolve(ctx.root, config.known_hosts.replace(/^~(?=\/)/, homedir()));
  try {
    return entriesFor(parseKnownHosts(await readFile(file, 'utf8')), config.host, config.port);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' && config.known_hosts === undefined) return [];
    throw fileSystemError(error, `reading ${file}`);
  }
}

const RETRYABLE: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ERR_NOT_CONNECTED',
  'ERR_GENERIC_CLIENT',
  'ERR_CONNECTION',
]);

/** An error of the client as one for users; `doing` is a gerund. */
export function sftpError(error: unknown, doing: string): SluiceError {
  if (error instanceof SluiceError) return error;
  const { code, message } = error as { code?: string | number; message: string };
  return new RemoteError({
    code: 'SFTP',
    message: `${doing}: ${message}`,
    retryable: RETRYABLE.has(String(code)),
    hint: code === 'EACCES' ? 'check the permissions of the folder on the server' : 'check host, port and that the server can be reached',
    cause: error,
  });
}

export function isMissingFile(error: unknown): boolean {
  const { code } = error as { code?: string | number };
  return code === 'ENOENT' || code === 2 || code === 'ERR_BAD_PATH';
}
