import { readFile } from 'node:fs/promises';

import type { Client, ClientBase, PoolClient, PoolConfig, QueryResult } from 'pg';

import { BugError, RemoteError, fileSystemError } from '../core/spi/index.js';
import { refuseNested, runInside } from './connection.js';
import type { Connection, Dialect, OpenTransaction, SqlRow, SqlValue } from './connection.js';
import { UNREACHABLE_CODE, postgresqlError } from './errors-postgresql.js';
import type { MetastoreUrl } from './url.js';

const INT8 = 20;
const NUMERIC = 1700;
const CONNECTIONS = 4;
/** Idle connections may all have gone with a restart of the server: the try after the last of them gets a fresh one. */
const TRIES = CONNECTIONS + 1;
/** A statement that is not answered for so long went to a server that has gone without a word. */
const ANSWER_SECONDS = 120;
const LOCK_IDLE_MS = 15_000;

export const POSTGRESQL_DIALECT: Dialect = {
  kind: 'postgresql',
  now: 'CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)',
  countingKey: 'BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY',
  lockRow: ' FOR UPDATE',
  // Compatible with the renewals' updates of columns outside the key, not with the FOR UPDATE of a take-over.
  pinRow: ' FOR KEY SHARE',
  // Everybody waits for the holder: one that was cut off or suspended loses its transaction soon.
  lockName: async (tx, name) => {
    await tx.run(
      `SELECT set_config('idle_in_transaction_session_timeout', '${LOCK_IDLE_MS}', true), pg_advisory_xact_lock(hashtextextended($1, 0))`,
      [`sluice ${name}`],
    );
  },
  hasTable: async (reader, table) => (await reader.get('SELECT 1 AS found FROM pg_class WHERE oid = to_regclass($1)', [table])) !== undefined,
  hasColumn: async (reader, table, column) =>
    (await reader.get('SELECT 1 AS found FROM pg_attribute WHERE attrelid = to_regclass($1) AND attname = $2 AND NOT attisdropped', [
      table,
      column,
    ])) !== undefined,
};

interface Checked {
  query(sql: string, params?: readonly SqlValue[]): Promise<QueryResult<SqlRow>>;
  /** Whether the connection has ended; the driver's own error then has no code. */
  lost(): boolean;
  /** Keeps the connection from being used again. */
  discard(): void;
  release(): void;
  /** Whether a statement was given up. */
  readonly silent: boolean;
}

/** Opens a pool. Nothing is connected before the first statement; a broken connection is replaced at the next one. */
export async function openPostgresql(
  url: Extract<MetastoreUrl, { kind: 'postgresql' }>,
  password: string | undefined,
  answerSeconds = ANSWER_SECONDS,
): Promise<Connection> {
  const place = `postgresql://${url.host}:${url.port}/${url.database}`;
  const { default: pg } = await import('pg');
  const pool = new pg.Pool(await configure(url, password, pg.types));
  const ended = new WeakSet<ClientBase>();
  pool.on('connect', (client: ClientBase) => {
    const note = (): void => void ended.add(client);
    // Without a listener an idle connection's end would end the process.
    client.on('error', note);
    client.on('end', note);
  });
  // The pool has dropped the connection already; its next use opens a new one.
  pool.on('error', (_error: Error, client: Client) => void ended.add(client));

  const checkOut = async (): Promise<Checked> => {
    try {
      return new CheckedClient(await pool.connect(), ended, answerSeconds);
    } catch (error) {
      throw postgresqlError(error, place, true);
    }
  };

  const read = async (sql: string, params: readonly SqlValue[] = []): Promise<readonly SqlRow[]> => {
    for (let attempt = 1; ; attempt++) {
      const checked = await checkOut();
      try {
        return (await checked.query(sql, params)).rows;
      } catch (error) {
        const known = await explain(error, checked, place);
        if (!isUnreachable(known) || checked.silent || attempt === TRIES) throw known;
      } finally {
        checked.release();
      }
    }
  };

  const connection = { dialect: POSTGRESQL_DIALECT };
  return {
    ...connection,
    reader: { get: async (sql, params) => (await read(sql, params))[0], all: read },
    transaction: async (work) => {
      refuseNested(connection);
      const checked = await begin(checkOut, place);
      try {
        return await runTransaction(connection, checked, place, work);
      } finally {
        checked.release();
      }
    },
    close: () => pool.end(),
  };
}

/** A connection out of the pool. */
class CheckedClient implements Checked {
  readonly #client: PoolClient;
  readonly #ended: WeakSet<ClientBase>;
  readonly #answerSeconds: number;
  silent = false;

  constructor(client: PoolClient, ended: WeakSet<ClientBase>, answerSeconds: number) {
    this.#client = client;
    this.#ended = ended;
    this.#answerSeconds = answerSeconds;
  }

  async query(sql: string, params: readonly SqlValue[] = []): Promise<QueryResult<SqlRow>> {
    const timer = setTimeout(() => this.#breakOff(), this.#answerSeconds * 1000);
    try {
      return await this.#client.query<SqlRow>(sql, [...params]);
    } finally {
      clearTimeout(timer);
    }
  }

  lost(): boolean {
    return this.#ended.has(this.#client);
  }

  discard(): void {
    this.#ended.add(this.#client);
  }

  release(): void {
    this.#client.release(this.lost());
  }

  /** The driver's own limit would leave the connection to wait for an answer that nobody reads. */
  #breakOff(): void {
    this.silent = true;
    const error = Object.assign(new Error(`no answer within ${this.#answerSeconds} seconds`), { code: 'ETIMEDOUT' });
    (this.#client as unknown as Client).connection.stream.destroy(error);
  }
}

/** Nothing has been done yet, so a connection that turns out to be dead is replaced. */
async function begin(checkOut: () => Promise<Checked>, place: string): Promise<Checked> {
  for (let attempt = 1; ; attempt++) {
    const checked = await checkOut();
    try {
      await checked.query('BEGIN ISOLATION LEVEL READ COMMITTED');
      return checked;
    } catch (error) {
      const known = await explain(error, checked, place);
      checked.release();
      if (!isUnreachable(known) || checked.silent || attempt === TRIES) throw known;
    }
  }
}

async function runTransaction<T>(connection: object, checked: Checked, place: string, work: (tx: OpenTransaction) => Promise<T>): Promise<T> {
  const query = async (sql: string, params: readonly SqlValue[] = []): Promise<QueryResult<SqlRow>> => {
    try {
      return await checked.query(sql, params);
    } catch (error) {
      throw await explain(error, checked, place);
    }
  };
  const tx: OpenTransaction = {
    store: 'postgresql',
    run: async (sql, params) => (await query(sql, params)).rowCount ?? 0,
    get: async (sql, params) => (await query(sql, params)).rows[0],
    all: async (sql, params) => (await query(sql, params)).rows,
  };
  let result: T;
  try {
    result = await runInside(connection, tx, work);
  } catch (error) {
    await rollBack(checked);
    throw error;
  }
  let committed: string;
  try {
    committed = (await query('COMMIT')).command;
  } catch (error) {
    if (!isUnreachable(error)) throw error;
    throw new RemoteError({
      code: 'METASTORE_COMMIT_UNKNOWN',
      message: `metastore ${place}: the connection was lost during COMMIT: whether it took place is not known`,
      retryable: true,
      hint: 'run again: the stored run tells whether it had committed, and nothing is done twice',
      cause: error,
    });
  }
  // PostgreSQL answers so, without an error, when a statement had failed and the caller went on all the same.
  if (committed === 'ROLLBACK')
    throw new BugError({ code: 'METASTORE_ROLLED_BACK', message: `metastore ${place}: a failed statement was ignored; nothing was stored` });
  return result;
}

/** The error that led here counts. A connection that cannot roll back is thrown away, which rolls back too. */
async function rollBack(checked: Checked): Promise<void> {
  try {
    if (!checked.lost()) await checked.query('ROLLBACK');
  } catch {
    checked.discard();
  }
}

/** The driver's error as ours; the connection is not used again when it is gone. */
async function explain(error: unknown, checked: Checked, place: string): Promise<unknown> {
  // The driver rejects a query before it reports the end of its connection.
  await new Promise((resolve) => setImmediate(resolve));
  const known = postgresqlError(error, place, checked.lost());
  if (isUnreachable(known)) checked.discard();
  return known;
}

function isUnreachable(error: unknown): boolean {
  return error instanceof RemoteError && error.code === UNREACHABLE_CODE;
}

async function configure(
  url: Extract<MetastoreUrl, { kind: 'postgresql' }>,
  password: string | undefined,
  types: typeof import('pg').types,
): Promise<PoolConfig> {
  const ca = url.caFile === undefined ? undefined : await readCertificate(url.caFile);
  const asNumber = (id: number): boolean => id === INT8 || id === NUMERIC;
  return {
    host: url.host,
    port: url.port,
    database: url.database,
    ...(url.user === undefined ? {} : { user: url.user }),
    ...(password === undefined ? {} : { password }),
    ssl: url.tls === 'disable' ? false : { rejectUnauthorized: true, ...(ca === undefined ? {} : { ca }) },
    application_name: 'sluice',
    max: CONNECTIONS,
    connectionTimeoutMillis: 15_000,
    idleTimeoutMillis: 30_000,
    // A client that died without a word must not keep its locks for hours.
    idle_in_transaction_session_timeout: 600_000,
    keepAlive: true,
    allowExitOnIdle: true,
    types: {
      getTypeParser: ((id: number, format?: 'text') => (asNumber(id) ? Number : types.getTypeParser(id, format))) as typeof types.getTypeParser,
    },
  };
}

async function readCertificate(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw fileSystemError(error, `reading sslrootcert ${file}`);
  }
}
