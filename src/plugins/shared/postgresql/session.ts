import { Socket } from 'node:net';
import type { Client, ClientConfig, FieldDef } from 'pg';
import type { SqlConnectionSettings } from '../sql/connection.js';
import { silenceError, tlsRefusedError } from '../sql/connection-errors.js';
import { readTlsOptions } from '../sql/tls.js';
import { CopyOut, type CopyOutOptions } from './copy-out.js';
import { postgresqlError } from './errors.js';

export type TextRow = readonly (string | null)[];

export interface SessionOptions {
  /** The project's root, where relative file names of the config start. */
  readonly root: string;
  readonly signal: AbortSignal;
  readonly applicationName?: string;
}

/** One connection. All values come as the server's text, whatever their type. */
export interface PostgresSession {
  /** The driver's own connection, for what has no method here (COPY FROM STDIN). */
  readonly client: Client;
  /** `host:port/database`, for messages. */
  readonly place: string;
  /** Whether the connection has ended. */
  lost(): boolean;
  /** Runs one or several statements without parameters; the rows of the last one. `doing` is a gerund for errors. */
  texts(sql: string, doing: string): Promise<readonly TextRow[]>;
  /** One statement with parameters. */
  query(sql: string, params: readonly (string | number | boolean | null | readonly string[])[], doing: string): Promise<readonly TextRow[]>;
  /** Columns of a SELECT, without running it. */
  describe(select: string, doing: string): Promise<readonly FieldDef[]>;
  /** Runs `COPY … TO STDOUT`; the connection serves nothing else until its chunks have ended. */
  copyOut(sql: string, doing: string, options?: Omit<CopyOutOptions, 'signal'>): CopyOut;
  /** The driver's error as ours. */
  explain(error: unknown, doing: string): Promise<unknown>;
  /** Ends the connection in order; an open transaction is rolled back. Never throws. */
  end(): Promise<void>;
  /** Cuts the connection: the server gives up what it was doing. */
  destroy(): void;
}

/** Opens one connection as the config wants it. Nothing has been set on it yet. */
export async function openPostgres(settings: SqlConnectionSettings, options: SessionOptions): Promise<PostgresSession> {
  const { signal } = options;
  signal.throwIfAborted();
  const { default: pg } = await import('pg');
  const ssl = await readTlsOptions(settings.tls, settings.host, options.root);
  const password = await settings.password();
  const socket = new Socket();
  let refusesTls = false;
  if (ssl !== undefined) socket.prependOnceListener('data', (answer: Buffer) => (refusesTls = answer.length === 1 && answer[0] === 0x4e));
  const config: ClientConfig = {
    host: settings.host,
    port: settings.port,
    ...(settings.user === undefined ? {} : { user: settings.user }),
    ...(settings.database === undefined ? {} : { database: settings.database }),
    ...(password === undefined ? {} : { password }),
    ssl: ssl ?? false,
    stream: () => socket,
    application_name: options.applicationName ?? 'sluice',
    connectionTimeoutMillis: settings.connectTimeoutMs,
    keepAlive: true,
    types: { getTypeParser: () => (text: string) => text } as unknown as NonNullable<ClientConfig['types']>,
  };
  const client = new pg.Client(config);
  let ended = false;
  // Without a listener the end of an idle connection would end the process.
  client.on('error', () => (ended = true));
  client.on('end', () => (ended = true));
  const cut = (): void => void socket.destroy();
  signal.addEventListener('abort', cut, { once: true });

  const explain = async (error: unknown, doing: string): Promise<unknown> => {
    // The driver rejects a query before it reports the end of its connection.
    await new Promise((resolve) => setImmediate(resolve));
    if (signal.aborted) return signal.reason;
    return postgresqlError(error, { place: settings.place, doing, lost: ended || socket.destroyed });
  };
  try {
    await client.connect();
  } catch (error) {
    signal.removeEventListener('abort', cut);
    const reason = await explain(error, 'connecting');
    socket.destroy();
    throw refusesTls ? tlsRefusedError('PostgreSQL', settings, error) : reason;
  }

  const guard = async <T>(doing: string, work: () => Promise<T>): Promise<T> => {
    let silence: NodeJS.Timeout | undefined;
    let silent = false;
    if (settings.socketTimeoutMs > 0) {
      silence = setTimeout(() => {
        silent = true;
        socket.destroy();
      }, settings.socketTimeoutMs);
    }
    try {
      signal.throwIfAborted();
      return await work();
    } catch (error) {
      throw silent ? silenceError('PostgreSQL', settings, doing, error) : await explain(error, doing);
    } finally {
      clearTimeout(silence);
    }
  };
  return {
    client,
    place: settings.place,
    lost: () => ended || socket.destroyed,
    texts: (sql, doing) =>
      guard(doing, async () => {
        const result: unknown = await client.query({ text: sql, rowMode: 'array' });
        const last = (Array.isArray(result) ? result.at(-1) : result) as { rows: TextRow[] };
        return last.rows;
      }),
    query: (sql, params, doing) =>
      guard(doing, async () => (await client.query({ text: sql, values: [...params], rowMode: 'array' })).rows as TextRow[]),
    describe: (select, doing) =>
      guard(doing, async () => (await client.query({ text: `SELECT * FROM (${select}\n) AS sluice_described LIMIT 0`, rowMode: 'array' })).fields),
    copyOut(sql, doing, copyOptions) {
      const copy = new CopyOut(sql, {
        ...copyOptions,
        signal,
        socketTimeoutMs: settings.socketTimeoutMs,
        explain: (error) => explain(error, doing),
        onSilence: (error) => silenceError('PostgreSQL', settings, doing, error),
        cut,
      });
      client.query(copy);
      return copy;
    },
    explain,
    async end() {
      signal.removeEventListener('abort', cut);
      if (ended || socket.destroyed) return;
      const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()));
      const patience = setTimeout(cut, END_PATIENCE_MS);
      // The answer tells nothing: whatever had to be kept was committed before.
      client.end().catch(cut);
      await gone;
      clearTimeout(patience);
    },
    destroy: cut,
  };
}

const END_PATIENCE_MS = 5000;
