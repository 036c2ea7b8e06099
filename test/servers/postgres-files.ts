import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { testCacheFolder } from './cache.js';

const run = promisify(execFile);

export const postgresUser = 'sluice';
export const postgresPassword = 'sluice';

const folderPrefix = 'sluice-pg-';
const initdbArguments = ['-U', postgresUser, '--auth-local=trust', '--auth-host=scram-sha-256', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync'];
const settings = `listen_addresses = '127.0.0.1'
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = logical
max_wal_senders = 10
max_replication_slots = 10
max_connections = 200
shared_buffers = 32MB
lc_messages = 'C'
timezone = 'UTC'
log_timezone = 'UTC'
ssl = on
ssl_cert_file = 'server.crt'
ssl_key_file = 'server.key'
`;
const accessRules = `local   all         all                  trust
hostssl   all       tls_only 127.0.0.1/32 scram-sha-256
hostnossl all       tls_only 127.0.0.1/32 reject
host    all         all      127.0.0.1/32 scram-sha-256
host    replication all      127.0.0.1/32 scram-sha-256
`;
// RSA: an EC key fails against some of the other test servers, and one kind for all is simpler.
const certificateArguments =
  'req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout server.key -out server.crt';

/** Folder with `initdb` and `postgres`, as found or installed by scripts/setup-tests.sh. */
export function postgresBinaries(): string {
  const named = process.env['SLUICE_TEST_PGBIN'];
  if (named !== undefined) return named;
  const record = join(testCacheFolder(), 'postgres-bin');
  const folder = existsSync(record) ? readFileSync(record, 'utf8').trim() : '';
  if (folder === '' || !existsSync(join(folder, 'postgres'))) throw new Error('no PostgreSQL server binaries: run scripts/setup-tests.sh');
  return folder;
}

/** How a command is run as a user that PostgreSQL accepts (it refuses root), optionally ending together with this process. */
export function serverCommand(command: readonly string[], options: { readonly endWithParent: boolean }): { file: string; args: string[] } {
  const prefix: string[] = [];
  if (isRoot()) prefix.push(`--reuid=${serverAccount()}`, `--regid=${serverAccount()}`, '--clear-groups');
  // SIGQUIT is PostgreSQL's immediate shutdown, so that even a killed test leaves no server behind.
  if (options.endWithParent && existsSync('/usr/bin/setpriv')) prefix.push('--pdeathsig=QUIT');
  const [file = '', ...args] = prefix.length > 0 ? ['/usr/bin/setpriv', ...prefix, '--', ...command] : command;
  return { file, args };
}

/** A fresh data folder for one server, copied from the cached template. */
export async function makeServerFolder(): Promise<string> {
  await removeLeftovers();
  const template = await ensureTemplate();
  const folder = await mkdtemp(join(tmpdir(), `${folderPrefix}${process.pid}-`));
  try {
    await chmod(folder, 0o711);
    await run('cp', ['-a', template, join(folder, 'data')]);
    await giveToServer(folder);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  return folder;
}

async function ensureTemplate(): Promise<string> {
  const binaries = postgresBinaries();
  const { stdout: version } = await run(join(binaries, 'postgres'), ['--version']);
  const key = createHash('sha256')
    .update(JSON.stringify([version, initdbArguments, settings, accessRules, certificateArguments]))
    .digest('hex')
    .slice(0, 12);
  const template = join(testCacheFolder(), `postgres-template-${key}`);
  if (existsSync(template)) return template;
  const folder = await mkdtemp(join(tmpdir(), `${folderPrefix}${process.pid}-`));
  try {
    const data = join(folder, 'data');
    await chmod(folder, 0o711);
    await mkdir(data);
    await writeFile(join(folder, 'password'), postgresPassword);
    await giveToServer(folder);
    const initdb = serverCommand([join(binaries, 'initdb'), '-D', data, `--pwfile=${join(folder, 'password')}`, ...initdbArguments], {
      endWithParent: true,
    });
    await run(initdb.file, initdb.args, { cwd: '/' });
    await writeFile(join(data, 'postgresql.conf'), (await readFile(join(data, 'postgresql.conf'), 'utf8')) + settings);
    await writeFile(join(data, 'pg_hba.conf'), accessRules);
    await run('openssl', certificateArguments.split(' '), { cwd: data });
    await chmod(join(data, 'server.key'), 0o600);
    await mkdir(testCacheFolder(), { recursive: true });
    await publishTemplate(data, template);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return template;
}

async function publishTemplate(data: string, template: string): Promise<void> {
  const copy = `${template}.${process.pid}`;
  await cp(data, copy, { recursive: true, preserveTimestamps: true });
  try {
    await rename(copy, template);
  } catch (error) {
    // Another process was first; its template is as good as ours.
    await rm(copy, { recursive: true, force: true });
    if (!existsSync(template)) throw error;
  }
}

async function giveToServer(folder: string): Promise<void> {
  await chmod(join(folder, 'data'), 0o700);
  if (isRoot()) await run('chown', ['-R', serverAccount(), folder]);
}

/** Folders of killed test processes; their servers ended with them. */
async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const owner = name.startsWith(folderPrefix) ? Number.parseInt(name.slice(folderPrefix.length), 10) : Number.NaN;
    if (Number.isNaN(owner) || isAlive(owner)) continue;
    await rm(join(tmpdir(), name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function isRoot(): boolean {
  return process.getuid?.() === 0;
}

function serverAccount(): string {
  return readFileSync('/etc/passwd', 'utf8').includes('\npostgres:') ? 'postgres' : 'nobody';
}
