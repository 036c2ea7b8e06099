import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeServerFolder, postgresBinaries, postgresPassword, postgresUser, serverCommand } from './postgres-files.js';
import { endServer, launchOnFreePort, launchServer, ServerLifetime } from './processes.js';

/** `smart` waits for clients, `fast` ends their sessions, `immediate` is a crash: the next start recovers from the WAL. */
export type StopMode = 'smart' | 'fast' | 'immediate';

export interface PostgresOptions {
  /** Lines appended to the command line as `-c name=value`. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface PostgresServer {
  /** `postgres://user:password@127.0.0.1:port/postgres` */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  /** A superuser. The role `tls_only`, with the same password, may connect over TLS only. */
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** PEM file of the authority that signed the server's certificate for `localhost` and 127.0.0.1 (tls.ts). */
  readonly caFile: string;
  /** Creates an empty database and returns its URL. Without a name a fresh one is chosen. */
  createDatabase(name?: string): Promise<string>;
  /** Stops the server and starts it again on the same port with the same data. */
  restart(mode?: StopMode): Promise<void>;
  /** Text of the server's log. */
  log(): string;
  /** Ends the server and removes its data; later calls do nothing. */
  stop(): Promise<void>;
}

const stopSignals = { smart: 'SIGTERM', fast: 'SIGINT', immediate: 'SIGQUIT' } as const satisfies Record<StopMode, NodeJS.Signals>;
const host = '127.0.0.1';

/** Starts an empty PostgreSQL of its own on a random free port; it ends with this process at the latest. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const folder = await makeServerFolder();
  const logFile = join(folder, 'log');
  const lifetime = new ServerLifetime(folder, stopSignals.immediate);
  let port: number;
  try {
    const readLog = () => readFileSync(logFile, 'utf8');
    const started = await launchOnFreePort(
      (free) => launch(folder, logFile, free, options),
      () => readLog().includes('Address already in use'),
    );
    lifetime.child = started.child;
    port = started.port;
  } catch (error) {
    await lifetime.stop();
    throw error;
  }

  const urlOf = (database: string) => `postgres://${postgresUser}:${postgresPassword}@${host}:${port}/${encodeURIComponent(database)}`;
  let databases = 0;
  return {
    url: urlOf('postgres'),
    host,
    port,
    user: postgresUser,
    password: postgresPassword,
    database: 'postgres',
    caFile: join(folder, 'data', 'ca.crt'),
    async createDatabase(name = `test_${++databases}`) {
      const { default: pg } = await import('pg');
      const client = new pg.Client({ connectionString: urlOf('postgres') });
      await client.connect();
      try {
        await client.query(`create database "${name.replaceAll('"', '""')}"`);
      } finally {
        await client.end();
      }
      return urlOf(name);
    },
    async restart(mode = 'fast') {
      if (lifetime.child !== undefined) await endServer(lifetime.child, stopSignals[mode]);
      lifetime.child = await launch(folder, logFile, port, options);
    },
    log: () => readFileSync(logFile, 'utf8'),
    stop: () => lifetime.stop(),
  };
}

function launch(folder: string, logFile: string, port: number, options: PostgresOptions): Promise<ChildProcess> {
  const data = join(folder, 'data');
  const settings = Object.entries({ unix_socket_directories: folder, port: String(port), ...options.settings });
  const command = [join(postgresBinaries(), 'postgres'), '-D', data, ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])];
  return launchServer({
    name: 'postgres',
    command: serverCommand(command, { endWithParent: true }),
    logFile,
    endSignal: stopSignals.immediate,
    isReady: (child) => isReady(data, child.pid),
  });
}

/** What pg_ctl looks at: first line = the server's pid, eighth line = its status. */
async function isReady(data: string, pid: number | undefined): Promise<boolean> {
  try {
    const lines = (await readFile(join(data, 'postmaster.pid'), 'utf8')).split('\n');
    return Number(lines[0]) === pid && lines[7]?.trim() === 'ready';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
