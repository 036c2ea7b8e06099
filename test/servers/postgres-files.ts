import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { testCacheFolder } from './cache.js';
import { copyTemplate, ensureTemplate, isRoot, makeTempFolder } from './folders.js';
import { testCertificates } from './tls.js';

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
/** May connect over TLS only. */
const tlsOnlyRole = `create role tls_only login password '${postgresPassword}'`;

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
  const template = await ensureServerTemplate();
  const folder = await makeTempFolder(folderPrefix);
  try {
    await copyTemplate(template, join(folder, 'data'));
    await giveToServer(folder);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  return folder;
}

async function ensureServerTemplate(): Promise<string> {
  const binaries = postgresBinaries();
  const certificates = await testCertificates();
  const { stdout: version } = await run(join(binaries, 'postgres'), ['--version']);
  const key = createHash('sha256')
    .update(JSON.stringify([version, initdbArguments, settings, accessRules, tlsOnlyRole, dirname(certificates.caFile)]))
    .digest('hex')
    .slice(0, 12);
  return ensureTemplate(`postgres-template-${key}`, folderPrefix, async (data) => {
    const folder = dirname(data);
    await writeFile(join(folder, 'password'), postgresPassword);
    await giveToServer(folder);
    await runAsServer([join(binaries, 'initdb'), '-D', data, `--pwfile=${join(folder, 'password')}`, ...initdbArguments]);
    await writeFile(join(folder, 'role.sql'), `${tlsOnlyRole}\n`);
    await runAsServer(['sh', '-c', '"$1" --single -D "$2" postgres < "$3"', 'sh', join(binaries, 'postgres'), data, join(folder, 'role.sql')]);
    await writeFile(join(data, 'postgresql.conf'), (await readFile(join(data, 'postgresql.conf'), 'utf8')) + settings);
    await writeFile(join(data, 'pg_hba.conf'), accessRules);
    await copyFile(certificates.certFile, join(data, 'server.crt'));
    await copyFile(certificates.keyFile, join(data, 'server.key'));
    await copyFile(certificates.caFile, join(data, 'ca.crt'));
    await chmod(join(data, 'server.key'), 0o600);
  });
}

async function runAsServer(command: readonly string[]): Promise<void> {
  const { file, args } = serverCommand(command, { endWithParent: true });
  await run(file, args, { cwd: '/' });
}

async function giveToServer(folder: string): Promise<void> {
  await chmod(join(folder, 'data'), 0o700);
  if (isRoot()) await run('chown', ['-R', serverAccount(), folder]);
}

function serverAccount(): string {
  return readFileSync('/etc/passwd', 'utf8').includes('\npostgres:') ? 'postgres' : 'nobody';
}
