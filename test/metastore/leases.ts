import { setTimeout as delay } from 'node:timers/promises';

import { suite } from 'uvu';
import * as assert from 'uvu/assert';

import type { Lease } from '../../src/core/spi/index.js';
import { openConnection } from '../../src/metastore/open-connection.js';
import { openMetastore } from '../../src/metastore/index.js';
import type { Metastore } from '../../src/metastore/index.js';
import { killChildren, startChild } from './children.js';
import { errorOf, keyFor } from './stores.js';
import type { TestStore } from './stores.js';

/** The renewal thread does not keep a process alive; the timer does meanwhile. */
async function aborted(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) await delay(10);
}

/** Who holds a lease, for how long, and who may take it. */
export function runLeases(kind: 'sqlite' | 'postgresql', start: () => Promise<TestStore>): void {
  const test = suite(`leases on ${kind}`);
  let database: TestStore;
  let store: Metastore;
  test.before.each(async () => {
    database = await start();
    // Long enough for the renewal thread to start on a loaded machine.
    store = await openMetastore({ ...database.options, leaseSeconds: 4 });
  });
  test.after.each(async () => {
    await killChildren();
    await store.close();
    await database.stop();
  });

  /** Tries until it is allowed; how often it was refused. */
  const acquireInTime = async (key: Lease['key']): Promise<{ lease: Lease; refused: number }> => {
    for (let refused = 0; ; refused++) {
      try {
        return { lease: await store.acquireLease(key, 'successor'), refused };
      } catch (error) {
        assert.is((error as { code?: string }).code, 'LEASE_HELD');
        await delay(20);
      }
    }
  };

  test('a holder whose process died is replaced at once', async () => {
    const child = startChild({ verb: 'hold-lease', options: { ...database.options, leaseSeconds: 3600 }, name: 'victim' });
    const held = (await child.next()) as Lease;
    const error = await errorOf(() => store.acquireLease(held.key, 'too early'));
    assert.is(error.code, 'LEASE_HELD');
    assert.match(error.message, `victim (process ${child.process.pid} on `);
    await child.kill();
    const lease = await store.acquireLease(held.key, 'successor');
    assert.is(lease.fence, held.fence + 1);
  });

  test('leases on several targets of a pipeline that are taken at once have different fences', async () => {
    const other = await openMetastore(database.options);
    const key = keyFor(await store.projectId(), 'lists');
    const leases = await Promise.all(
      Array.from({ length: 12 }, (_, i) => (i % 2 === 0 ? store : other).acquireLease({ ...key, target: `list:${i}` }, 'test')),
    );
    await other.close();
    assert.is(new Set(leases.map((lease) => lease.fence)).size, leases.length, leases.map((lease) => lease.fence).join(' '));
  });

  test('a holder that stands still is replaced when its lease has run out, and learns of it', async () => {
    const child = startChild({ verb: 'hold-lease', options: { ...database.options, leaseSeconds: 2 } });
    const held = (await child.next()) as Lease;
    child.process.kill('SIGSTOP');
    const { lease, refused } = await acquireInTime(held.key);
    assert.ok(refused > 0, 'not before it ran out');
    assert.is(lease.fence, held.fence + 1);
    child.process.kill('SIGCONT');
    assert.is(await child.next(), 'lost');
    assert.not.ok(store.leaseLost(lease).aborted);
    await child.kill();
  });

  test('a lease is renewed again and again, and not after its release', async () => {
    const key = keyFor(await store.projectId(), 'renewed');
    const lease = await store.acquireLease(key, 'test');
    const connection = await openConnection(database.options);
    const read = async (column: string): Promise<number> =>
      Number((await connection.reader.get(`SELECT ${column} AS v FROM sluice_leases WHERE pipeline = 'renewed'`))?.['v']);
    const acquired = await read('acquired_at');
    while ((await read('renewed_at')) < acquired + 4000) await delay(20);
    assert.not.ok(store.leaseLost(lease).aborted);
    await store.releaseLease(lease);
    assert.is(await read('expires_at'), 0);
    await connection.close();
  });

  test('the signal of a lease that was taken over aborts with LEASE_LOST', async () => {
    const key = keyFor(await store.projectId(), 'stolen');
    const lease = await store.acquireLease(key, 'test');
    const signal = store.leaseLost(lease);
    const connection = await openConnection(database.options);
    await connection.transaction((tx) => tx.run(`UPDATE sluice_leases SET fence = fence + 1, holder = 'thief' WHERE pipeline = 'stolen'`));
    await connection.close();
    await aborted(signal);
    const reason = signal.reason as { code: string; message: string };
    assert.is(reason.code, 'LEASE_LOST');
    assert.match(reason.message, 'taken over by thief');
  });

  test('the signal aborts when the lease could not be renewed in time', async () => {
    const key = keyFor(await store.projectId(), 'unreachable');
    const lease = await store.acquireLease(key, 'test');
    const signal = store.leaseLost(lease);
    const connection = await openConnection(database.options);
    await connection.transaction(async (tx) => {
      // The renewal waits for this transaction.
      await tx.run(`UPDATE sluice_leases SET holder = 'slow' WHERE pipeline = 'unreachable'`);
      await aborted(signal);
    });
    await connection.close();
    assert.is((signal.reason as { code: string }).code, 'LEASE_LOST');
    assert.match((signal.reason as Error).message, 'could not be renewed in time');
  });

  test.run();
}
