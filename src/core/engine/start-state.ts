import { ConfigError, ConflictError, type JsonValue, type RunStore, type StateKey } from '../spi/index.js';
import { canonicalJson } from './canonical-json.js';
import type { Pipeline } from './pipeline.js';

/** The state a run starts from: the stored one, else `given` (a state file). Errors: STATE_FOREIGN, PIPELINE_RENAMED. */
export async function stateToStartFrom(
  pipeline: Pipeline,
  key: StateKey,
  given: JsonValue | undefined,
  store: RunStore,
  note: (text: string) => void,
): Promise<JsonValue | undefined> {
  const stored = await store.getState(key);
  if (stored) await compareStateFile(pipeline, key, given, stored.state, store, note);
  else await refuseRenamed(pipeline, key, store);
  return stored?.state ?? given;
}

/** A state file is a copy: equal to the stored state or to an earlier one, else it belongs to something else. */
async function compareStateFile(
  pipeline: Pipeline,
  key: StateKey,
  given: JsonValue | undefined,
  stored: JsonValue,
  store: RunStore,
  note: (text: string) => void,
): Promise<void> {
  if (given === undefined || canonicalJson(given) === canonicalJson(stored)) return;
  const history = await store.stateHistory(key);
  if (history.some(({ state }) => canonicalJson(state) === canonicalJson(given))) {
    note('the state file holds an earlier state than the one stored with the table; it is refreshed after the commit');
    return;
  }
  throw new ConfigError({
    code: 'STATE_FOREIGN',
    message: `${pipeline.name}: the state file holds a state that was never stored for this pipeline`,
    hint: `the state stored with the table is used; to start from the file instead: sluice state set ${pipeline.name} FILE`,
  });
}

/** The same config under another name would load everything a second time. */
async function refuseRenamed(pipeline: Pipeline, key: StateKey, store: RunStore): Promise<void> {
  if (key.target.startsWith('new:')) return;
  for (const other of await store.listStates({})) {
    if (other.key.target !== key.target || other.key.pipeline === key.pipeline || other.runId === null) continue;
    const run = await store.getRun(other.runId);
    if (run?.configHash !== pipeline.hash) continue;
    throw new ConflictError({
      code: 'PIPELINE_RENAMED',
      message: `pipeline ${key.pipeline} has no state, but ${other.key.pipeline}, with the same config, has loaded into ${other.targetName}`,
      hint: `if it was renamed: sluice state move ${other.key.pipeline} ${key.pipeline}`,
    });
  }
}
