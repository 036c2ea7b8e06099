import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { openMetastore } from '../../src/metastore/index.js';
import type { Metastore } from '../../src/metastore/index.js';
import { errorOf, keyFor, newRun, staleLease } from './stores.js';
import type { TestStore } from './stores.js';

/** What every metastore promises, whatever database is below. */
export function runContract(kind: 'sqlite' | 'postgresql', start: () => Promise<TestStore>): void {
  const test = suite(`metastore on ${kind}`);
  let database: TestStore;
  let store: Metastore;
  let project: string;

  test.before(async () => {
    database = await start();
    store = await openMetastore(database.options);
    project = await store.projectId();
  });
  test.after(async () => {
    await store.close();
    await database.stop();
  });

  test('ids are made once and survive reopening', async () => {
    assert.is(store.kind, kind);
    assert.match(store.id, /^[0-9a-f-]{36}$/);
    assert.is.not(store.id, project);
    const again = await openMetastore(database.options);
    assert.is(again.id, store.id);
    assert.is(await again.projectId(), project);
    await again.close();
    assert.ok(Math.abs((await store.now()) - Date.now()) < 60_000);
  });

  test('a run goes from creation to its one commit', async () => {
    const key = keyFor(project, 'commit');
    const lease = await store.acquireLease(key, 'run r-commit');
    await store.createRun(newRun(key, 'r-commit', { text: 'ü\u0000"' }), lease);
    await store.recordStaging('r-commit', 0, ['/a', '/b', '/a'], lease);
    await store.recordStaging('r-commit', 1, ['/c'], lease);
    await store.finishTask('r-commit', 1, { rows: 2 }, lease);
    await store.finishTask('r-commit', 0, { rows: 1 }, lease);
    await store.finishTask('r-commit', 0, { rows: 3 }, lease);
    assert.equal(await store.finishedTasks('r-commit'), [
      { task: 0, report: { rows: 3 } },
      { task: 1, report: { rows: 2 } },
    ]);
    await store.forgetStaging('r-commit', ['/b', '/unknown']);
    assert.equal(await store.stagedPaths('r-commit'), [
      { task: 0, path: '/a' },
      { task: 1, path: '/c' },
    ]);
    const open = await store.unfinishedRun(key);
    assert.is(open?.status, 'running');
    assert.equal(open?.plan, { text: 'ü\u0000"' });
    assert.is(open?.finishedAt, null);

    const end = { state: { last: 'x' }, summary: { rows: 5 }, commit: { snapshot: '7' } };
    await store.transaction((tx) => store.completeRun(tx, 'r-commit', lease, end));

    const run = await store.getRun('r-commit');
    assert.is(run?.status, 'committed');
    assert.equal(run?.summary, { rows: 5 });
    assert.equal(run?.commit, { snapshot: '7' });
    assert.type(run?.finishedAt, 'number');
    assert.equal(await store.stagedPaths('r-commit'), []);
    assert.is(await store.unfinishedRun(key), undefined);
    const state = await store.getState(key);
    assert.equal(state?.state, { last: 'x' });
    assert.is(state?.runId, 'r-commit');
    assert.is(state?.targetName, 'shop.orders');

    const twice = await errorOf(() => store.transaction((tx) => store.completeRun(tx, 'r-commit', lease, end)));
    assert.is(twice.code, 'RUN_COMMITTED');
    assert.match(twice.message, 'run r-commit: expected an open run, found one that had committed');
    assert.is((await errorOf(() => store.finishRun('r-commit', 'failed', { summary: null, error: null }, lease))).code, 'RUN_COMMITTED');
    await store.releaseLease(lease);
  });

  test('a run into a table that did not exist ends under the identity of the new table', async () => {
    const key = { ...keyFor(project, 'first-load'), target: 'new:shop.first' };
    const lease = await store.acquireLease(key, 'test');
    await store.createRun(newRun(key, 'first'), lease);
    await store.transaction((tx) => store.completeRun(tx, 'first', lease, { state: 1, summary: {}, commit: {}, target: 'uuid-1' }));
    assert.is(await store.getState(key), undefined);
    assert.is((await store.getState({ ...key, target: 'uuid-1' }))?.state, 1);
    assert.is((await store.getRun('first'))?.key.target, 'uuid-1');
    await store.transaction((tx) => store.restoreStateBefore(tx, 'first'));
    assert.is(await store.getState({ ...key, target: 'uuid-1' }), undefined);
    const other = await store.acquireLease(keyFor(project, 'other-pipeline'), 'test');
    const error = await errorOf(() => store.createRun(newRun(key, 'second'), other));
    assert.is(error.code, 'LEASE_OF_OTHER_RUN');
    assert.match(error.message, 'expected the lease of pipeline first-load, found that of pipeline other-pipeline');
    await store.releaseLease(other);
    await store.releaseLease(lease);
  });

  test('a commit that throws leaves nothing behind', async () => {
    const key = keyFor(project, 'rollback');
    const lease = await store.acquireLease(key, 'run r-rollback');
    await store.createRun(newRun(key, 'r-rollback'), lease);
    await store.recordStaging('r-rollback', 0, ['/a'], lease);
    const error = await errorOf(() =>
      store.transaction(async (tx) => {
        await store.catalog.createNamespace(tx, 'gone');
        await store.catalog.insertTable(tx, 'gone', 't', 'file:///1');
        await store.completeRun(tx, 'r-rollback', lease, { state: 1, summary: {}, commit: {} });
        throw new Error('stop');
      }),
    );
    assert.is(error.message, 'stop');
    assert.is((await store.getRun('r-rollback'))?.status, 'running');
    assert.is(await store.getState(key), undefined);
    assert.is((await store.stagedPaths('r-rollback')).length, 1);
    assert.is(await store.catalog.getTable('gone', 't'), undefined);
    assert.not.ok((await store.catalog.listNamespaces()).includes('gone'));
    await store.releaseLease(lease);
  });

  test('runs end without a commit, can be taken up again, and are listed newest first', async () => {
    const key = keyFor(project, 'listing');
    const lease = await store.acquireLease(key, 'test');
    for (const id of ['l1', 'l2', 'l3']) await store.createRun(newRun(key, id), lease);
    await store.finishRun('l1', 'discarded', { summary: null, error: null }, lease);
    await store.finishRun('l2', 'failed', { summary: { rows: 1 }, error: { code: 'X', message: 'm', hint: 'h' } }, lease);
    await store.finishRun('l3', 'held', { summary: null, error: null }, lease);
    const ids = (runs: readonly { runId: string }[]): string[] => runs.map((run) => run.runId);
    assert.equal(ids(await store.listRuns({ pipeline: 'listing' })), ['l3', 'l2', 'l1']);
    assert.equal(ids(await store.listRuns({ pipeline: 'listing', status: 'failed' })), ['l2']);
    assert.equal(ids(await store.listRuns({ pipeline: 'listing', limit: 1 })), ['l3']);
    assert.equal((await store.getRun('l2'))?.error, { code: 'X', message: 'm', hint: 'h' });
    assert.is((await store.unfinishedRun(key))?.runId, 'l3');
    assert.is((await store.getRun('l3'))?.finishedAt, null);
    await store.finishRun('l2', 'running', { summary: null, error: null }, lease);
    const again = await store.getRun('l2');
    assert.equal([again?.status, again?.finishedAt, again?.error], ['running', null, null]);
    assert.is((await errorOf(() => store.finishRun('l1', 'failed', { summary: null, error: null }, lease))).code, 'RUN_DISCARDED');
    assert.is((await errorOf(() => store.finishRun('nope', 'failed', { summary: null, error: null }, lease))).code, 'RUN_UNKNOWN');
    await store.transaction((tx) => store.completeRun(tx, 'l3', lease, { state: undefined, summary: {}, commit: {} }));
    assert.is(await store.getState(key), undefined);
    await store.releaseLease(lease);
  });

  test('at most 1,000 rejects are kept, the first ones', async () => {
    const records = Array.from({ length: 600 }, (_, i) => ({ n: i, raw: 'a\u0000b' }));
    await store.keepRejects('r-rejects', records);
    await store.keepRejects('r-rejects', records);
    const kept = await store.keptRejects('r-rejects');
    assert.is(kept.length, 1000);
    assert.equal(kept[0], { n: 0, raw: 'a\u0000b' });
    assert.equal(kept[999], { n: 399, raw: 'a\u0000b' });
  });

  test('a lease keeps others out, and its fence grows', async () => {
    const key = keyFor(project, 'lease');
    const first = await store.acquireLease(key, 'run one');
    const error = await errorOf(() => store.acquireLease(key, 'run two'));
    assert.is(error.code, 'LEASE_HELD');
    assert.match(error.message, /^pipeline lease: expected no other run of it, found one by run one \(process \d+ on .+\) since \d{4}-/);
    assert.match(error.hint ?? '', 'wait until that run has ended');
    const other = await store.acquireLease({ ...key, stream: 's' }, 'other stream');
    await store.releaseLease(first);
    const second = await store.acquireLease(key, 'run two');
    assert.is(second.fence, first.fence + 1);
    assert.not.ok(store.leaseLost(second).aborted);
    await store.releaseLease(second);
    await store.releaseLease(other);
  });

  test('a stale fence is refused by every call that changes a run', async () => {
    const key = keyFor(project, 'fencing');
    const old = await store.acquireLease(key, 'old');
    await store.createRun(newRun(key, 'f1'), old);
    await store.releaseLease(old);
    const lease = await store.acquireLease(key, 'new');
    assert.equal(staleLease(lease).fence, old.fence);
    const calls: Record<string, () => Promise<unknown>> = {
      createRun: () => store.createRun(newRun(key, 'f2'), old),
      finishTask: () => store.finishTask('f1', 0, {}, old),
      recordStaging: () => store.recordStaging('f1', 0, ['/x'], old),
      finishRun: () => store.finishRun('f1', 'failed', { summary: null, error: null }, old),
      completeRun: () => store.transaction((tx) => store.completeRun(tx, 'f1', old, { state: 1, summary: {}, commit: {} })),
    };
    for (const [name, call] of Object.entries(calls)) {
      const error = await errorOf(call);
      assert.is(error.code, 'LEASE_LOST', name);
      assert.match(error.message, 'taken over by new');
      assert.match(error.hint ?? '', 'run the pipeline again');
    }
    assert.is((await store.getRun('f1'))?.status, 'running');
    assert.is(await store.getRun('f2'), undefined);
    assert.equal(await store.finishedTasks('f1'), []);
    await store.releaseLease(lease);
  });

  test('a released lease does not commit', async () => {
    const key = keyFor(project, 'released');
    const lease = await store.acquireLease(key, 'gone');
    await store.createRun(newRun(key, 'rel'), lease);
    await store.releaseLease(lease);
    const error = await errorOf(() => store.transaction((tx) => store.completeRun(tx, 'rel', lease, { state: 1, summary: {}, commit: {} })));
    assert.is(error.code, 'LEASE_LOST');
  });

  test('states: by hand, history, undo', async () => {
    const key = keyFor(project, 'states');
    const lease = await store.acquireLease(key, 'test');
    await store.setState(key, 'shop.orders', { n: 0 });
    for (const n of [1, 2]) {
      await store.createRun(newRun(key, `s${n}`), lease);
      await store.transaction((tx) => store.completeRun(tx, `s${n}`, lease, { state: { n }, summary: {}, commit: {} }));
    }
    const history = async (): Promise<unknown> => (await store.stateHistory(key)).map(({ state, runId }) => [state, runId]);
    assert.equal(await history(), [
      [{ n: 2 }, 's2'],
      [{ n: 1 }, 's1'],
      [{ n: 0 }, null],
    ]);
    await store.transaction((tx) => store.restoreStateBefore(tx, 's2'));
    assert.equal((await store.getState(key))?.state, { n: 1 });
    assert.is((await store.getState(key))?.runId, 's1');
    assert.equal(
      (await store.listStates({ pipeline: 'states' })).map((each) => each.state),
      [{ n: 1 }],
    );
    assert.equal(await store.statesOfTarget('table-none'), []);
    assert.ok((await store.statesOfTarget('table-1')).some((each) => each.pipeline === 'states'));
    await store.setState(key, 'shop.orders', undefined);
    assert.is(await store.getState(key), undefined);
    assert.is((await store.stateHistory(key)).length, 4);

    const fresh = keyFor(project, 'states-fresh');
    const freshLease = await store.acquireLease(fresh, 'test');
    await store.createRun(newRun(fresh, 's-fresh'), freshLease);
    await store.transaction((tx) => store.completeRun(tx, 's-fresh', freshLease, { state: [], summary: {}, commit: {} }));
    await store.transaction((tx) => store.restoreStateBefore(tx, 's-fresh'));
    assert.is(await store.getState(fresh), undefined);
    await store.releaseLease(lease);
    await store.releaseLease(freshLease);
  });

  test('a pipeline moves with its states, runs and history', async () => {
    const key = keyFor(project, 'old-name');
    await store.setState(key, 't', 1);
    await store.setState({ ...key, stream: 's' }, 't', 2);
    await store.setState(keyFor(project, 'taken'), 't', 3);
    const lease = await store.acquireLease(key, 'busy');
    await store.createRun(newRun(key, 'move'), lease);
    assert.is((await errorOf(() => store.movePipeline('old-name', 'new-name'))).code, 'LEASE_HELD');
    await store.releaseLease(lease);
    const clash = await errorOf(() => store.movePipeline('old-name', 'taken'));
    assert.is(clash.code, 'STATE_EXISTS');
    assert.match(clash.hint ?? '', 'sluice state reset taken');
    assert.is(await store.movePipeline('old-name', 'new-name'), 2);
    assert.is(await store.getState(key), undefined);
    const moved = keyFor(project, 'new-name');
    assert.is((await store.getState(moved))?.state, 1);
    assert.is((await store.unfinishedRun(moved))?.runId, 'move');
    assert.is((await store.stateHistory(moved)).length, 1);
    assert.is(await store.movePipeline('old-name', 'other-name'), 0);
    assert.is((await store.acquireLease(moved, 'successor')).fence, lease.fence + 1);
  });

  test('states and runs follow the name when two targets change places, and the target when it is renamed', async () => {
    const [a, b] = [
      { ...keyFor(project, 'swapped'), target: 'uuid-a' },
      { ...keyFor(project, 'swapped'), target: 'uuid-b' },
    ];
    await store.setState(a, 'shop.a', { in: 'a' });
    await store.setState(b, 'shop.b', { in: 'b' });
    const lease = await store.acquireLease(a, 'run swapped');
    await store.createRun(newRun(a, 'swapped'), lease);
    await store.transaction((tx) => store.swapTargets(tx, 'uuid-a', 'uuid-b'));
    assert.equal([(await store.getState(a))?.targetName, (await store.getState(a))?.state], ['shop.b', { in: 'b' }]);
    assert.equal([(await store.getState(b))?.targetName, (await store.getState(b))?.state], ['shop.a', { in: 'a' }]);
    assert.is((await store.getRun('swapped'))?.key.target, 'uuid-b');
    assert.equal(
      (await store.stateHistory(b)).map((each) => each.state),
      [{ in: 'a' }],
    );
    await store.transaction((tx) => store.renameTarget(tx, 'uuid-b', 'shop.c'));
    assert.equal([(await store.getState(b))?.targetName, (await store.getRun('swapped'))?.targetName], ['shop.c', 'shop.c']);
    assert.is((await store.getState(a))?.targetName, 'shop.b');
    await store.releaseLease(lease);
  });

  test('catalog: pointers move by compare-and-swap', async () => {
    const { catalog } = store;
    assert.is(catalog.catalogName, 'sluice');
    await store.transaction((tx) => catalog.createNamespace(tx, 'shop'));
    await store.transaction((tx) => catalog.createNamespace(tx, 'shop'));
    assert.ok((await catalog.listNamespaces()).includes('shop'));
    assert.is(await store.transaction((tx) => catalog.insertTable(tx, 'shop', 'orders', 'file:///1')), true);
    assert.is(await store.transaction((tx) => catalog.insertTable(tx, 'shop', 'orders', 'file:///9')), false);
    assert.is(await store.transaction((tx) => catalog.swapTable(tx, 'shop', 'orders', 'file:///0', 'file:///2')), false);
    await store.transaction(async (tx) => {
      assert.is(await catalog.swapTable(tx, 'shop', 'orders', 'file:///1', 'file:///2'), true);
      assert.is((await catalog.getTable('shop', 'orders', tx))?.metadataLocation, 'file:///2');
      assert.is((await catalog.getTable('shop', 'orders'))?.metadataLocation, 'file:///1', 'others do not see it yet');
    });
    assert.equal(await catalog.getTable('shop', 'orders'), {
      namespace: 'shop',
      name: 'orders',
      metadataLocation: 'file:///2',
      previousMetadataLocation: 'file:///1',
      icebergType: 'TABLE',
    });
    await store.transaction((tx) => catalog.insertTable(tx, 'shop', 'items', 'file:///i'));
    const rename = (name: string): Promise<boolean> =>
      store.transaction((tx) => catalog.renameTable(tx, { namespace: 'shop', name: 'orders' }, { namespace: 'shop', name }));
    assert.is(await rename('items'), false);
    assert.is(await rename('orders2'), true);
    assert.is(await rename('orders3'), false);
    assert.equal(
      (await catalog.listTables('shop')).map((table) => table.name),
      ['items', 'orders2'],
    );
    assert.equal(await catalog.listTables('nothing'), []);
    assert.is(await store.transaction((tx) => catalog.deleteTable(tx, 'shop', 'orders2', 'file:///1')), false);
    assert.is(await store.transaction((tx) => catalog.deleteTable(tx, 'shop', 'orders2', 'file:///2')), true);
  });

  test('catalog: views and tables share their names', async () => {
    const { catalog } = store;
    const view = { namespace: 'v', name: 'one', sql: 'SELECT 1', dialect: 'duckdb', comment: null };
    assert.is(await store.transaction((tx) => catalog.putView(tx, view, false)), true);
    assert.is(await store.transaction((tx) => catalog.putView(tx, view, false)), false);
    assert.is(await store.transaction((tx) => catalog.putView(tx, { ...view, sql: 'SELECT 2', comment: 'c' }, true)), true);
    assert.equal(await catalog.getView('v', 'one'), { ...view, sql: 'SELECT 2', comment: 'c' });
    assert.is(await store.transaction((tx) => catalog.insertTable(tx, 'v', 'one', 'file:///1')), false);
    await store.transaction((tx) => catalog.insertTable(tx, 'v', 'table', 'file:///1'));
    assert.is(await store.transaction((tx) => catalog.putView(tx, { ...view, name: 'table' }, true)), false);
    assert.is(await store.transaction((tx) => catalog.renameTable(tx, { namespace: 'v', name: 'table' }, { namespace: 'v', name: 'one' })), false);
    assert.equal(
      (await catalog.listViews()).map((each) => each.name),
      ['one'],
    );
    assert.ok((await catalog.listNamespaces()).includes('v'));
    assert.is(await store.transaction((tx) => catalog.deleteView(tx, 'v', 'one')), true);
    assert.is(await store.transaction((tx) => catalog.deleteView(tx, 'v', 'one')), false);
  });

  test('catalog: dropped tables and garbage wait for their time', async () => {
    const { catalog } = store;
    const dropped = { tableUuid: 'u1', namespace: 'shop', name: 'gone', metadataLocation: 'file:///d', droppedAt: 5 };
    await store.transaction((tx) => catalog.recordDropped(tx, dropped));
    assert.equal(await catalog.listDropped(), [dropped]);
    assert.is(await store.transaction((tx) => catalog.forgetDropped(tx, 'u1')), true);
    assert.is(await store.transaction((tx) => catalog.forgetDropped(tx, 'u1')), false);
    assert.equal(await catalog.listDropped(), []);
    const many = Array.from({ length: 250 }, (_, i) => `/g/${String(i).padStart(3, '0')}`);
    await store.transaction((tx) => catalog.recordGarbage(tx, many, 100));
    await store.transaction((tx) => catalog.recordGarbage(tx, ['/g/000'], 200));
    await store.transaction((tx) => catalog.recordGarbage(tx, ['/g/000'], 50));
    assert.equal(await catalog.dueGarbage(99, 10), []);
    assert.is((await catalog.dueGarbage(100, 1000)).length, 249);
    assert.equal(await catalog.dueGarbage(200, 2), ['/g/001', '/g/002']);
    const undone = store.transaction(async (tx) => {
      assert.is(await catalog.forgetGarbage(['/g/001', '/g/none'], tx), 1);
      throw new RangeError('rolled back');
    });
    assert.is(await undone.catch((error: Error) => error.name), 'RangeError');
    assert.is(await catalog.forgetGarbage(many), 250, 'the one taken back with its transaction, too');
    assert.equal(await catalog.dueGarbage(1000, 10), []);
  });

  test('two transactions of one process run one after the other, a nested one is an error', async () => {
    const { catalog } = store;
    await store.transaction((tx) => catalog.insertTable(tx, 'n', 'count', 'file:///0'));
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        for (;;) {
          const from = (await catalog.getTable('n', 'count'))?.metadataLocation ?? '';
          const to = `file:///${Number(from.slice(8)) + 1}`;
          if (await store.transaction((tx) => catalog.swapTable(tx, 'n', 'count', from, to))) return;
        }
      }),
    );
    assert.is((await catalog.getTable('n', 'count'))?.metadataLocation, 'file:///20');
    const nested = await errorOf(() => store.transaction(() => store.setState(keyFor(project, 'nested'), 't', 1)));
    assert.is(nested.code, 'METASTORE_TRANSACTION_NESTED');
    let kept: Parameters<Parameters<Metastore['transaction']>[0]>[0] | undefined;
    await store.transaction((tx) => Promise.resolve((kept = tx)));
    assert.ok(kept);
    const ended = kept;
    assert.is((await errorOf(() => catalog.createNamespace(ended, 'late'))).code, 'METASTORE_TRANSACTION_ENDED');
  });

  test.run();
}
