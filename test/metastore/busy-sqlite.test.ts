import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';

import Database from 'libsql';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import { openMetastore } from '../../src/metastore/index.js';
import type { Metastore } from '../../src/metastore/index.js';
import { killChildren, startChild } from './children.js';
import { keyFor, sqliteStore } from './stores.js';
import type { TestStore } from './stores.js';

const test = suite('sqlite: locks and threads');
let database: TestStore;
let store: Metastore;
test.before.each(async () => {
  database = await sqliteStore();
  store = await openMetastore({ ...database.options, leaseSeconds: 2 });
});
test.after.each(async () => {
  await killChildren();
  await store.close();
  await database.stop();
});

test('the event loop goes on, and reads are answered, while another process holds the write lock', async () => {
  const key = keyFor(await store.projectId(), 'busy');
  await store.setState(key, 't', 1);
  const child = startChild({ verb: 'hold-transaction', options: database.options });
  assert.is(await child.next(), 'holding');
  let stored = false;
  const write = store.setState(key, 't', 2).then(() => (stored = true));
  const stalls = monitorEventLoopDelay({ resolution: 5 });
  stalls.enable();
  for (let ticks = 0; ticks < 100; ticks++) {
    await delay(1);
    assert.is((await store.getState(key))?.state, 1);
  }
  stalls.disable();
  assert.not.ok(stored);
  assert.ok(stalls.max / 1e6 < 1000, `the longest stall took ${stalls.max / 1e6} ms`);
  child.go();
  await write;
  assert.is((await store.getState(key))?.state, 2);
  assert.is(await child.ended, 0);
});

test('a lease is renewed while the event loop stands still', async () => {
  const key = keyFor(await store.projectId(), 'blocked');
  const lease = await store.acquireLease(key, 'test');
  const direct = new Database(database.options.url.slice('sqlite:'.length));
  direct.exec('PRAGMA busy_timeout = 5000');
  const renewedAt = (): number => Number((direct.prepare('SELECT renewed_at FROM sluice_leases').get([]) as { renewed_at: number }).renewed_at);
  const acquired = renewedAt();
  while (renewedAt() === acquired) await delay(10);
  const first = renewedAt();
  // Nothing is awaited: only another thread can move it, beyond the time that the lease was taken for.
  while (renewedAt() < first + 3000);
  direct.close();
  assert.not.ok(store.leaseLost(lease).aborted);
  await store.createRun({ runId: 'b', key, targetName: 't', startedAt: 1, configHash: 'h', plan: {} }, lease);
  await store.releaseLease(lease);
});

test.run();
