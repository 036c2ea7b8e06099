import { ConfigError, didYouMean, type RunRecord, type RunStore } from '../core/spi/index.js';

/** Runs among which the beginning of an id is looked for. */
const RECENT = 1000;

/** A run by its id, by the beginning or end of it where that is unique, or `latest`. */
export async function findRun(store: RunStore, text: string): Promise<RunRecord> {
  const exact = await store.getRun(text);
  if (exact) return exact;
  const recent = await store.listRuns({ limit: RECENT });
  if (text === 'latest' && recent[0]) return recent[0];
  const close = text.length < 4 ? [] : recent.filter(({ runId }) => runId.startsWith(text) || runId.endsWith(text));
  if (close.length === 1 && close[0]) return close[0];
  if (close.length > 1) {
    throw new ConfigError({
      code: 'RUN_AMBIGUOUS',
      message: `expected the id of one run, found ${close.length} that match ${text}`,
      hint: `e.g. ${close
        .slice(0, 3)
        .map((run) => run.runId)
        .join(', ')}`,
    });
  }
  throw new ConfigError({
    code: 'RUN_UNKNOWN',
    message: `no run ${text}${didYouMean(
      text,
      recent.map((run) => run.runId),
    )}`,
    hint: recent.length === 0 ? 'no pipeline has run in this project yet' : '`sluice runs` lists them; `latest` is the newest one',
  });
}

/** For people: a run that `sluice undo` took back keeps its status, since it did commit. */
export function shownStatus(run: RunRecord): string {
  return run.commit?.['undone'] === true ? 'undone' : run.status;
}
