import { randomUUID } from 'node:crypto';
import type {
  Clock,
  JsonObject,
  Logger,
  Point,
  RejectFile,
  RejectRelation,
  SqlConnection,
  StageReport,
  StoreTransaction,
} from '../core/spi/index.js';
import type { Metastore } from '../metastore/types.js';
import { createCatalog, type Catalog } from './catalog/catalog.js';
import { compactAfterCommit } from './maintain/after-commit.js';
import { maintain, type MaintainOptions } from './maintain/maintain.js';
import type { MaintainReport } from './maintain/report.js';
import { retentionOfSettings, type MaintainSettings } from './maintain/settings.js';
import { openSqlDoor, type SqlDefaults, type SqlDoor } from './query/sql-door.js';
import { queryStaged, type StagedSql } from './query/staged-sql.js';
import { openLocalStorage } from './storage/local-storage.js';
import { claimStorage } from './storage/marker.js';
import type { Storage } from './storage/storage.js';
import { createTableReader, type TableReader } from './table/table-reader.js';
import { commitChanges, type CommitOptions, type CommitResult, type TableChange } from './write/commit-changes.js';
import { commitWrites, type StagedWrite } from './write/commit-writes.js';
import { planWrite } from './write/plan-write.js';
import type { PreviewOptions } from './write/preview-writes.js';
import { rejectsRelation } from './write/rejects.js';
import { removeGarbage, removeStaged } from './write/remove-files.js';
import { stageFiles, type RelationToStage } from './write/stage-files.js';
import type { WritePlan, WriteRequest } from './write/write-plan.js';

export type { Catalog, LoadedTable } from './catalog/catalog.js';
export { describeTable, partitionTexts, sizeOf, type TableFacts, type TableSize } from './catalog/table-facts.js';
export { formatTableName, parseTableName, rejectsNameOf, splitTableName, type TableName } from './catalog/table-name.js';
export type { CommitOptions, CommitResult, TableChange, Version } from './write/commit-changes.js';
export type { MaintainOptions } from './maintain/maintain.js';
export type { CompactionUpkeep, DroppedUpkeep, MaintainReport, OrphanUpkeep, Problem, RunUpkeep, TableUpkeep } from './maintain/report.js';
export type { MaintainSettings } from './maintain/settings.js';
export type { QueryAccess, QueryOptions, QueryParameter, QueryResult, QueryStats } from './query/query-options.js';
export type { SqlDefaults } from './query/sql-door.js';
export { mayAccess } from './query/restrict-source.js';
export { expandTdText } from './query/td/rewrite.js';
export { parseTimeText } from './query/td/times.js';
export type { StagedSql } from './query/staged-sql.js';
export { tableColumn, type TableColumn } from './query/result-types.js';
export { currentSnapshot } from './table/model.js';
export { createRejectStore } from './write/reject-store.js';
export { planRestore, restoreChange, runOf, type Restoration } from './write/restore.js';
export { stagedPaths } from './write/staged-file.js';
export type { RelationToStage } from './write/stage-files.js';
export type { MergeOrder, PlannedColumn, WriteMode, WritePlan, WriteRequest } from './write/write-plan.js';

export interface WarehouseOptions {
  readonly metastore: Metastore;
  /** Storage root, `file:///absolute/folder`. */
  readonly root: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Upkeep; default as in sluice.yml. */
  readonly maintain?: MaintainSettings;
  /** Limits of SQL statements; default DuckDB's own. */
  readonly sql?: SqlDefaults;
}

const DEFAULT_MAINTAIN: MaintainSettings = { automatic: true, snapshotDays: 5, minSnapshots: 100, maxSnapshots: 500 };

/** What the tasks of a run staged for one table. */
export interface StagedTable {
  readonly plan: WritePlan;
  readonly staged: readonly StageReport[];
  readonly rejects: readonly StageReport[];
}

/** What staging needs of a task; a StageContext is one. */
export interface StageTools {
  readonly runId: string;
  readonly task: number;
  /** A session with time zone UTC. */
  readonly sql: SqlConnection;
  /** Stores paths in the metastore before anything is written there. */
  record(paths: readonly string[]): Promise<void>;
  reach(point: Point): void;
}

export interface WriteCommitOptions {
  readonly runId: string;
  readonly signal?: AbortSignal;
  /** Where `merge` and `replace_where` work; default: the system's temporary folder. */
  readonly tempDir?: string;
  reach(point: Point): void;
  /**
   * Runs inside the commit's transaction. Facts: `{table, tableUuid, metadataLocation, snapshotId?, rows, files, bytes, others?}`,
   * `others` with the rejects table's. The UUID is another than the plan's when a concurrent run made the table first.
   */
  within(tx: StoreTransaction, facts: JsonObject): Promise<void>;
}

export interface WriteCommit {
  readonly facts: JsonObject;
  /** True when an earlier attempt of this run had committed; `within` was not called. */
  readonly alreadyCommitted: boolean;
  /** Work after the commit whose failure changes nothing: removes files that are due, compacts where small files pile up. */
  upkeep(): Promise<void>;
}

/**
 * Iceberg tables over a metastore and a storage root. A write is planned (`planWrite`), staged per task (`stageFiles`,
 * invisible to readers) and committed once (`commitWrites`, together with whatever else belongs into the transaction).
 */
export interface Warehouse extends SqlDoor {
  readonly metastore: Metastore;
  readonly storage: Storage;
  /** Cached, decoded table metadata. */
  readonly reader: TableReader;
  readonly clock: Clock;
  readonly log: Logger;
  readonly catalog: Catalog;
  /** The table's identity, or undefined when there is none. */
  tableUuid(table: string): Promise<string | undefined>;
  /** What a write will do to its table; plain JSON. Nothing is touched. Errors: ConfigError, before any row moves. */
  planWrite(request: WriteRequest): Promise<WritePlan>;
  /**
   * Writes one task's rows as Parquet below the table's location. Errors: DataError TOO_MANY_PARTITIONS, RemoteError of engine and
   * file system. Out of memory: the relation is read again, up to three times.
   */
  stageFiles(plan: WritePlan, relation: RelationToStage, tools: StageTools): Promise<StageReport>;
  /** Stages rejects with the columns of `<table>__rejects`. */
  stageRejects(plan: WritePlan, rejects: RejectFile | RejectRelation, tools: StageTools): Promise<StageReport>;
  /** Deletes what staging recorded for a run that will not commit. Missing paths are fine. */
  removeStaged(paths: readonly string[]): Promise<void>;
  /** Makes a staged write and its rejects visible, all or none, in one transaction with `options.within`. */
  commitWrites(
    write: {
      readonly plan: WritePlan;
      readonly staged: readonly StageReport[];
      readonly rejects: readonly StageReport[];
      /** Writes of other tables that belong to the same commit. */
      readonly others?: readonly { readonly plan: WritePlan; readonly staged: readonly StageReport[] }[];
    },
    options: WriteCommitOptions,
  ): Promise<WriteCommit>;
  /**
   * Runs `use` with SELECTs that see the tables as they would be after `commitWrites` now, rejects among them. Nothing is
   * committed. Results must be read before `use` ends.
   */
  queryStaged<T>(writes: readonly StagedTable[], options: PreviewOptions, use: (sql: StagedSql) => Promise<T>): Promise<T>;
  /** One commit of any changes of tables: rewrites, deletes, schema changes. */
  commitChanges(changes: readonly TableChange[], options: CommitOptions): Promise<CommitResult>;
  /** Deletes a batch of files whose grace period is over (old metadata, expired snapshots); answers how many. */
  removeGarbage(): Promise<number>;
  /** Upkeep of all or some tables; see `maintain/maintain.ts`. */
  maintain(options?: MaintainOptions): Promise<MaintainReport>;
}

/** Opens a warehouse; cheap, reads and writes nothing. The metastore stays the caller's to close. */
export function openWarehouse(options: WarehouseOptions): Warehouse {
  const { metastore, clock, log } = options;
  const storage = openLocalStorage(options.root);
  const reader = createTableReader(storage);
  const catalog = createCatalog(metastore, reader);
  const settings = options.maintain ?? DEFAULT_MAINTAIN;
  const tools = { metastore, catalog, storage, reader, clock, log, retention: retentionOfSettings(settings) };
  let claimed: Promise<boolean> | undefined;
  /** The first write of a process puts the metastore's id into the storage root. */
  const claim = async (): Promise<void> => {
    claimed ??= claimStorage(storage, metastore.id);
    if (!(await claimed)) log.log('debug', 'the storage root carries the id of another metastore', { root: storage.root });
  };
  const stage = async (plan: WritePlan, relation: RelationToStage, task: StageTools): Promise<StageReport> => {
    await claim();
    const stagingId = `${task.runId}-${task.task}-${randomUUID().slice(0, 8)}`;
    return stageFiles(storage, plan, relation, task.sql, { stagingId, record: (paths) => task.record(paths), reach: (point) => task.reach(point) });
  };
  const tables: Omit<Warehouse, keyof SqlDoor | 'maintain'> = {
    metastore,
    storage,
    reader,
    clock,
    log,
    catalog,
    async tableUuid(table) {
      return (await catalog.findTable(table))?.metadata['table-uuid'];
    },
    planWrite: (request) => planWrite(catalog, storage.root, request),
    stageFiles: stage,
    stageRejects: async (plan, rejects, task) => stage(plan.rejects ?? plan, await rejectsRelation(rejects, task.runId, clock.now()), task),
    removeStaged: (paths) => removeStaged(storage, paths),
    async commitWrites({ plan, staged, rejects, others = [] }, commit) {
      await claim();
      const rejected = rejectsOf(plan, rejects);
      const writes = [{ plan, staged }, ...others].map((write) => ({ plan: write.plan, staged: write.staged.map((r) => r.staged) }));
      const result = await commitWrites(tools, [...writes, ...rejected], commit);
      const upkeep = async (): Promise<void> => {
        await removeGarbage(tools);
        if (!settings.automatic || result.alreadyCommitted) return;
        for (const each of [...writes, ...rejected]) await compactAfterCommit(tools, each.plan.table, each.staged, commit.signal);
      };
      return { ...result, upkeep };
    },
    queryStaged(writes, preview, use) {
      const all = writes.flatMap(({ plan, staged, rejects }) => [{ plan, staged: staged.map((r) => r.staged) }, ...rejectsOf(plan, rejects)]);
      return queryStaged(tools, all, preview, options.sql ?? {}, use);
    },
    async commitChanges(changes, commit) {
      await claim();
      return commitChanges(tools, changes, commit);
    },
    removeGarbage: () => removeGarbage(tools),
  };
  const sql = openSqlDoor(
    {
      ...tables,
      async commitWrites(write, commit) {
        const result = await tables.commitWrites(write, commit);
        // The statement stands whatever becomes of its upkeep, which is tried again after the next one.
        await result.upkeep().catch((error: unknown) => log.log('warn', 'upkeep after the commit failed', { error: (error as Error).message }));
        return result;
      },
    },
    options.sql,
  );
  return Object.assign(tables, sql, { maintain: (work?: MaintainOptions) => maintain({ ...tools, sql }, work) });
}

/** The rejects table's part of a write; none where nothing was rejected. */
function rejectsOf(plan: WritePlan, rejects: readonly StageReport[]): readonly StagedWrite[] {
  return plan.rejects && rejects.some((r) => r.rows > 0) ? [{ plan: plan.rejects, staged: rejects.map((r) => r.staged) }] : [];
}
