import type { Migration } from './migration.js';

/** Jobs, their logs, schedules with the outcome of each nominal time, and keys of the HTTP API. */
export const jobs: Migration = {
  version: 2,
  name: 'jobs',
  async apply(tx) {
    await tx.run(
      `CREATE TABLE sluice_jobs (id TEXT NOT NULL PRIMARY KEY, project TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, payload TEXT NOT NULL,
       trigger_kind TEXT NOT NULL, nominal_time BIGINT, priority BIGINT NOT NULL, not_before BIGINT NOT NULL, max_attempts BIGINT NOT NULL,
       retry_wait TEXT NOT NULL, timeout_ms BIGINT, uses TEXT NOT NULL, parent_id TEXT, tags TEXT NOT NULL,
       status TEXT NOT NULL, attempts BIGINT NOT NULL, takeovers BIGINT NOT NULL, holder TEXT, fence BIGINT NOT NULL, kill_requested BIGINT NOT NULL,
       created_at BIGINT NOT NULL, started_at BIGINT, finished_at BIGINT, result TEXT, error TEXT)`,
    );
    await tx.run('CREATE INDEX sluice_jobs_by_status ON sluice_jobs (project, status, priority DESC, id)');
    await tx.run('CREATE INDEX sluice_jobs_by_name ON sluice_jobs (project, name, id)');
    await tx.run('CREATE INDEX sluice_jobs_by_period ON sluice_jobs (project, name, nominal_time)');
    await tx.run('CREATE INDEX sluice_jobs_open ON sluice_jobs (project, name) WHERE finished_at IS NULL');
    await tx.run('CREATE INDEX sluice_jobs_by_end ON sluice_jobs (finished_at)');
    await tx.run(
      `CREATE TABLE sluice_job_log (job_id TEXT NOT NULL, seq BIGINT NOT NULL, logged_at BIGINT NOT NULL, attempt BIGINT NOT NULL, level TEXT NOT NULL,
       text TEXT NOT NULL, PRIMARY KEY (job_id, seq))`,
    );
    await tx.run(
      `CREATE TABLE sluice_schedules (project TEXT NOT NULL, name TEXT NOT NULL, created_at BIGINT NOT NULL, paused BIGINT NOT NULL,
       definition_hash TEXT NOT NULL, next_time BIGINT, due_at BIGINT, PRIMARY KEY (project, name))`,
    );
    await tx.run('CREATE INDEX sluice_schedules_by_due ON sluice_schedules (project, due_at)');
    await tx.run(
      `CREATE TABLE sluice_firings (project TEXT NOT NULL, schedule TEXT NOT NULL, nominal_time BIGINT NOT NULL, outcome TEXT NOT NULL, job_id TEXT,
       recorded_at BIGINT NOT NULL, PRIMARY KEY (project, schedule, nominal_time))`,
    );
    await tx.run(
      `CREATE TABLE sluice_periods (project TEXT NOT NULL, schedule TEXT NOT NULL, nominal_time BIGINT NOT NULL, job_id TEXT NOT NULL,
       committed_at BIGINT NOT NULL, PRIMARY KEY (project, schedule, nominal_time))`,
    );
    await tx.run(
      `CREATE TABLE sluice_api_keys (project TEXT NOT NULL, id TEXT NOT NULL, hash TEXT NOT NULL, description TEXT NOT NULL, scopes TEXT NOT NULL,
       databases TEXT, created_at BIGINT NOT NULL, expires_at BIGINT, revoked_at BIGINT, last_used_at BIGINT, uses BIGINT NOT NULL, PRIMARY KEY (project, id))`,
    );
  },
};
