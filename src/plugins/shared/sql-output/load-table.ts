import { ConflictError, DataError, type CommitContext, type LedgerEntry, type StateKey } from '../../../core/spi/index.js';
import { joinTableName } from '../sql/table-names.js';
import type { LoadJob } from './table-plan.js';
import { assertFence } from './ledger.js';

/** The steps of a load that differ between products; they are called in this order. */
export interface LoadSteps {
  /** `PostgreSQL db:5432/shop`. */
  readonly place: string;
  makeLedger(): Promise<void>;
  /** Opens the transaction. With `ledger` nobody else commits under this key before it ends; a load that is early throws where it would have to wait. */
  begin(ledger: boolean): Promise<void>;
  lastInLedger(): Promise<LedgerEntry | undefined>;
  /** Makes, changes or empties the table, as far as this is done in the transaction. */
  prepare(): Promise<void>;
  /** SQL of the user. */
  runHook(sql: string, key: 'before_load' | 'after_load'): Promise<void>;
  write(): Promise<void>;
  /** Asks the checks of the table, which holds the new rows by now. */
  check(commit: CommitContext): Promise<void>;
  writeLedger(commit: CommitContext): Promise<void>;
  commit(): Promise<void>;
  /** Never throws; a connection that is gone has rolled back by itself. */
  rollback(): Promise<void>;
}

/** The whole write in one transaction with its ledger row. Answers false when the ledger says that this run had committed before. */
export async function loadTable(steps: LoadSteps, { run, config, plan, sent }: LoadJob): Promise<boolean> {
  const keepsLedger = config.ledger !== 'none';
  if (keepsLedger) await steps.makeLedger();
  await steps.begin(keepsLedger);
  try {
    run.reach('commit.target_open');
    if (keepsLedger) {
      const last = await steps.lastInLedger();
      if (last?.runId === run.runId) {
        await steps.rollback();
        return false;
      }
      assertFence(last, run, `${steps.place}: ${joinTableName(plan.table)}`);
    }
    await steps.prepare();
    if (config.before_load !== undefined) await steps.runHook(config.before_load, 'before_load');
    await steps.write();
    const { commit } = await sent;
    await steps.check(commit);
    commit.reach('commit.target_filled');
    // Before after_load: should that commit by itself, rows and ledger row are committed together.
    if (keepsLedger) await steps.writeLedger(commit);
    commit.reach('commit.ledger_written');
    if (config.after_load !== undefined) await steps.runHook(config.after_load, 'after_load');
    await steps.commit();
    return true;
  } catch (error) {
    await steps.rollback();
    throw error;
  }
}

/** Of a load that is early; at the commit it is waited for. */
export function lockTaken(place: string, key: StateKey): ConflictError {
  return new ConflictError({
    code: 'TARGET_LOCKED',
    message: `${place}: another session is committing pipeline ${key.pipeline}`,
    hint: 'the rows are sent at the commit, which waits for it',
  });
}

/** Of rows with one key nobody says which counts. `found` are the keys that stand twice. */
export function refuseDuplicates(found: readonly (readonly (string | null)[])[], { plan }: LoadJob): void {
  if (found.length === 0) return;
  throw new DataError({
    code: 'DUPLICATE_KEYS',
    message: `${joinTableName(plan.table)}: several rows of this load have the same key (${plan.keys.keys.join(', ')}): ${found.map((row) => row.join(', ')).join('; ')}`,
    hint: 'set merge_order_by to let the last one win, or remove them with the filter dedupe',
  });
}

/** The server's own count must be that of the rows sent. */
export async function assertRowCount(taken: number, { plan, sent }: LoadJob): Promise<void> {
  const { rows } = await sent;
  if (taken === rows) return;
  throw new DataError({
    code: 'TARGET_ROW_COUNT',
    message: `${joinTableName(plan.table)}: ${rows} rows were sent, but the server took ${taken}`,
    hint: 'nothing was committed; look for triggers or rules on the table that drop rows',
  });
}
