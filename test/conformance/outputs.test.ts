import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { test } from 'uvu';
import { checkOutput } from '../../src/conformance/index.js';
import { openMetastore } from '../../src/metastore/index.js';
import warehouseOutput from '../../src/plugins/output-warehouse/index.js';
import { openWarehouse } from '../../src/warehouse/index.js';
import { systemClock } from '../../src/cli/environment.js';

async function prepare(root: string): Promise<{ resource: (name: string) => Promise<unknown>; close: () => Promise<void> }> {
  const metastore = await openMetastore({ url: `sqlite:${join(root, 'metastore.db')}`, catalogName: 'main' });
  const warehouse = openWarehouse({
    metastore,
    root: pathToFileURL(join(root, 'warehouse')).href,
    clock: systemClock,
    log: { log: () => undefined },
  });
  const close = async (): Promise<void> => {
    await warehouse.closeSql();
    await metastore.close();
  };
  return { resource: () => Promise.resolve(warehouse), close };
}

test('output warehouse keeps its contract', async () => {
  await checkOutput(warehouseOutput, [
    { title: 'append', config: { table: 'lab.values' }, prepare },
    {
      title: 'replace, by day',
      config: { table: 'lab.values', mode: 'replace', time_column: 'at' },
      columns: [{ name: 'at', type: 'timestamp' }],
      prepare,
    },
    { title: 'truncate', config: { table: 'lab.values', mode: 'truncate' }, prepare },
    { title: 'merge without keys', config: { table: 'lab.values', mode: 'merge' }, prepare, error: 'MERGE_KEYS' },
    { title: 'an unknown time column', config: { table: 'lab.values', time_column: 'none' }, prepare, error: 'TIME_COLUMN' },
  ]);
});

test.run();
