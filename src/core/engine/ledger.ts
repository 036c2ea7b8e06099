import { ConflictError, type JsonValue, type LedgerAnswer, type LedgerEntry, type RunRecord, type StateKey } from '../spi/index.js';
import { canonicalJson } from './canonical-json.js';
import type { EngineServices } from './services.js';

/** What a target's own ledger says of the metastore's records. */
export type LedgerVerdict =
  | { readonly kind: 'agrees' }
  /** Some of several targets hold the unfinished run: it must be completed as it was planned. */
  | { readonly kind: 'begun'; readonly runId: string }
  /** The target holds a run that the metastore believes unfinished. */
  | { readonly kind: 'committed'; readonly run: RunRecord; readonly entry: LedgerEntry }
  /** The target's state was taken over. */
  | { readonly kind: 'state'; readonly note: string };

/**
 * Compares a target's ledger with the metastore; the ledger wins, because its row is in one transaction with the data. A state
 * that was set by hand after the ledger's last run stays.
 */
export async function judgeLedger(
  answer: LedgerAnswer,
  key: StateKey,
  targetName: string,
  usesState: boolean,
  { store }: EngineServices,
): Promise<LedgerVerdict> {
  const unfinished = await store.unfinishedRun(key);
  if (!answer.kept) return unfinished && answer.begun === unfinished.runId ? { kind: 'begun', runId: unfinished.runId } : { kind: 'agrees' };
  const { last } = answer;
  if (last && unfinished?.runId === last.runId) return { kind: 'committed', run: unfinished, entry: last };
  if (!usesState) return { kind: 'agrees' };
  const stored = await store.getState(key);
  if (!last) {
    if (stored?.runId === undefined || stored.runId === null) return { kind: 'agrees' };
    throw new ConflictError({
      code: 'LEDGER_EMPTY',
      message: `${targetName}: the state says that run ${stored.runId} has loaded it, but its ledger holds no run of pipeline ${key.pipeline}`,
      hint: `the target was restored or made anew; to load everything: sluice state reset ${key.pipeline}, then run again`,
    });
  }
  const known = (await store.getRun(last.runId))?.status === 'committed';
  if (known && (stored === undefined || stored.runId === null || stored.runId === last.runId)) return { kind: 'agrees' };
  if (known && stored?.runId !== undefined && !(await isOlder(last, stored.runId, store))) return { kind: 'agrees' };
  if (last.state === undefined || sameState(stored?.state, last.state)) return { kind: 'agrees' };
  await store.setState(key, targetName, last.state);
  return { kind: 'state', note: `the state was taken from the ledger of ${targetName} (run ${last.runId}), which differs from the metastore's` };
}

/** Whether the ledger's last run lies before the one that the metastore's state comes from: the target was restored. */
async function isOlder(last: LedgerEntry, runId: string | null, store: EngineServices['store']): Promise<boolean> {
  if (runId === null) return false;
  const [ours, theirs] = await Promise.all([store.getRun(runId), store.getRun(last.runId)]);
  return ours !== undefined && theirs !== undefined && theirs.startedAt < ours.startedAt;
}

function sameState(a: JsonValue | undefined, b: JsonValue): boolean {
  return a !== undefined && canonicalJson(a) === canonicalJson(b);
}
