import { openMetastore } from '../../../src/metastore/index.js';
import { openWarehouse } from '../../../src/warehouse/index.js';

/** Compacts a warehouse and dies by SIGKILL: with the new files in place (`swap`), or right after the commit (`committed`). */
const [dir = '', point = '', time = ''] = process.argv.slice(2);
const metastore = await openMetastore({ url: `sqlite:${dir}/meta.db`, catalogName: 'lake' });
const die = (): void => {
  process.kill(process.pid, 'SIGKILL');
};
let compacted = false;
const dying = {
  ...metastore,
  catalog: {
    ...metastore.catalog,
    async swapTable(...args: Parameters<typeof metastore.catalog.swapTable>) {
      if (point === 'swap') die();
      compacted = true;
      return metastore.catalog.swapTable(...args);
    },
  },
  async transaction<T>(work: Parameters<typeof metastore.transaction<T>>[0]): Promise<T> {
    const result = await metastore.transaction(work);
    if (compacted && point === 'committed') die();
    return result;
  },
};
const clock = { now: () => Number(time), sleep: () => Promise.resolve() };
await openWarehouse({ metastore: dying, root: `file://${dir}/wh`, clock, log: { log: () => undefined } }).maintain();
