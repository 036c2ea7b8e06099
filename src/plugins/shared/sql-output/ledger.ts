import { ConflictError, type CommitContext, type ConfigPlace, type JsonValue, type LedgerEntry, type StateKey } from '../../../core/spi/index.js';

/** The table in the target's schema that holds one row for each committed run; its columns are the ledger's contract. */
export const LEDGER_TABLE = 'sluice_ledger';

/** The ledger beside a target table. */
export interface TargetLedger {
  /** Quoted. */
  readonly name: string;
  exists(): Promise<boolean>;
  /** Errors: ConfigError TARGET_SCHEMA_MISSING, LEDGER_DENIED when it neither exists nor can be made. */
  check(place: ConfigPlace): Promise<void>;
  make(): Promise<void>;
  last(key: StateKey): Promise<LedgerEntry | undefined>;
  otherProject(key: StateKey): Promise<string | undefined>;
  /** Inside the transaction of the load. */
  write(commit: CommitContext): Promise<void>;
}

/** A row as the databases give it: run_id, fence, state, committed_at in milliseconds since 1970, all as text. */
export type LedgerRow = readonly (string | null)[];

export function readLedgerRow(row: LedgerRow | undefined): LedgerEntry | undefined {
  if (row === undefined) return undefined;
  const [runId, fence, state, at] = row;
  return {
    runId: runId ?? '',
    fence: Number(fence),
    state: state === null || state === undefined ? undefined : (JSON.parse(state) as JsonValue),
    committedAt: Number(at),
  };
}

/** The first seven values of this run's row, in the order of the table; a state that is left as it was is NULL. */
export function ledgerValues({ key, runId, fence, state }: CommitContext): readonly (string | null)[] {
  return [key.project, key.pipeline, key.stream, key.target, runId, String(fence), state === undefined ? null : JSON.stringify(state)];
}

/** Whoever holds an older lease must not commit over what a newer holder has committed. */
export function assertFence(last: LedgerEntry | undefined, ctx: Pick<CommitContext, 'runId' | 'fence'>, place: string): void {
  if (last === undefined || last.fence <= ctx.fence) return;
  throw new ConflictError({
    code: 'LEASE_LOST',
    message: `${place}: run ${last.runId} took this pipeline over and has committed; run ${ctx.runId} may not`,
    hint: `nothing was written by this run; the other run stands. After a metastore was restored from an older backup: delete that run's row from ${LEDGER_TABLE} once its rows are known to be right`,
  });
}

/** The same pipeline of another project has filled this table: most likely this project, before it lost its metastore. */
export function otherProject(table: string, key: StateKey, other: string): ConflictError {
  return new ConflictError({
    code: 'LEDGER_OTHER_PROJECT',
    message: `${table}: its ledger holds runs of pipeline ${key.pipeline} by project ${other}, but none of this project (${key.project}); to append would load the same rows again`,
    hint:
      `if this project lost its metastore, let it go on from there: UPDATE ${LEDGER_TABLE} SET project_id = '${key.project}', fence = 0 WHERE project_id = '${other}' ` +
      `AND pipeline = '${key.pipeline.replaceAll("'", "''")}'. If it is another project with other rows, give this pipeline another name`,
  });
}
