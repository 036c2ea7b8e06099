import { readFile, stat } from 'node:fs/promises';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { JsonObject } from '../core/spi/index.js';
import { findPgPassword, PASSWORD_VARIABLE, type ResultTarget } from '../plugins/shared/result-url/index.js';
import type { CommandContext } from './command.js';

const PASSWORD_TYPES = ['postgresql', 'mysql', 'sftp'];

/** Completes a target with the password from SLUICE_PASSWORD or, for PostgreSQL, from pgpass, where its URL has none. */
export async function targetSecrets(target: ResultTarget, context: CommandContext): Promise<Pick<ResultTarget, 'out' | 'secrets'>> {
  const { out, secrets } = target;
  if (!PASSWORD_TYPES.includes(String(out['type'])) || out['password'] !== undefined) return { out, secrets };
  const { env } = context.environment;
  const given = env[PASSWORD_VARIABLE];
  const found = given ?? (out['type'] === 'postgresql' ? await readPgPass(out, context) : undefined);
  if (found === undefined) return { out, secrets };
  return { out: { ...out, password: { env: PASSWORD_VARIABLE } }, secrets: { ...secrets, [PASSWORD_VARIABLE]: found } };
}

async function readPgPass(out: JsonObject, context: CommandContext): Promise<string | undefined> {
  const { env } = context.environment;
  const file = env['PGPASSFILE'] ?? join(env['HOME'] ?? homedir(), '.pgpass');
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  // As libpq does it: a file that others may read is no place for passwords.
  if (((await stat(file)).mode & 0o077) !== 0) {
    context.out.say(`note: ${file} is not used, since others may read it (chmod 600 ${file})`);
    return undefined;
  }
  const host = String(out['host'] ?? 'localhost');
  return findPgPassword(text, {
    host: host.startsWith('/') ? 'localhost' : host,
    port: Number(out['port'] ?? 5432),
    database: String(out['database']),
    user: String(out['user'] ?? env['PGUSER'] ?? userInfo().username),
  });
}
