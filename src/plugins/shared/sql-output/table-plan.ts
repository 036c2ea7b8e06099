import type { CommitContext } from '../../../core/spi/index.js';
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

/** What one commit has to do at the target. */
export interface LoadJob {
  readonly plan: TablePlan;
  readonly config: DatabaseConfig;
  readonly files: readonly string[];
  readonly rows: number;
  readonly commit: CommitContext;
}
