import type { Migration } from './migration.js';

/** What people must still be told. */
export const messages: Migration = {
  version: 5,
  name: 'messages',
  async apply(tx, dialect) {
    await tx.run(
      `CREATE TABLE sluice_messages (id ${dialect.countingKey}, project TEXT NOT NULL, target TEXT NOT NULL, content TEXT NOT NULL,
       tries BIGINT NOT NULL, not_before BIGINT NOT NULL)`,
    );
    await tx.run('CREATE INDEX sluice_messages_by_time ON sluice_messages (project, not_before)');
  },
};
