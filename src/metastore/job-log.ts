import type { JobLogLine, JobStore } from '../core/spi/index.js';
import { insertRows, numberOf, textOf, type Connection } from './connection.js';

/** What jobs said, line by line. */
export function createJobLog(connection: Connection): Pick<JobStore, 'appendLog' | 'readLog'> {
  const { reader } = connection;
  return {
    appendLog: (id, lines) =>
      connection.transaction(async (tx) => {
        if (lines.length === 0) return;
        const last = numberOf(await tx.get('SELECT COALESCE(MAX(seq), 0) AS seq FROM sluice_job_log WHERE job_id = $1', [id]), 'seq');
        const rows = lines.map((line, i) => [id, last + i + 1, line.at, line.attempt, line.level, line.text]);
        await insertRows(tx, 'INSERT INTO sluice_job_log (job_id, seq, logged_at, attempt, level, text)', rows, '');
      }),
    readLog: async (id, afterSeq, limit) => {
      const rows = await reader.all(`SELECT * FROM sluice_job_log WHERE job_id = $1 AND seq > $2 ORDER BY seq LIMIT ${Math.floor(limit)}`, [
        id,
        afterSeq,
      ]);
      return rows.map((row) => ({
        seq: numberOf(row, 'seq'),
        at: numberOf(row, 'logged_at'),
        attempt: numberOf(row, 'attempt'),
        level: textOf(row, 'level') as JobLogLine['level'],
        text: textOf(row, 'text'),
      }));
    },
  };
}
