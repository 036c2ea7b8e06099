import { readFile } from 'node:fs/promises';
import { connect as connectSocket, isIP, type Socket } from 'node:net';
import { isAbsolute, join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import type { Connection, ConnectionOptions, FieldPacket, Query, QueryOptions, ResultSetHeader } from 'mysql2';
import { fileSystemError, RemoteError, SluiceError } from '../../../core/spi/index.js';
import { silenceError, tlsRefusedError } from '../sql/connection-errors.js';
import type { SqlConnectionSettings } from '../sql/connection.js';
import { readTlsOptions, type TlsOptions } from '../sql/tls.js';
import { mysqlDialect } from './dialect.js';
import { mysqlError } from './errors.js';
import type { WireColumn } from './result-columns.js';
import { RowStream, type RowStreamOptions } from './row-stream.js';

export type TextRow = readonly (string | null)[];

export interface SessionOptions {
  /** The project's root, where relative file names of the config start. */
  readonly root: string;
  readonly signal: AbortSignal;
  /** Compressed protocol; only for slow networks: the server compresses at some 25 MB/s. */
  readonly compress?: boolean;
  /** PEM file of the server's RSA key, for logins with caching_sha2_password without TLS. */
  readonly serverPublicKey?: string;
}

/** One connection. All values come as the server's text; numbers never pass through the driver, whose doubles are wrong at times. */
export interface MysqlSession {
  /** The driver's own connection, for what has no method here (LOAD DATA LOCAL). */
  readonly client: Connection;
  /** `host:port/database`, for messages. */
  readonly place: string;
  readonly product: 'MySQL' | 'MariaDB';
  /** As the server says it, e.g. `10.11.19-MariaDB`. */
  readonly version: string;
  /** Number of the session at the server, for KILL. */
  readonly threadId: number;
  /** Whether the connection has ended. */
  lost(): boolean;
  /** Rows of one statement. `doing` is a gerund for errors. */
  texts(sql: string, doing: string): Promise<readonly TextRow[]>;
  /** One statement without rows. */
  run(sql: string, doing: string, options?: Pick<QueryOptions, 'infileStreamFactory'>): Promise<ResultSetHeader>;
  /** Columns of a SELECT without a LIMIT, of which no row is read. */
  describe(select: string, doing: string): Promise<readonly WireColumn[]>;
  /** Starts a SELECT; the connection serves nothing else until its chunks have ended. */
  stream(sql: string, doing: string, options: RowStreamOptions): RowStream;
  /** The driver's error as ours. */
  explain(error: unknown, doing: string): Promise<unknown>;
  /** Ends the connection in order; an open transaction is rolled back. Never throws. */
  end(): Promise<void>;
  /** Cuts the connection. */
  destroy(): void;
}

const END_PATIENCE_MS = 5000;
/** The server waits so long for a reader that has fallen behind (its default is one minute), and for our next bytes. */
const PATIENCE_SECS = 3600;

/** Opens one connection as the config wants it: times in UTC, texts in UTF-8, settings of `options` in force. */
export async function openMysql(settings: SqlConnectionSettings, options: SessionOptions): Promise<MysqlSession> {
  const { signal } = options;
  signal.throwIfAborted();
  const { default: mysql } = await import('mysql2');
  const tls = await readTlsOptions(settings.tls, settings.host, options.root);
  const config = await driverConfig(settings, options, tls, mysql);
  const socket = openSocket(settings);
  const client = mysql.createConnection({ ...config, stream: () => socket });

  let lost: { readonly error: unknown } | undefined;
  const listeners = new Set<(error: unknown) => void>();
  const endWith = (error: unknown): void => {
    lost ??= { error };
    for (const listener of [...listeners]) listener(error);
  };
  // Without a listener a late error, of a connection that was already given up, would end the process.
  client.on('error', endWith);
  client.on('end', () => endWith(new Error('the server ended the connection')));
  const cut = (): void => {
    client.destroy();
    endWith(new Error('the connection was cut'));
  };
  signal.addEventListener('abort', cut, { once: true });

  let product: MysqlSession['product'] = 'MySQL';
  const explain = (error: unknown, doing: string, hint?: string): Promise<unknown> => {
    if (signal.aborted) return Promise.resolve(signal.reason);
    const context = { product, place: settings.place, doing, lost: lost !== undefined, ...(hint === undefined ? {} : { hint }) };
    return Promise.resolve(mysqlError(error, context));
  };
  await connected(client, signal).catch(async (error: unknown) => {
    signal.removeEventListener('abort', cut);
    client.destroy();
    if ((error as { code?: unknown }).code === 'HANDSHAKE_NO_SSL_SUPPORT') throw tlsRefusedError(product, settings, error);
    throw await explain(error, 'connecting');
  });

  /** Runs one command; the end of the connection and silence end it, too. */
  const guard = async <T>(doing: string, work: (settle: (error: unknown, result?: T) => void) => void): Promise<T> => {
    let silence: NodeJS.Timeout | undefined;
    let onLost: ((error: unknown) => void) | undefined;
    try {
      signal.throwIfAborted();
      return await new Promise<T>((resolve, reject) => {
        onLost = (error) => reject(error instanceof Error ? error : new Error(String(error)));
        if (lost !== undefined) return onLost(lost.error);
        listeners.add(onLost);
        if (settings.socketTimeoutMs > 0) {
          silence = setTimeout(() => {
            reject(silenceError(product, settings, doing));
            cut();
          }, settings.socketTimeoutMs);
        }
        work((error, result) => (error === null || error === undefined ? resolve(result as T) : reject(error as Error)));
      });
    } catch (error) {
      throw error instanceof SluiceError ? error : await explain(error, doing);
    } finally {
      clearTimeout(silence);
      if (onLost !== undefined) listeners.delete(onLost);
    }
  };
  const texts = (sql: string, doing: string): Promise<readonly TextRow[]> =>
    guard(doing, (settle) => {
      client.query({ sql, rowsAsArray: true, typeCast: (field) => field.buffer()?.toString('utf8') ?? null }, (error, rows) =>
        settle(error, rows as unknown as TextRow[]),
      );
    });
  const run: MysqlSession['run'] = (sql, doing, queryOptions = {}) =>
    guard(doing, (settle) => client.query({ sql, ...queryOptions }, (error, result) => settle(error, result as ResultSetHeader)));

  let version: string;
  try {
    checkIdentity(client, settings, tls);
    const [row] = await texts('SELECT VERSION()', 'connecting');
    version = row?.[0] ?? '';
    if (/mariadb/i.test(version)) product = 'MariaDB';
    await run(sessionSettings(settings), 'applying the session settings');
  } catch (error) {
    signal.removeEventListener('abort', cut);
    client.destroy();
    throw error;
  }
  return {
    client,
    place: settings.place,
    product,
    version,
    threadId: client.threadId,
    lost: () => lost !== undefined,
    texts,
    run,
    describe: (select, doing) =>
      guard<readonly FieldPacket[]>(doing, (settle) => {
        client.query({ sql: `${select}\nLIMIT 0`, rowsAsArray: true }, (error, _rows, fields) => settle(error, fields));
      }) as Promise<readonly unknown[]> as Promise<readonly WireColumn[]>,
    stream(sql, doing, streamOptions) {
      return new RowStream(
        sql,
        {
          client,
          socketTimeoutMs: settings.socketTimeoutMs,
          createQuery: (text) => createQuery(mysql, text, client),
          onLost(listener) {
            listeners.add(listener);
            if (lost !== undefined) listener(lost.error);
            return () => listeners.delete(listener);
          },
          explain: (error, wasPaused) =>
            error instanceof SluiceError ? Promise.resolve(error) : explain(error, doing, wasPaused && lost !== undefined ? SLOW_HINT : undefined),
          silence: () => silenceError(product, settings, doing),
          cut,
        },
        streamOptions,
      );
    },
    explain: (error, doing) => explain(error, doing),
    async end() {
      signal.removeEventListener('abort', cut);
      if (lost !== undefined) return;
      const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()));
      const patience = setTimeout(cut, END_PATIENCE_MS);
      // The answer tells nothing: whatever had to be kept was committed before.
      client.end(() => undefined);
      await gone;
      clearTimeout(patience);
    },
    destroy: cut,
  };
}

const SLOW_HINT =
  'the server may have given up on a reader that fell behind: check for a proxy or a setting that lowers net_write_timeout, and the speed of the temporary disk; then run again';

type Driver = Pick<typeof import('mysql2'), 'createConnection'>;

function openSocket(settings: SqlConnectionSettings): Socket {
  if (settings.host.startsWith('/')) return connectSocket(settings.host);
  const socket = connectSocket({ host: settings.host, port: settings.port, keepAlive: true, noDelay: true });
  // For an address instead of a name the driver would have the certificate checked for `localhost`: Node takes the name from here.
  if (isIP(settings.host) !== 0) (socket as unknown as { _host: string })._host = settings.host;
  return socket;
}

async function driverConfig(
  settings: SqlConnectionSettings,
  options: SessionOptions,
  tls: TlsOptions | undefined,
  mysql: Driver,
): Promise<ConnectionOptions> {
  const password = await settings.password();
  const { mode } = settings.tls;
  return {
    host: settings.host,
    port: settings.port,
    ...(settings.user === undefined ? {} : { user: settings.user }),
    ...(password === undefined ? {} : { password }),
    ...(settings.database === undefined ? {} : { database: settings.database }),
    connectTimeout: settings.connectTimeoutMs,
    charset: 'utf8mb4_bin',
    ...(options.compress === true ? { compress: true } : {}),
    ...(tls === undefined
      ? {}
      : {
          ssl: {
            rejectUnauthorized: tls.rejectUnauthorized,
            verifyIdentity: mode === 'verify-full',
            ...(tls.ca === undefined ? {} : { ca: tls.ca }),
            ...(tls.cert === undefined || tls.key === undefined ? {} : { cert: tls.cert, key: tls.key }),
          },
        }),
    ...(options.serverPublicKey === undefined ? {} : { authPlugins: await pinnedKey(mysql, options.serverPublicKey, options.root) }),
  };
}

async function pinnedKey(mysql: Driver, path: string, root: string): Promise<NonNullable<ConnectionOptions['authPlugins']>> {
  let serverPublicKey: Buffer;
  try {
    serverPublicKey = await readFile(isAbsolute(path) ? path : join(root, path));
  } catch (error) {
    throw fileSystemError(error, `reading server_public_key ${path}`);
  }
  const plugins = mysql as unknown as {
    readonly authPlugins: { caching_sha2_password(o: object): never; sha256_password?(o: object): never };
  };
  return { caching_sha2_password: plugins.authPlugins.caching_sha2_password({ serverPublicKey }) };
}

/** A connection that is destroyed while it is being made emits nothing, so the signal is listened to as well. */
function connected(client: Connection, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (end: () => void): void => {
      signal.removeEventListener('abort', onAbort);
      client.off('error', onError);
      end();
    };
    const onAbort = (): void => settle(() => reject(signal.reason as Error));
    const onError = (error: Error): void => settle(() => reject(error));
    signal.addEventListener('abort', onAbort, { once: true });
    client.once('error', onError);
    client.once('connect', () => settle(resolve));
  });
}

/** A second look at what the driver should have checked: it passes over the name when it resumes a TLS session. */
function checkIdentity(client: Connection, settings: SqlConnectionSettings, tls: TlsOptions | undefined): void {
  if (tls === undefined || settings.tls.mode !== 'verify-full') return;
  const { stream } = client as unknown as { readonly stream: Partial<TLSSocket> };
  const certificate = stream.getPeerCertificate?.();
  const problem = certificate === undefined ? new Error('the connection is not encrypted') : tls.checkServerIdentity(settings.host, certificate);
  if (problem === undefined) return;
  throw new RemoteError({
    code: 'SQL_TLS',
    message: `MySQL ${settings.place}: connecting: ${problem.message}`,
    hint: 'the certificate must be issued for the host of the config; verify-ca accepts any host of the authority',
    retryable: false,
    cause: problem,
  });
}

function createQuery(mysql: Driver, sql: string, client: Connection): Query {
  const create = (mysql as unknown as { createQuery(q: object, values: null, callback: null, config: unknown): Query }).createQuery;
  // Used by the public lane alone; the fast lane never parses a row.
  return create({ sql, rowsAsArray: true, typeCast: (field: { buffer(): Buffer | null }) => field.buffer() }, null, null, client.config);
}

/** Names of JDBC settings have capitals, those of the server's variables have not. */
export function isServerSetting(name: string): boolean {
  return /^[a-z][a-z0-9_]*$/.test(name);
}

function sessionSettings(settings: SqlConnectionSettings): string {
  const own = { time_zone: "'+00:00'", net_write_timeout: String(PATIENCE_SECS), net_read_timeout: String(PATIENCE_SECS) };
  const given = Object.entries(settings.options)
    .filter(([name]) => isServerSetting(name))
    .map(([name, value]) => [name, typeof value === 'string' ? mysqlDialect.quoteLiteral(value) : String(value)] as const);
  return `SET ${Object.entries({ ...own, ...Object.fromEntries(given) })
    .map(([name, value]) => `SESSION ${name} = ${value}`)
    .join(', ')}`;
}
