import type { Clock, Logger, SqlConnection } from '../core/spi/index.js';
import type { Metastore } from '../metastore/types.js';
import { createCatalog, type Catalog } from './catalog/catalog.js';
import { openLocalStorage } from './storage/local-storage.js';
import { claimStorage } from './storage/marker.js';
import type { Storage } from './storage/storage.js';
import { createTableReader, type TableReader } from './table/table-reader.js';
import { commitChanges, type CommitOptions, type CommitResult, type TableChange } from './write/commit-changes.js';
import { commitWrites, type StagedWrite } from './write/commit-writes.js';
import { planWrite } from './write/plan-write.js';
import { planRejects, stageRejects } from './write/rejects.js';
import { stageFiles, type RelationToStage, type StagedFiles, type StageOptions } from './write/stage-files.js';
import type { WritePlan, WriteRequest } from './write/write-plan.js';

export type { Catalog, LoadedTable } from './catalog/catalog.js';
export { formatTableName, parseTableName, rejectsNameOf, splitTableName, type TableName } from './catalog/table-name.js';
export type { Storage } from './storage/storage.js';
export type { TableReader } from './table/table-reader.js';
export type { CommitOptions, CommitResult, TableChange, Version } from './write/commit-changes.js';
export type { StagedWrite } from './write/commit-writes.js';
export type { RelationToStage, StagedFiles, StageOptions } from './write/stage-files.js';
export { writePlanFromJson, writePlanToJson, type PlannedColumn, type WritePlan, type WriteRequest } from './write/write-plan.js';

export interface WarehouseOptions {
  readonly metastore: Metastore;
  /** Storage root, `file:///absolute/folder`. */
  readonly root: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Iceberg tables over a metastore and a storage root. A write is planned (`planWrite`), staged per task (`stageFiles`,
 * invisible to readers) and committed once (`commitWrites`, together with whatever else belongs into the transaction).
 */
export interface Warehouse {
  readonly metastore: Metastore;
  readonly storage: Storage;
  /** Cached, decoded table metadata. */
  readonly reader: TableReader;
  readonly clock: Clock;
  readonly log: Logger;
  readonly catalog: Catalog;
  /** What a write will do to its table. Nothing is touched. Errors: ConfigError, before any row moves. */
  planWrite(request: WriteRequest): Promise<WritePlan>;
  /** Writes one task's rows as Parquet below the table's location. DuckDB's session must have time zone UTC. */
  stageFiles(plan: WritePlan, relation: RelationToStage, sql: SqlConnection, options: StageOptions): Promise<StagedFiles>;
  /** The plan for `<table>__rejects`; stage with `stageRejects`, commit together with the table's own write. */
  planRejects(table: string): Promise<WritePlan>;
  stageRejects(plan: WritePlan, ndjsonPath: string, sql: SqlConnection, options: StageOptions & { readonly runId: string }): Promise<StagedFiles>;
  /** Makes staged writes visible, all or none, in one transaction with `options.within`. */
  commitWrites(writes: readonly StagedWrite[], options: CommitOptions & { readonly runId: string }): Promise<CommitResult>;
  /** The same for any change of tables: rewrites, deletes, schema changes. */
  commitChanges(changes: readonly TableChange[], options: CommitOptions): Promise<CommitResult>;
}

/** Opens a warehouse; cheap, reads and writes nothing. The metastore stays the caller's to close. */
export function openWarehouse(options: WarehouseOptions): Warehouse {
  const { metastore, clock, log } = options;
  const storage = openLocalStorage(options.root);
  const reader = createTableReader(storage);
  const catalog = createCatalog(metastore, reader);
  const tools = { metastore, catalog, storage, reader, clock };
  let claimed: Promise<boolean> | undefined;
  /** The first write of a process puts the metastore's id into the storage root. */
  const claim = async (): Promise<void> => {
    claimed ??= claimStorage(storage, metastore.id);
    if (!(await claimed)) log.log('debug', 'the storage root carries another metastore’s id', { root: storage.root });
  };
  return {
    metastore,
    storage,
    reader,
    clock,
    log,
    catalog,
    planWrite: (request) => planWrite(catalog, storage.root, request),
    async stageFiles(plan, relation, sql, stage) {
      await claim();
      return stageFiles(storage, plan, relation, sql, stage);
    },
    planRejects: (table) => planRejects(catalog, storage.root, table),
    async stageRejects(plan, path, sql, stage) {
      await claim();
      return stageRejects(storage, plan, path, sql, { ...stage, clock });
    },
    async commitWrites(writes, commit) {
      await claim();
      return commitWrites(tools, writes, commit);
    },
    async commitChanges(changes, commit) {
      await claim();
      return commitChanges(tools, changes, commit);
    },
  };
}
