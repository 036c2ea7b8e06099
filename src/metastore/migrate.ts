import { ConfigError } from '../core/spi/index.js';
import { numberOf } from './connection.js';
import type { Connection, SqlReader } from './connection.js';
import { MIGRATIONS } from './migrations/index.js';
import type { Migration } from './migrations/migration.js';

const RECORDS = `CREATE TABLE IF NOT EXISTS sluice_migrations (version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, applied_at BIGINT NOT NULL)`;

/** Brings the database to the newest version; any number of processes may do so at once. A newer database is refused. */
export async function migrate(connection: Connection, migrations: readonly Migration[] = MIGRATIONS): Promise<void> {
  const { dialect, reader } = connection;
  const newest = migrations.at(-1)?.version ?? 0;
  const version = async (from: SqlReader): Promise<number> => {
    if (!(await dialect.hasTable(from, 'sluice_migrations'))) return 0;
    return numberOf(await from.get('SELECT COALESCE(MAX(version), 0) AS version FROM sluice_migrations'), 'version');
  };
  const found = await version(reader);
  refuseNewer(found, newest);
  if (found === newest) return;
  await connection.transaction(async (tx) => {
    await dialect.lockName(tx, 'sluice_migrations');
    await tx.run(RECORDS);
    // Somebody else may have been faster while this process waited for the lock.
    const done = await version(tx);
    refuseNewer(done, newest);
    for (const migration of migrations.filter((each) => each.version > done)) {
      await migration.apply(tx, dialect);
      await tx.run(`INSERT INTO sluice_migrations (version, name, applied_at) VALUES ($1, $2, ${dialect.now})`, [migration.version, migration.name]);
    }
  });
}

function refuseNewer(found: number, newest: number): void {
  if (found <= newest) return;
  throw new ConfigError({
    code: 'METASTORE_NEWER',
    message: `metastore: expected schema version ${newest} or older, found ${found}: a newer Sluice has written to it`,
    hint: 'upgrade Sluice on this machine to the version that the others use',
  });
}
