import type { CommitContext, OpenRunContext } from '../../../core/spi/index.js';
import type { SqlConnectionConfig } from '../sql/connection.js';
import type { PlannedTargetColumn } from './plan-columns.js';
import type { KeyPlan } from './plan-keys.js';
import type { TableOutputConfig, WriteMode } from './schema.js';

export type DatabaseConfig = TableOutputConfig & SqlConnectionConfig;

/** A write as it is planned; plain JSON, stored with the run. */
export interface TablePlan {
  readonly table: readonly string[];
  readonly mode: WriteMode;
  /** A full refresh of a merge: the old rows go, then the load is merged as ever. */
  readonly refreshes?: true;
  /** Whether the table existed when the write was planned. */
  readonly exists: boolean;
  readonly columns: readonly PlannedTargetColumn[];
  /** Columns that a replace drops. */
  readonly dropped: readonly string[];
  readonly keys: KeyPlan;
  /** Boolean column of the load that marks rows to delete; it is the last one of the spool. */
  readonly deleteColumn?: string;
}

/** What one transaction at the target has to do. */
export interface LoadJob {
  readonly plan: TablePlan;
  readonly config: DatabaseConfig;
  readonly run: Pick<OpenRunContext, 'runId' | 'key' | 'fence' | 'signal' | 'log' | 'reach'>;
  /** It began before the commit, and waits for nobody. */
  readonly early: boolean;
  /** The staged rows, whole files one after the other; to be read once. */
  bytes(): AsyncIterable<Buffer>;
  /** How many rows that were, and the commit that they belong to; known when all bytes have been read. */
  readonly sent: Promise<{ readonly rows: number; readonly commit: CommitContext }>;
}
