import type { ConfigPlace, LedgerAnswer, OpenRunContext, PluginContext, StateKey } from '../../../core/spi/index.js';
import type { SqlConnectionSettings } from '../sql/connection.js';
import type { MakeColumn } from './plan-columns.js';
import type { SpoolColumn, SpoolForm } from './spool-lines.js';
import type { DatabaseConfig, LoadJob, TablePlan } from './table-plan.js';
import type { TargetColumn, TargetTable } from './target-column.js';
import type { WrittenValue } from './written-value.js';

/** One connection to the target. */
export interface TargetSession {
  /** `PostgreSQL 15.18`. */
  readonly server: string;
  readonly make: MakeColumn;
  /** The target table, or undefined when there is none. */
  readTable(table: readonly string[]): Promise<TargetTable | undefined>;
  /** What the ledger beside the target holds of this key; undefined: no row, or no ledger yet. */
  lastInLedger(table: readonly string[], key: StateKey): Promise<Extract<LedgerAnswer, { kept: true }>['last']>;
  /** A project of another id whose runs of the same pipeline, stream and target the ledger holds. */
  otherProject(table: readonly string[], key: StateKey): Promise<string | undefined>;
  /** Refuses when the ledger neither exists nor can be made. */
  checkLedger(table: readonly string[], place: ConfigPlace): Promise<void>;
  /** Refuses a replace of a table that others depend on. */
  checkReplace(table: readonly string[], place: ConfigPlace): Promise<void>;
  /** Sentences on what this target cannot promise. */
  weaknesses(plan: Pick<TablePlan, 'table' | 'mode' | 'exists'>, config: DatabaseConfig): Promise<readonly string[]>;
  /** The whole write in one transaction with its ledger row; `false`: the ledger says that this run had committed before. */
  load(job: LoadJob): Promise<boolean>;
  /**
   * Why rows must not be sent before the commit: they would stay when the transaction is rolled back, or keep others waiting. Undefined:
   * they may, and the server ends the session by itself when nothing more is heard of us.
   */
  refuseEarly(plan: TablePlan, run: OpenRunContext): Promise<string | undefined>;
  end(): Promise<void>;
}

/** What differs between products. */
export interface TargetProduct {
  readonly defaultPort: number;
  /** How a value is written for the bulk load. */
  spoolColumn(value: WrittenValue, target: TargetColumn): SpoolColumn;
  readonly spool: SpoolForm;
  /** Parts of the target table's name. */
  tableOf(config: DatabaseConfig, place: ConfigPlace): readonly string[];
  open(settings: SqlConnectionSettings, ctx: PluginContext, config: DatabaseConfig): Promise<TargetSession>;
}
