import type { Connection } from './connection.js';
import type { MetastoreOptions } from './types.js';
import { parseMetastoreUrl } from './url.js';

/** Opens the database of a metastore, whichever kind it is; drivers are loaded only here. */
export async function openConnection(options: MetastoreOptions): Promise<Connection> {
  const url = parseMetastoreUrl(options.url);
  if (url.kind === 'sqlite') return (await import('./connection-sqlite.js')).openSqlite(url.file, options.clock);
  return (await import('./connection-postgresql.js')).openPostgresql(url, options.password, options.answerSeconds);
}
