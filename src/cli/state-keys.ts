import { ConfigError, ConflictError, didYouMean, type StateRecord } from '../core/spi/index.js';
import type { Metastore } from '../metastore/types.js';

/** The one state of a pipeline; `target` chooses among several. */
export async function findState(store: Metastore, pipeline: string, target: string | undefined): Promise<StateRecord> {
  const all = await store.listStates({ pipeline });
  const fitting = target === undefined ? all : all.filter((state) => state.targetName === target || state.key.target === target);
  if (fitting.length === 1 && fitting[0]) return fitting[0];
  if (fitting.length > 1) {
    throw new ConfigError({
      code: 'STATE_AMBIGUOUS',
      message: `${pipeline}: expected one state, found ${fitting.length}`,
      hint: `choose with --target ${fitting.map((state) => state.targetName).join(' or --target ')}`,
    });
  }
  const known = [...new Set((await store.listStates({})).map((state) => state.key.pipeline))];
  throw new ConfigError({
    code: 'STATE_MISSING',
    message: all.length > 0 ? `${pipeline} has no state for ${target ?? ''}` : `pipeline ${pipeline} has no state${didYouMean(pipeline, known)}`,
    hint:
      all.length > 0
        ? `it has one for ${all.map((state) => state.targetName).join(', ')}`
        : '`sluice state show` lists all; to start from a state of your own, run with -c state.yml',
  });
}

/**
 * Runs `work` while no run of these keys is going on. A run that did not finish would store its own state over what
 * `work` sets, so there must be none either.
 */
export async function withoutRuns<T>(
  store: Metastore,
  holder: string,
  states: readonly Pick<StateRecord, 'key' | 'targetName'>[],
  work: () => Promise<T>,
): Promise<T> {
  const leases = [];
  try {
    for (const { key, targetName } of states) {
      const type = key.target.startsWith('list:') ? 'list' : 'warehouse';
      leases.push(await store.acquireLease({ ...key, target: `${type}:${targetName}` }, holder));
    }
    for (const { key } of states) {
      const unfinished = await store.unfinishedRun(key);
      if (!unfinished) continue;
      throw new ConflictError({
        code: 'RUN_UNFINISHED',
        message: `${key.pipeline}: run ${unfinished.runId} is ${unfinished.status} and would store its own state when it is continued`,
        hint: `end it first: sluice discard ${unfinished.runId}${unfinished.status === 'held' ? `, or sluice commit ${unfinished.runId}` : ', or run the config again'}`,
      });
    }
    return await work();
  } finally {
    for (const lease of leases) await store.releaseLease(lease);
  }
}
