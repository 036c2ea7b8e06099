import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { appendFile, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Connection } from 'mysql2/promise';
import { copyTemplate, ensureTemplate, isRoot, makeTempFolder } from './folders.js';
import { endServer, launchOnFreePort, launchServer, ServerLifetime } from './processes.js';
import { testCertificates } from './tls.js';

const run = promisify(execFile);

export type MysqlProduct = 'MySQL' | 'MariaDB';

export interface MysqlOptions {
  /** Further settings of the server: `{ 'local-infile': '0' }`. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface MysqlServer {
  readonly product: MysqlProduct;
  readonly host: string;
  readonly port: number;
  /** Has all rights. Beside it there is `tls_only`, with the same password and rights, which may connect over TLS only. */
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** `ca` is the text of `caFile`, whose authority signed the server's certificate for `localhost` and 127.0.0.1 (tls.ts). */
  readonly tls: { readonly caFile: string; readonly ca: string };
  /** `mysql://user:password@127.0.0.1:port/sluice` */
  readonly url: string;
  /** A new connection, which may run several statements at once and gives every value as text. */
  connect(database?: string): Promise<Connection>;
  /** Runs statements on a connection of their own. */
  run(sql: string, database?: string): Promise<void>;
  /** Creates an empty database and returns its name. */
  createDatabase(): Promise<string>;
  /** Stops the server, cleanly or as in a crash, and starts it again on the same port with the same data. */
  restart(mode?: 'clean' | 'crash'): Promise<void>;
  log(): string;
  /** Ends the server and removes its data; later calls do nothing. */
  stop(): Promise<void>;
}

/** What differs between the two products. */
export interface MysqlProgram {
  readonly product: MysqlProduct;
  readonly server: string;
  /** Makes an empty data folder and runs the statements, one a line, in the system database. */
  initialise(data: string, statements: readonly string[], settings: readonly string[]): Promise<void>;
  /** Users and grants beyond those of both. */
  readonly statements: readonly string[];
  readonly settings: readonly string[];
  /** Files that each copy of a data folder must make anew. */
  readonly ownFiles: readonly string[];
}

export const mysqlPassword = 'test-secret';
const user = 'sluice';
const database = 'sluice';
const host = '127.0.0.1';
const folderPrefix = 'sluice-my-';

const statements = [
  `CREATE USER '${user}'@'%' IDENTIFIED BY '${mysqlPassword}'`,
  `GRANT ALL ON *.* TO '${user}'@'%' WITH GRANT OPTION`,
  `CREATE USER 'tls_only'@'%' IDENTIFIED BY '${mysqlPassword}' REQUIRE SSL`,
  `GRANT ALL ON *.* TO 'tls_only'@'%'`,
  `CREATE DATABASE ${database} CHARACTER SET utf8mb4`,
];

// Durability is not what the tests look at.
const commonSettings = [
  '--innodb-flush-log-at-trx-commit=0',
  '--innodb-flush-method=nosync',
  '--innodb-buffer-pool-size=128M',
  '--innodb-log-file-size=16M',
  '--sync-binlog=0',
  '--bind-address=127.0.0.1',
  '--local-infile=1',
  '--character-set-server=utf8mb4',
  '--default-time-zone=+00:00',
  '--skip-name-resolve',
];

/** Options of every start: nobody's configuration files, and root only where the tests are root. */
export function accountOptions(): readonly string[] {
  return ['--no-defaults', ...(isRoot() ? ['--user=root'] : [])];
}

/** `temp`: the folder for the program's temporary files; a starting server removes what servers left in it, running ones too. */
export async function runProgram(file: string, args: readonly string[], temp: string, input = ''): Promise<void> {
  const child = spawn(file, args, { cwd: '/', env: { ...process.env, TMPDIR: temp }, stdio: ['pipe', 'pipe', 'pipe'] });
  const output: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => output.push(chunk));
  child.stdin.end(input);
  const status = await new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode, signal) => resolve(signal ?? String(exitCode)));
  });
  if (status !== '0') throw new Error(`${file} ended with ${status}\n${Buffer.concat(output).toString('utf8')}`);
}

export async function startMysqlProgram(program: MysqlProgram, options: MysqlOptions): Promise<MysqlServer> {
  const certificates = await testCertificates();
  const template = await ensureServerTemplate(program);
  const folder = await makeTempFolder(folderPrefix);
  const lifetime = new ServerLifetime(folder, 'SIGKILL');
  const logFile = join(folder, 'log.err');
  const readLog = () => (existsSync(logFile) ? readFileSync(logFile, 'utf8') : '');

  const launch = (port: number) => {
    const before = readLog().length;
    const settings = [
      ...[...commonSettings, ...program.settings, `--datadir=${join(folder, 'data')}`, `--port=${port}`, `--log-error=${logFile}`],
      ...[`--socket=${join(folder, 'sock')}`, `--pid-file=${join(folder, 'pid')}`, `--tmpdir=${folder}`],
      ...[`--ssl-ca=${certificates.caFile}`, `--ssl-cert=${certificates.certFile}`, `--ssl-key=${certificates.keyFile}`],
      ...Object.entries(options.settings ?? {}).map(([name, value]) => `--${name}=${value}`),
    ];
    return launchServer({
      name: program.product,
      command: serverCommand([program.server, ...accountOptions(), ...settings]),
      logFile,
      endSignal: 'SIGKILL',
      isReady: () => Promise.resolve(readLog().slice(before).includes('ready for connections')),
    });
  };

  let port: number;
  try {
    await copyTemplate(template, join(folder, 'data'));
    const started = await launchOnFreePort(launch, () => readLog().includes('Address already in use'));
    lifetime.child = started.child;
    port = started.port;
  } catch (error) {
    await lifetime.stop();
    throw error;
  }

  const connect = async (to = database): Promise<Connection> => {
    const { createConnection } = await import('mysql2/promise');
    const account = { user, password: mysqlPassword, database: to };
    return createConnection({ host, port, ...account, multipleStatements: true, charset: 'utf8mb4_bin', typeCast: (field) => field.string() });
  };
  const runStatements = async (sql: string, to?: string): Promise<void> => {
    const connection = await connect(to);
    try {
      await connection.query(sql);
    } finally {
      await connection.end();
    }
  };
  let databases = 0;
  return {
    product: program.product,
    host,
    port,
    user,
    password: mysqlPassword,
    database,
    tls: { caFile: certificates.caFile, ca: await readFile(certificates.caFile, 'utf8') },
    url: `mysql://${user}:${mysqlPassword}@${host}:${port}/${database}`,
    connect,
    run: runStatements,
    async createDatabase() {
      const name = `test_${++databases}`;
      await runStatements(`CREATE DATABASE ${name} CHARACTER SET utf8mb4`);
      return name;
    },
    async restart(mode = 'clean') {
      if (lifetime.child !== undefined) await endServer(lifetime.child, mode === 'clean' ? 'SIGTERM' : 'SIGKILL');
      await appendFile(logFile, `-- restart: ${mode}\n`);
      lifetime.child = await launch(port);
    },
    log: readLog,
    stop: () => lifetime.stop(),
  };
}

async function ensureServerTemplate(program: MysqlProgram): Promise<string> {
  const { stdout: version } = await run(program.server, ['--no-defaults', '--version']);
  const all = [...statements, ...program.statements];
  const key = createHash('sha256')
    .update(JSON.stringify([version, all, commonSettings, program.settings]))
    .digest('hex')
    .slice(0, 12);
  return ensureTemplate(`${program.product.toLowerCase()}-template-${key}`, folderPrefix, async (data) => {
    await program.initialise(data, all, ['--innodb-flush-method=nosync', '--innodb-log-file-size=16M']);
    for (const name of program.ownFiles) await rm(join(data, name), { force: true });
  });
}

function serverCommand(command: readonly string[]): { file: string; args: string[] } {
  // So that even a killed test leaves no server behind.
  const whole = existsSync('/usr/bin/setpriv') ? ['/usr/bin/setpriv', '--pdeathsig=KILL', '--', ...command] : command;
  const [file = '', ...args] = whole;
  return { file, args };
}
