import type { Migration } from './migration.js';

/** What schedules promise, and where they did not keep it. */
export const slas: Migration = {
  version: 4,
  name: 'slas',
  async apply(tx) {
    await tx.run("ALTER TABLE sluice_schedules ADD COLUMN sla_hash TEXT NOT NULL DEFAULT ''");
    await tx.run('ALTER TABLE sluice_schedules ADD COLUMN sla_from BIGINT');
    await tx.run('ALTER TABLE sluice_schedules ADD COLUMN sla_check_at BIGINT');
    await tx.run('CREATE INDEX sluice_schedules_by_sla ON sluice_schedules (project, sla_check_at)');
    await tx.run(
      `CREATE TABLE sluice_sla_misses (project TEXT NOT NULL, schedule TEXT NOT NULL, kind TEXT NOT NULL, nominal_time BIGINT NOT NULL,
       deadline BIGINT NOT NULL, missed_at BIGINT NOT NULL, met_at BIGINT, PRIMARY KEY (project, schedule, kind, nominal_time))`,
    );
    await tx.run('CREATE INDEX sluice_sla_misses_open ON sluice_sla_misses (project, schedule, nominal_time) WHERE met_at IS NULL');
    await tx.run('CREATE INDEX sluice_sla_misses_by_time ON sluice_sla_misses (project, missed_at)');
  },
};
