import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Writable } from 'node:stream';
import { test } from 'uvu';
import { checkOutput, type FormatCase } from '../../src/conformance/index.js';
import type { EncoderPlugin, FormatterPlugin } from '../../src/core/spi/index.js';
import { openMetastore } from '../../src/metastore/index.js';
import gzipEncoder from '../../src/plugins/encoder-gzip/index.js';
import csvFormatter from '../../src/plugins/formatter-csv/index.js';
import parquetFormatter from '../../src/plugins/formatter-parquet/index.js';
import fileOutput from '../../src/plugins/output-file/index.js';
import nullOutput from '../../src/plugins/output-null/index.js';
import stdoutOutput from '../../src/plugins/output-stdout/index.js';
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

const CSV: FormatCase = { formatter: { plugin: csvFormatter as unknown as FormatterPlugin, config: {} } };
const PARQUET: FormatCase = { formatter: { plugin: parquetFormatter as unknown as FormatterPlugin, config: {} } };
const GZIP: FormatCase = { ...CSV, encoders: [{ plugin: gzipEncoder as unknown as EncoderPlugin, config: { level: 1 } }] };

test('output file keeps its contract', async () => {
  await checkOutput(fileOutput, [
    { title: 'append', config: { path_prefix: 'out/a_' }, format: CSV, commits: true },
    { title: 'replace, compressed', config: { path_prefix: 'out/a_', mode: 'replace' }, format: GZIP, commits: true },
    { title: 'one Parquet file', config: { path: 'out/a.parquet' }, format: PARQUET, commits: true },
    {
      title: 'folders',
      config: { path_prefix: 'out/', partition_by: ['country'] },
      columns: [{ name: 'country', type: 'string' }],
      format: CSV,
      commits: true,
    },
    { title: 'an unknown folder column', config: { path_prefix: 'out/', partition_by: ['none'] }, format: CSV, error: 'CONFIG_VALUE' },
  ]);
});

test('output stdout keeps its contract', async () => {
  const resource = (): Promise<Writable> => Promise.resolve(new Writable({ write: (_chunk, _encoding, done) => done() }));
  await checkOutput(stdoutOutput, [{ title: 'csv', config: {}, format: CSV, commits: true, prepare: () => Promise.resolve({ resource }) }]);
});

test('output null keeps its contract', async () => {
  await checkOutput(nullOutput, [{ title: 'as it is', config: {}, commits: true }]);
});

test.run();
