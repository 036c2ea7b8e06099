import type { ApiKeyRecord, JobStore } from '../core/spi/index.js';
import { numberOf, textOf, type Connection, type SqlRow } from './connection.js';

type KeyCalls = Pick<JobStore, 'addKey' | 'getKey' | 'listKeys' | 'revokeKey' | 'recordKeyUse'>;

/** Keys of the HTTP API. */
export function createApiKeys(connection: Connection, project: string): KeyCalls {
  const { reader, dialect } = connection;
  return {
    addKey: (key) =>
      connection.transaction(
        async (tx) =>
          void (await tx.run(
            `INSERT INTO sluice_api_keys (project, id, hash, description, scopes, databases, created_at, expires_at, revoked_at, last_used_at, uses)
             VALUES ($1, $2, $3, $4, $5, $6, ${dialect.now}, $7, NULL, NULL, 0)`,
            [
              project,
              key.id,
              key.hash,
              key.description,
              JSON.stringify(key.scopes),
              key.databases === null ? null : JSON.stringify(key.databases),
              key.expiresAt,
            ],
          )),
      ),
    getKey: async (id) => {
      const row = await reader.get('SELECT * FROM sluice_api_keys WHERE project = $1 AND id = $2', [project, id]);
      return row && keyOf(row);
    },
    listKeys: async () => (await reader.all('SELECT * FROM sluice_api_keys WHERE project = $1 ORDER BY created_at, id', [project])).map(keyOf),
    revokeKey: async (id) =>
      (await connection.transaction((tx) =>
        tx.run(`UPDATE sluice_api_keys SET revoked_at = ${dialect.now} WHERE project = $1 AND id = $2 AND revoked_at IS NULL`, [project, id]),
      )) > 0,
    recordKeyUse: (uses) =>
      connection.transaction(async (tx) => {
        for (const { id, uses: n, lastUsedAt } of uses)
          await tx.run('UPDATE sluice_api_keys SET uses = uses + $3, last_used_at = $4 WHERE project = $1 AND id = $2', [project, id, n, lastUsedAt]);
      }),
  };
}

function keyOf(row: SqlRow): ApiKeyRecord {
  const time = (column: string): number | null => (row[column] === null ? null : numberOf(row, column));
  return {
    id: textOf(row, 'id'),
    hash: textOf(row, 'hash'),
    description: textOf(row, 'description'),
    scopes: JSON.parse(textOf(row, 'scopes')) as ApiKeyRecord['scopes'],
    databases: row['databases'] === null ? null : (JSON.parse(textOf(row, 'databases')) as string[]),
    createdAt: numberOf(row, 'created_at'),
    expiresAt: time('expires_at'),
    revokedAt: time('revoked_at'),
    lastUsedAt: time('last_used_at'),
    uses: numberOf(row, 'uses'),
  };
}
