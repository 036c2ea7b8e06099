import { randomUUID } from 'node:crypto';

import type { Dialect, OpenTransaction } from '../connection.js';
import type { Migration } from './migration.js';

const KEY = 'project TEXT NOT NULL, pipeline TEXT NOT NULL, stream TEXT NOT NULL, target TEXT NOT NULL';

/** Iceberg's JDBC catalog, schema V1 (JdbcUtil.java). Other engines share these two tables: no column of ours in them. */
const ICEBERG = [
  `CREATE TABLE IF NOT EXISTS iceberg_tables (
    catalog_name VARCHAR(255) NOT NULL, table_namespace VARCHAR(255) NOT NULL, table_name VARCHAR(255) NOT NULL,
    metadata_location VARCHAR(1000), previous_metadata_location VARCHAR(1000), iceberg_type VARCHAR(5),
    PRIMARY KEY (catalog_name, table_namespace, table_name))`,
  `CREATE TABLE IF NOT EXISTS iceberg_namespace_properties (
    catalog_name VARCHAR(255) NOT NULL, namespace VARCHAR(255) NOT NULL, property_key VARCHAR(255) NOT NULL,
    property_value VARCHAR(1000), PRIMARY KEY (catalog_name, namespace, property_key))`,
];

const OURS = (countingKey: string): readonly string[] => [
  `CREATE TABLE sluice_settings (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL)`,
  `CREATE TABLE sluice_leases (${KEY},
    holder TEXT NOT NULL, machine TEXT NOT NULL, pid BIGINT NOT NULL, process_started TEXT NOT NULL,
    fence BIGINT NOT NULL, acquired_at BIGINT NOT NULL, renewed_at BIGINT NOT NULL, expires_at BIGINT NOT NULL,
    PRIMARY KEY (project, pipeline, stream, target))`,
  `CREATE TABLE sluice_runs (seq ${countingKey}, run_id TEXT NOT NULL UNIQUE, ${KEY},
    status TEXT NOT NULL, target_name TEXT NOT NULL, started_at BIGINT NOT NULL, finished_at BIGINT,
    config_hash TEXT NOT NULL, plan TEXT NOT NULL, summary TEXT, error TEXT, commit_facts TEXT,
    state_before TEXT, state_before_run TEXT)`,
  `CREATE INDEX sluice_runs_by_key ON sluice_runs (project, pipeline, stream, target, seq)`,
  `CREATE TABLE sluice_commits (run_id TEXT NOT NULL PRIMARY KEY, fence BIGINT NOT NULL, committed_at BIGINT NOT NULL)`,
  `CREATE TABLE sluice_tasks (run_id TEXT NOT NULL, task BIGINT NOT NULL, report TEXT NOT NULL, finished_at BIGINT NOT NULL,
    PRIMARY KEY (run_id, task))`,
  `CREATE TABLE sluice_staging (run_id TEXT NOT NULL, path TEXT NOT NULL, task BIGINT NOT NULL, PRIMARY KEY (run_id, path))`,
  `CREATE TABLE sluice_rejects (run_id TEXT NOT NULL, position BIGINT NOT NULL, record TEXT NOT NULL, PRIMARY KEY (run_id, position))`,
  `CREATE TABLE sluice_states (${KEY},
    target_name TEXT NOT NULL, state TEXT NOT NULL, run_id TEXT, updated_at BIGINT NOT NULL,
    PRIMARY KEY (project, pipeline, stream, target))`,
  `CREATE INDEX sluice_states_by_target ON sluice_states (target)`,
  `CREATE TABLE sluice_state_history (seq ${countingKey}, ${KEY},
    target_name TEXT NOT NULL, state TEXT NOT NULL, run_id TEXT, at BIGINT NOT NULL)`,
  `CREATE INDEX sluice_state_history_by_key ON sluice_state_history (project, pipeline, stream, target, seq)`,
  `CREATE TABLE sluice_views (catalog_name TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
    sql TEXT NOT NULL, dialect TEXT NOT NULL, comment TEXT, PRIMARY KEY (catalog_name, namespace, name))`,
  `CREATE TABLE sluice_dropped_tables (catalog_name TEXT NOT NULL, table_uuid TEXT NOT NULL, namespace TEXT NOT NULL,
    name TEXT NOT NULL, metadata_location TEXT NOT NULL, dropped_at BIGINT NOT NULL, PRIMARY KEY (catalog_name, table_uuid))`,
  `CREATE TABLE sluice_garbage (path TEXT NOT NULL PRIMARY KEY, not_before BIGINT NOT NULL)`,
  `CREATE INDEX sluice_garbage_by_time ON sluice_garbage (not_before)`,
];

async function apply(tx: OpenTransaction, dialect: Dialect): Promise<void> {
  for (const statement of ICEBERG) await tx.run(statement);
  // Spark and other Java engines make the table in schema V0 when they come first.
  if (!(await dialect.hasColumn(tx, 'iceberg_tables', 'iceberg_type'))) await tx.run('ALTER TABLE iceberg_tables ADD COLUMN iceberg_type VARCHAR(5)');
  for (const statement of OURS(dialect.countingKey)) await tx.run(statement);
  for (const name of ['metastore_id', 'project_id']) await tx.run('INSERT INTO sluice_settings (name, value) VALUES ($1, $2)', [name, randomUUID()]);
}

export const firstTables: Migration = { version: 1, name: 'first tables', apply };
