import { createApiKeys } from './api-keys.js';
import { createCatalog } from './catalog.js';
import { numberOf, textOf } from './connection.js';
import type { Connection } from './connection.js';
import { createJobLog } from './job-log.js';
import { createJobs } from './jobs.js';
import { createLeaseRenewal } from './lease-renewal.js';
import { createLeases } from './leases.js';
import { migrate } from './migrate.js';
import { openConnection } from './open-connection.js';
import { createMessages } from './messages.js';
import { createRuns } from './runs.js';
import { createSchedules } from './schedules.js';
import { createServers } from './servers.js';
import { createSlas } from './slas.js';
import { createStates } from './states.js';
import { targetCalls } from './targets.js';
import { createTasks } from './tasks.js';
import type { Metastore, MetastoreOptions } from './types.js';

export type * from './types.js';

const LEASE_SECONDS = 30;
/** Renewals per lease time: three may fail in a row. */
const RENEWALS = 4;

/**
 * Opens the metastore, making or migrating its tables where needed. Errors: ConfigError METASTORE_URL, METASTORE_NEWER;
 * RemoteError METASTORE_UNAVAILABLE, METASTORE_CORRUPT, METASTORE_BUSY, METASTORE_UNREACHABLE, METASTORE_LOGIN.
 */
export async function openMetastore(options: MetastoreOptions): Promise<Metastore> {
  const connection = await openConnection(options);
  try {
    await migrate(connection);
    return await compose(connection, options);
  } catch (error) {
    await connection.close();
    throw error;
  }
}

async function compose(connection: Connection, options: MetastoreOptions): Promise<Metastore> {
  const { reader, dialect } = connection;
  const setting = async (name: string): Promise<string> =>
    textOf(await reader.get('SELECT value FROM sluice_settings WHERE name = $1', [name]), 'value');
  const [id, projectId] = [await setting('metastore_id'), await setting('project_id')];
  const duration = (options.leaseSeconds ?? LEASE_SECONDS) * 1000;
  // Another thread renews the leases; a function cannot go there.
  const { clock: _clock, ...plain } = options;
  const renewal = createLeaseRenewal({ options: plain, duration, every: duration / RENEWALS });
  const leases = createLeases(connection, renewal, duration);
  return {
    kind: dialect.kind,
    id,
    catalog: createCatalog(connection, options.catalogName ?? 'sluice'),
    projectId: () => Promise.resolve(projectId),
    now: async () => numberOf(await reader.get(`SELECT ${dialect.now} AS now`), 'now'),
    ...leases,
    ...createServers(connection, projectId, leases),
    ...createJobs(connection, projectId),
    ...createJobLog(connection),
    ...createMessages(connection, projectId),
    ...createSchedules(connection, projectId),
    ...createSlas(connection, projectId),
    ...createApiKeys(connection, projectId),
    ...createRuns(connection, projectId),
    ...createTasks(connection),
    ...createStates(connection, projectId),
    ...targetCalls,
    transaction: (work) => connection.transaction(work),
    close: async () => {
      await renewal.close();
      await connection.close();
    },
  };
}
