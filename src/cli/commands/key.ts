import { ConfigError, type ApiKeyRecord, type JsonObject } from '../../core/spi/index.js';
import { list, text, type Command, type CommandContext } from '../command.js';
import { YES_OPTION, confirm } from '../confirm.js';
import { formatCount, formatTable, formatTime, printable } from '../format.js';
import { withSession, type Session } from '../session.js';
import { usageError } from '../subcommand.js';

const DAY_MS = 86_400_000;

export const command: Command = {
  name: 'key',
  usage: 'create [DESCRIPTION] | list | revoke ID',
  summary: 'Make, list and revoke keys of the HTTP API.',
  details:
    '`create` prints the key once; only a hash of it is stored. Scopes: read (tables, jobs, queries), write (runs, pauses, SQL that writes), ' +
    'rejects (rejected records), admin (all of them). With --database the key knows of these databases only.',
  options: {
    scope: { of: ['create'], value: 'SCOPES', multiple: true, help: 'read, write, rejects, admin; separated by commas (default: read)' },
    database: { of: ['create'], value: 'NAMES', multiple: true, help: 'only these databases (namespaces), separated by commas (default: all)' },
    expires: { of: ['create'], value: 'WHEN', help: 'days such as 90d, or a date such as 2027-01-01 (default: never)' },
    yes: { of: ['revoke'], ...YES_OPTION },
  },
  examples: [
    'sluice key create "dashboard" --scope read --database shop,marts --expires 365d',
    'sluice key create "deploy job" --scope read,write',
    'sluice key list',
    'sluice key revoke 0a1b2c3d4e5f',
  ],
  subcommands: ['create', 'list', 'revoke'],
  arity: [1, 2],
  run: (context) =>
    withSession(context, undefined, async (session) => {
      const [verb = '', argument] = context.args;
      switch (verb) {
        case 'create':
          return createKey(context, session, argument ?? '');
        case 'list':
          if (argument !== undefined) throw usageError('key list', 'expected no argument', 'e.g. sluice key list');
          return listKeys(context, session);
        default:
          if (argument === undefined) throw usageError('key revoke', 'expected the id of a key', '`sluice key list` shows them');
          return revokeKey(context, session, argument);
      }
    }),
};

async function createKey(context: CommandContext, session: Session, description: string): Promise<number> {
  const { makeKey, parseScopes } = await import('../../server/keys/api-key.js');
  const scopes = parseScopes(names(context, 'scope') ?? ['read']);
  const databases = names(context, 'database') ?? null;
  if (databases?.length === 0) throw usageError('key create', '--database: expected names, found none', 'e.g. --database shop,marts');
  const wrong = databases?.find((database) => !/^[a-z0-9_]{1,128}$/.test(database));
  if (wrong !== undefined)
    throw usageError('key create', `--database: expected names of a-z, 0-9 and _, found ${JSON.stringify(wrong)}`, 'e.g. --database shop,marts');
  const expiresAt = readExpiry(text(context.options, 'expires'), context.environment.clock.now());
  if (description.length > 200) throw usageError('key create', 'expected a description of at most 200 characters', 'shorten it');
  const store = await session.metastore();
  const key = makeKey();
  await store.addKey({ id: key.id, hash: key.hash, description, scopes, databases, expiresAt });
  if (context.out.json) {
    await context.out.printJson({ event: 'key_created', id: key.id, key: key.text, ...rightsOf({ scopes, databases, expiresAt }) });
    return 0;
  }
  await context.out.printLine(key.text);
  context.out.say(
    `key ${key.id}: ${scopes.join(', ')}; ${databases === null ? 'all databases' : databases.join(', ')}; ` +
      `${expiresAt === null ? 'does not expire' : `expires ${formatTime(expiresAt)} UTC`}. It is shown this once; keep it in a secret store`,
  );
  return 0;
}

async function listKeys(context: CommandContext, session: Session): Promise<number> {
  const keys = await (await session.metastore()).listKeys();
  const now = context.environment.clock.now();
  if (context.out.json) {
    for (const key of keys) await context.out.printJson(keyFacts(key, now));
    return 0;
  }
  if (keys.length === 0) {
    context.out.say('no keys; `sluice key create` makes one');
    return 0;
  }
  const time = (at: number | null): string => (at === null ? '' : formatTime(at));
  const rows = keys.map((key) => [
    key.id,
    printable(key.description),
    key.scopes.join(', '),
    key.databases === null ? 'all' : key.databases.join(', '),
    statusOf(key, now),
    time(key.expiresAt),
    time(key.lastUsedAt),
    formatCount(key.uses),
  ]);
  await context.out.printLine(formatTable(['key', 'description', 'scopes', 'databases', 'status', 'expires (UTC)', 'last used (UTC)', 'uses'], rows));
  return 0;
}

async function revokeKey(context: CommandContext, session: Session, id: string): Promise<number> {
  const store = await session.metastore();
  const key = await store.getKey(id);
  if (!key)
    throw new ConfigError({
      code: 'KEY_UNKNOWN',
      // Whoever pastes a whole key here must not find it in a log.
      message: id.startsWith('sluice_') ? 'expected the id of a key, found a whole key' : `no key ${id}`,
      hint: '`sluice key list` shows the ids',
    });
  if (key.revokedAt === null)
    await confirm(context, 'key revoke', `Clients with the key ${id} (${printable(key.description)}) will be refused. Go on?`);
  const revoked = await store.revokeKey(id);
  if (context.out.json) await context.out.printJson({ event: 'key_revoked', id, changed: revoked });
  else context.out.say(revoked ? `revoked ${id}: it is refused from now on` : `${id} was revoked before`);
  return 0;
}

function names(context: CommandContext, option: string): readonly string[] | undefined {
  const given = list(context.options, option);
  if (given.length === 0) return undefined;
  return [...new Set(given.flatMap((each) => each.split(',')).map((each) => each.trim()))].filter((each) => each !== '');
}

function readExpiry(given: string | undefined, now: number): number | null {
  if (given === undefined) return null;
  const days = /^(\d{1,5})d$/.exec(given)?.[1];
  const parsed = /^\d{4}-\d{2}-\d{2}$/.test(given) ? Date.parse(`${given}T00:00:00Z`) : Number.NaN;
  // Date.parse takes 2027-02-31 for the 3rd of March.
  const date = !Number.isNaN(parsed) && new Date(parsed).toISOString().startsWith(given) ? parsed : Number.NaN;
  const at = days === undefined ? date : now + Number(days) * DAY_MS;
  if (Number.isNaN(at) || at <= now)
    throw usageError('key create', `--expires: expected days or a date to come, found ${given}`, 'e.g. --expires 90d, or --expires 2027-01-01');
  return at;
}

function statusOf(key: ApiKeyRecord, now: number): 'active' | 'revoked' | 'expired' {
  if (key.revokedAt !== null) return 'revoked';
  return key.expiresAt !== null && key.expiresAt <= now ? 'expired' : 'active';
}

function rightsOf(key: Pick<ApiKeyRecord, 'scopes' | 'databases' | 'expiresAt'>): JsonObject {
  return { scopes: [...key.scopes], databases: key.databases && [...key.databases], expires_at: isoTime(key.expiresAt) };
}

/** Without the hash: nobody needs it. */
function keyFacts(key: ApiKeyRecord, now: number): JsonObject {
  return {
    event: 'key',
    id: key.id,
    description: key.description,
    ...rightsOf(key),
    status: statusOf(key, now),
    created_at: isoTime(key.createdAt),
    revoked_at: isoTime(key.revokedAt),
    last_used_at: isoTime(key.lastUsedAt),
    uses: key.uses,
  };
}

function isoTime(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
