import type { PostgresServer } from '../servers/postgres.js';
import type { ProjectOptions } from './project.js';

/** A project whose metastore is a database of this server; the password comes from the environment. */
export function postgresqlProject(server: PostgresServer, databaseUrl: string): ProjectOptions & { readonly env: Readonly<Record<string, string>> } {
  const database = decodeURIComponent(new URL(databaseUrl).pathname.slice(1));
  return {
    sluice: {
      metastore: {
        type: 'postgresql',
        host: server.host,
        port: server.port,
        database,
        user: server.user,
        password: { env: 'RELIABILITY_METASTORE_PASSWORD' },
      },
    },
    metastore: { url: `postgresql://${server.user}@${server.host}:${server.port}/${database}`, password: server.password },
    env: { RELIABILITY_METASTORE_PASSWORD: server.password },
  };
}
