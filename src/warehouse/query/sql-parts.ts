import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase, type DuckConnection } from '../../core/duckdb/index.js';
import {
  makeFolders,
  type Clock,
  type JsonObject,
  type Point,
  type SqlConnection,
  type StageReport,
  type StoreTransaction,
} from '../../core/spi/index.js';
import type { Metastore } from '../../metastore/types.js';
import type { Catalog } from '../catalog/catalog.js';
import { DEFAULT_NAMESPACE, formatTableName } from '../catalog/table-name.js';
import type { Storage } from '../storage/storage.js';
import type { TableReader } from '../table/table-reader.js';
import type { CommitOptions, CommitResult, TableChange } from '../write/commit-changes.js';
import type { RelationToStage } from '../write/stage-files.js';
import type { WritePlan, WriteRequest } from '../write/write-plan.js';
import type { QueryEngine } from './query-engine.js';
import type { QueryOptions, QueryResult } from './query-options.js';
import type { StatementName } from './write-statements.js';

/** What staging needs of a task. */
interface StageTools {
  readonly runId: string;
  readonly task: number;
  readonly sql: SqlConnection;
  record(paths: readonly string[]): Promise<void>;
  reach(point: Point): void;
}

/** What SQL statements need of a warehouse; the front door's `Warehouse` fits. */
export interface SqlWarehouse {
  readonly metastore: Metastore;
  readonly storage: Storage;
  readonly reader: TableReader;
  readonly clock: Clock;
  readonly catalog: Catalog;
  planWrite(request: WriteRequest): Promise<WritePlan>;
  stageFiles(plan: WritePlan, relation: RelationToStage, tools: StageTools): Promise<StageReport>;
  removeStaged(paths: readonly string[]): Promise<void>;
  commitWrites(
    write: { readonly plan: WritePlan; readonly staged: readonly StageReport[]; readonly rejects: readonly StageReport[] },
    options: { readonly runId: string; reach(point: Point): void; within(tx: StoreTransaction, facts: JsonObject): Promise<void> },
  ): Promise<{ readonly facts: JsonObject }>;
  commitChanges(changes: readonly TableChange[], options: CommitOptions): Promise<CommitResult>;
}

export interface SqlParts {
  readonly warehouse: SqlWarehouse;
  readonly engine: QueryEngine;
}

/** A SELECT's rows, or what a write did. */
export type SqlOutcome =
  | { readonly kind: 'rows'; readonly result: QueryResult }
  | {
      readonly kind: 'done';
      /** One sentence for people, e.g. `inserted 12 rows into shop.orders`. */
      readonly message: string;
      readonly rows: number;
      /** Empty when nothing was committed. */
      readonly runId?: string;
      readonly facts: JsonObject;
    };

export interface Workshop {
  readonly folder: string;
  readonly sql: DuckConnection;
}

/** Runs `work` with a private folder and a trusted engine that spills into it; both are gone afterwards. */
export async function inWorkshop<T>(options: QueryOptions, work: (shop: Workshop) => Promise<T>): Promise<T> {
  const parent = options.tempDir ?? tmpdir();
  await makeFolders(parent);
  const folder = await mkdtemp(join(parent, 'sluice-write-'));
  try {
    const spill = join(folder, 'spill');
    await mkdir(spill);
    const database = await openDatabase({
      tempDirectory: spill,
      ...(options.maxMemory === undefined ? {} : { memoryLimit: options.maxMemory }),
      ...(options.threads === undefined ? {} : { threads: options.threads }),
    });
    try {
      const sql = await database.connect();
      const stop = (): void => sql.interrupt();
      options.signal?.addEventListener('abort', stop);
      try {
        return await work({ folder, sql });
      } finally {
        options.signal?.removeEventListener('abort', stop);
        sql.close();
      }
    } finally {
      database.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** `shop.orders` of a name in a statement. */
export function qualify(name: StatementName, options: QueryOptions): string {
  return formatTableName({ namespace: name.namespace ?? options.namespace ?? DEFAULT_NAMESPACE, name: name.name });
}
