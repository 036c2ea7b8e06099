import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { openMetastore } from '../../src/metastore/index.js';
import { killChildren, startChild } from './children.js';
import { keyFor } from './stores.js';
import type { TestStore } from './stores.js';

const PROCESSES = 8;
const FULL = process.env['SLUICE_ROUNDS'] === 'full';

/** Several processes on one metastore: racing, and being killed. */
export function runConcurrency(kind: 'sqlite' | 'postgresql', start: () => Promise<TestStore>): void {
  const test = suite(`metastore on ${kind}: several processes`);
  let database: TestStore;
  test.before.each(async () => {
    database = await start();
  });
  test.after.each(async () => {
    await killChildren();
    await database.stop();
  });

  test('eight processes open an empty database at once and find the same metastore', async () => {
    const children = Array.from({ length: PROCESSES }, () => startChild({ verb: 'open', options: database.options }));
    await Promise.all(children.map((child) => child.next()));
    for (const child of children) child.go();
    const ids = await Promise.all(children.map((child) => child.next()));
    assert.is(new Set(ids).size, 1);
    assert.equal(await Promise.all(children.map((child) => child.ended)), Array(PROCESSES).fill(0));
  });

  test('no compare-and-swap of eight processes is lost', async () => {
    const rounds = FULL ? 50 : 10;
    const store = await openMetastore(database.options);
    await store.transaction((tx) => store.catalog.insertTable(tx, 'race', 't', 'file:///0'));
    const children = Array.from({ length: PROCESSES }, () => startChild({ verb: 'swap', options: database.options, rounds }));
    await Promise.all(children.map((child) => child.next()));
    for (const child of children) child.go();
    await Promise.all(children.map((child) => child.next()));
    assert.is((await store.catalog.getTable('race', 't'))?.metadataLocation, `file:///${PROCESSES * rounds}`);
    assert.equal(await Promise.all(children.map((child) => child.ended)), Array(PROCESSES).fill(0));
    await store.close();
  });

  test('a process killed at any moment leaves pointer, state and run record in step', async () => {
    const store = await openMetastore(database.options);
    const key = keyFor(await store.projectId(), 'crash');
    await store.transaction((tx) => store.catalog.insertTable(tx, 'crash', 't', 'file:///0'));
    for (let round = 0; round < (FULL ? 40 : 6); round++) {
      const child = startChild({ verb: 'commit-forever', options: database.options, name: `round${round}` });
      let seen = 0;
      for (let commits = 0; commits < 1 + (round % 3); commits++) seen = Number(await child.next());
      // Somewhere within the next run.
      const until = performance.now() + Math.random() * 25;
      while (performance.now() < until) await store.now();
      await child.kill();

      const n = Number((await store.getState(key))?.state);
      assert.ok(n >= seen, 'what was reported as committed stays');
      assert.is((await store.catalog.getTable('crash', 't'))?.metadataLocation, `file:///${n}`);
      const committed = await store.listRuns({ pipeline: 'crash', status: 'committed' });
      assert.is(committed.length, n);
      assert.equal(
        (await store.stateHistory(key)).map((each) => each.state),
        Array.from({ length: n }, (_, i) => n - i),
      );
      assert.is((await store.catalog.dueGarbage(1e9, 1e6)).length, n);
      for (const run of committed.slice(0, 5)) assert.equal(await store.stagedPaths(run.runId), []);
      const open = await store.unfinishedRun(key);
      if (open !== undefined) {
        const lease = await store.acquireLease(key, 'successor');
        await store.finishRun(open.runId, 'discarded', { summary: null, error: null }, lease);
        await store.forgetStaging(
          open.runId,
          (await store.stagedPaths(open.runId)).map((each) => each.path),
        );
        await store.releaseLease(lease);
      }
    }
    await store.close();
  });

  test.run();
}
