import { startPostgres } from '../servers/postgres.js';
import type { PostgresServer } from '../servers/postgres.js';
import type { TestStore } from './stores.js';

/** A server of its own with one empty database. */
export async function postgresqlStore(): Promise<TestStore & { readonly server: PostgresServer }> {
  const server = await startPostgres();
  return {
    server,
    options: { url: `postgresql://${server.user}@${server.host}:${server.port}/${server.database}`, password: server.password },
    stop: () => server.stop(),
  };
}
