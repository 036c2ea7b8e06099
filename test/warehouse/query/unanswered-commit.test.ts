import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { RemoteError } from '../../../src/core/spi/index.js';
import type { Metastore } from '../../../src/metastore/types.js';
import { openWarehouse } from '../../../src/warehouse/index.js';
import { load, openFixture, readRows } from '../write/warehouse-fixture.js';

test('a statement whose COMMIT is not answered keeps its files, since it may end well after all', async () => {
  const f = await openFixture();
  try {
    await load(f, { table: 'shop.t', schema: [{ name: 'id', type: 'long' }] }, 'SELECT 1::BIGINT AS id, 0 AS st');
    let asked = (): void => undefined;
    const wait = new Promise<void>((resolve) => (asked = resolve));
    let commit: Promise<unknown> = Promise.resolve();
    // The commit loses its connection, and the database goes on with it until somebody has asked for the run.
    const metastore: Metastore = {
      ...f.metastore,
      async transaction(work) {
        await new Promise<void>((resolve, reject) => {
          commit = f.metastore.transaction(async (tx) => {
            await work(tx);
            resolve();
            await wait;
          });
          commit.catch(reject);
        });
        throw new RemoteError({ code: 'METASTORE_COMMIT_UNKNOWN', message: 'no answer to COMMIT', hint: 'run again', retryable: true });
      },
      getRun: (id) => f.metastore.getRun(id).finally(asked),
      finishRun(...args) {
        setImmediate(asked);
        return f.metastore.finishRun(...args);
      },
    };
    const clock = { now: () => f.time, sleep: () => Promise.resolve() };
    const warehouse = openWarehouse({ metastore, root: `file://${f.dir}/wh`, clock, log: { log: () => undefined } });
    let code = '';
    await warehouse.execute('INSERT INTO shop.t SELECT 2').catch((error: { code: string }) => (code = error.code));
    assert.is(code, 'METASTORE_COMMIT_UNKNOWN');
    await commit;
    assert.equal(await readRows(f, 'shop.t', 'list(id ORDER BY id) AS ids'), [{ ids: [1n, 2n] }]);
    assert.equal(
      (await f.metastore.listRuns({ pipeline: 'sql' })).map((run) => run.status),
      ['committed'],
    );
    await warehouse.closeSql();
  } finally {
    await f.close();
  }
});

test.run();
