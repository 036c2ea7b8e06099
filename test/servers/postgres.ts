import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync, rmSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { makeServerFolder, postgresBinaries, postgresPassword, postgresUser, serverCommand } from './postgres-files.js';

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
  /** A superuser. A role named `tls_only` (to be created by the test) may connect over TLS only. */
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** PEM file of the self-signed server certificate for `localhost` and 127.0.0.1. */
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
const endSignals = ['SIGINT', 'SIGTERM'] as const;
const startTimeoutMs = 60_000;
const host = '127.0.0.1';

/** Starts an empty PostgreSQL of its own on a random free port; it ends with this process at the latest. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const folder = await makeServerFolder();
  const logFile = join(folder, 'log');
  let child: ChildProcess | undefined;
  const endAtExit = () => {
    child?.kill('SIGQUIT');
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  process.once('exit', endAtExit);
  const endOnSignal = () => process.exit(130);
  for (const signal of endSignals) process.once(signal, endOnSignal);

  let stopped = false;
  const stop = async () => {
    if (stopped) return;
    stopped = true;
    process.off('exit', endAtExit);
    for (const signal of endSignals) process.off(signal, endOnSignal);
    if (child !== undefined) await endServer(child, 'immediate');
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };

  let port = 0;
  try {
    for (let attempt = 1; child === undefined; attempt++) {
      port = await findFreePort();
      try {
        child = await launch(folder, logFile, port, options);
      } catch (error) {
        // Another process may have taken the port between finding and binding it.
        if (attempt === 5 || !readFileSync(logFile, 'utf8').includes('Address already in use')) throw error;
      }
    }
  } catch (error) {
    await stop();
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
    caFile: join(folder, 'data', 'server.crt'),
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
      if (child !== undefined) await endServer(child, mode);
      child = await launch(folder, logFile, port, options);
    },
    log: () => readFileSync(logFile, 'utf8'),
    stop,
  };
}

async function launch(folder: string, logFile: string, port: number, options: PostgresOptions): Promise<ChildProcess> {
  const data = join(folder, 'data');
  const settings = Object.entries({ unix_socket_directories: folder, port: String(port), ...options.settings });
  const command = [join(postgresBinaries(), 'postgres'), '-D', data, ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])];
  const { file, args } = serverCommand(command, { endWithParent: true });
  const log = openSync(logFile, 'a');
  // A group of its own: an interrupt typed at the terminal must reach the test first.
  const child = spawn(file, args, { cwd: '/', stdio: ['ignore', log, log], detached: true, env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' } });
  closeSync(log);
  let failure: Error | undefined;
  child.once('error', (error) => (failure = error));
  child.once('exit', (exitCode, signal) => (failure ??= new Error(`postgres ended with ${signal ?? exitCode}\n${readFileSync(logFile, 'utf8')}`)));
  for (const start = Date.now(); !(await isReady(data, child.pid));) {
    if (failure !== undefined) throw failure;
    if (Date.now() - start > startTimeoutMs) {
      await endServer(child, 'immediate');
      throw new Error(`postgres was not ready after ${startTimeoutMs / 1000} s\n${readFileSync(logFile, 'utf8')}`);
    }
    await delay(20);
  }
  child.unref();
  return child;
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

async function endServer(child: ChildProcess, mode: StopMode): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.ref();
  child.kill(stopSignals[mode]);
  await ended;
}

async function findFreePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once('error', reject);
    probe.listen(0, host, resolve);
  });
  const address = probe.address();
  await new Promise<void>((resolve) => probe.close(() => resolve()));
  if (address === null || typeof address === 'string') throw new Error('no free port was found');
  return address.port;
}
