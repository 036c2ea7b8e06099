import { openMetastore } from '../../src/metastore/index.js';
import type { Metastore, MetastoreOptions } from '../../src/metastore/index.js';
import { keyFor, newRun } from './stores.js';

/** What a child process of these tests is told to do. It waits for `go` where it says `ready`. */
export interface ChildTask {
  readonly verb: 'open' | 'swap' | 'hold-lease' | 'hold-transaction' | 'commit-forever';
  readonly options: MetastoreOptions;
  readonly rounds?: number;
  readonly name?: string;
}

const task = JSON.parse(process.argv[2] ?? '{}') as ChildTask;
const say = (message: unknown): void => void process.send?.(message);
const told = (): Promise<unknown> => new Promise((resolve) => process.once('message', resolve));

async function swapForever(store: Metastore, rounds: number): Promise<number> {
  let lost = 0;
  for (let done = 0; done < rounds;) {
    const from = (await store.catalog.getTable('race', 't'))?.metadataLocation ?? '';
    const to = `file:///${Number(from.slice('file:///'.length)) + 1}`;
    if (await store.transaction((tx) => store.catalog.swapTable(tx, 'race', 't', from, to))) done++;
    else lost++;
  }
  return lost;
}

/** Whole runs, one after the other: pointer, state and run record carry the same number. */
async function commitForever(store: Metastore, name: string): Promise<void> {
  const key = keyFor(await store.projectId(), 'crash');
  for (;;) {
    const lease = await store.acquireLease(key, name);
    const n = Number((await store.getState(key))?.state ?? 0) + 1;
    const runId = `${name}-${n}`;
    await store.createRun(newRun(key, runId, { n }), lease);
    await store.recordStaging(runId, 0, [`/staging/${runId}`], lease);
    await store.finishTask(runId, 0, { n }, lease);
    await store.transaction(async (tx) => {
      await store.catalog.swapTable(tx, 'crash', 't', `file:///${n - 1}`, `file:///${n}`);
      await store.catalog.recordGarbage(tx, [`file:///${n - 1}`], n);
      await store.completeRun(tx, runId, lease, { state: n, summary: { n }, commit: { n } });
    });
    await store.releaseLease(lease);
    say(n);
  }
}

if (task.verb === 'open') {
  say('ready');
  await told();
  const store = await openMetastore(task.options);
  say(store.id);
  await store.close();
  process.disconnect();
} else {
  const store = await openMetastore(task.options);
  const key = keyFor(await store.projectId(), 'held');
  if (task.verb === 'swap') {
    say('ready');
    await told();
    say(await swapForever(store, task.rounds ?? 0));
    await store.close();
    process.disconnect();
  } else if (task.verb === 'hold-lease') {
    const lease = await store.acquireLease(key, task.name ?? 'child');
    store.leaseLost(lease).addEventListener('abort', () => say('lost'));
    say(lease);
    // The work of a real holder keeps its process alive; the renewal thread does not, and starts only after a while.
    setInterval(() => undefined, 1000);
  } else if (task.verb === 'hold-transaction') {
    await store.transaction(async (tx) => {
      await store.catalog.createNamespace(tx, 'held');
      say('holding');
      await told();
    });
    await store.close();
    process.disconnect();
  } else {
    await commitForever(store, task.name ?? 'child');
  }
}
