import type { JobStore, JsonObject, MessageRecord, NewMessage } from '../core/spi/index.js';
import { insertRows, numberOf, runForEach, textOf, type Connection, type OpenTransaction, type SqlRow } from './connection.js';

/** Records what must be told, in the transaction of what it tells; due at once. */
export async function insertMessages(tx: OpenTransaction, project: string, messages: readonly NewMessage[]): Promise<void> {
  const rows = messages.map(({ target, content }) => [project, target, JSON.stringify(content), 0, 0]);
  await insertRows(tx, 'INSERT INTO sluice_messages (project, target, content, tries, not_before)', rows, '');
}

/** Messages until they are sent. */
export function createMessages(
  connection: Connection,
  project: string,
): Pick<JobStore, 'claimMessages' | 'putOffMessage' | 'endMessage' | 'countMessages'> {
  const { reader, dialect } = connection;
  return {
    claimMessages: async (limit, holdMs) => {
      const due = 'FROM sluice_messages WHERE project = $1 AND not_before <=';
      const found = await reader.get(`SELECT 1 AS found ${due} ${dialect.now} LIMIT 1`, [project]);
      if (found === undefined) return [];
      return connection.transaction(async (tx) => {
        await dialect.lockName(tx, 'sluice_messages');
        const now = numberOf(await tx.get(`SELECT ${dialect.now} AS now`), 'now');
        const rows = await tx.all(`SELECT id, target, content, tries ${due} $2 ORDER BY id LIMIT ${Math.floor(limit)}`, [project, now]);
        const ids = rows.map((row) => numberOf(row, 'id'));
        await runForEach(tx, 'UPDATE sluice_messages SET tries = tries + 1, not_before = $1 WHERE id IN (*)', [now + holdMs], ids);
        return rows.map(messageOf);
      });
    },

    putOffMessage: (id, waitMs) =>
      connection.transaction(async (tx) => {
        await tx.run(`UPDATE sluice_messages SET not_before = ${dialect.now} + $2 WHERE id = $1`, [id, waitMs]);
      }),

    endMessage: (id) =>
      connection.transaction(async (tx) => {
        await tx.run('DELETE FROM sluice_messages WHERE id = $1', [id]);
      }),

    countMessages: async () => numberOf(await reader.get('SELECT COUNT(*) AS n FROM sluice_messages WHERE project = $1', [project]), 'n'),
  };
}

function messageOf(row: SqlRow): MessageRecord {
  return {
    id: numberOf(row, 'id'),
    target: textOf(row, 'target'),
    content: JSON.parse(textOf(row, 'content')) as JsonObject,
    tries: numberOf(row, 'tries') + 1,
  };
}
