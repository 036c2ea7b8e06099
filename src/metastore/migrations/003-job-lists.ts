import { textOf } from '../connection.js';
import type { Migration } from './migration.js';

/** Lists of jobs stay quick however long the history is: each way to list has an index in the order of the list. */
export const jobLists: Migration = {
  version: 3,
  name: 'lists of jobs',
  async apply(tx) {
    await tx.run('CREATE INDEX sluice_jobs_by_id ON sluice_jobs (project, id)');
    await tx.run('CREATE INDEX sluice_jobs_by_status_id ON sluice_jobs (project, status, id)');
    await tx.run('CREATE INDEX sluice_jobs_by_name_status ON sluice_jobs (project, name, status, id)');
    await tx.run('CREATE INDEX sluice_jobs_by_kind ON sluice_jobs (project, kind, id)');
    await tx.run('CREATE TABLE sluice_job_tags (project TEXT NOT NULL, tag TEXT NOT NULL, job_id TEXT NOT NULL, PRIMARY KEY (project, tag, job_id))');
    for (const row of await tx.all("SELECT id, project, tags FROM sluice_jobs WHERE tags <> '[]'")) {
      for (const tag of new Set(JSON.parse(textOf(row, 'tags')) as string[])) {
        await tx.run('INSERT INTO sluice_job_tags (project, tag, job_id) VALUES ($1, $2, $3)', [textOf(row, 'project'), tag, textOf(row, 'id')]);
      }
    }
  },
};
