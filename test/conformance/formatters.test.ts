import { gunzipSync } from 'node:zlib';
import { test } from 'uvu';
import { checkEncoder, checkFormatter } from '../../src/conformance/index.js';
import type { PluginContext } from '../../src/core/spi/index.js';
import bzip2Decoder from '../../src/plugins/decoder-bzip2/index.js';
import bzip2 from '../../src/plugins/encoder-bzip2/index.js';
import gzip from '../../src/plugins/encoder-gzip/index.js';
import csv from '../../src/plugins/formatter-csv/index.js';
import json from '../../src/plugins/formatter-json/index.js';
import jsonl from '../../src/plugins/formatter-jsonl/index.js';
import parquet from '../../src/plugins/formatter-parquet/index.js';
import tsv from '../../src/plugins/formatter-tsv/index.js';

test('formatters csv and tsv keep their contract', async () => {
  await checkFormatter(csv, [
    { title: 'as it is', config: {} },
    { title: 'quoted', config: { quote_policy: 'ALL', null_string: 'NULL' } },
    { title: 'escaped', config: { quote_policy: 'NONE', default_timezone: 'Asia/Tokyo' } },
    { title: 'an unknown charset', config: { charset: 'none' }, error: 'CHARSET' },
  ]);
  await checkFormatter(tsv, [{ title: 'as it is', config: {} }]);
});

test('formatters json, jsonl and parquet keep their contract', async () => {
  await checkFormatter(json, [{ title: 'as it is', config: {} }]);
  await checkFormatter(jsonl, [
    { title: 'as it is', config: {} },
    { title: 'epoch', config: { default_timestamp_format: '%s' } },
    { title: 'an unknown column', config: { column_options: { none: { format: '%s' } } }, error: 'CONFIG_VALUE' },
  ]);
  await checkFormatter(parquet, [
    { title: 'as it is', config: {} },
    { title: 'a level without zstd', config: { compression: 'snappy', compression_level: 3 }, error: 'CONFIG_VALUE' },
  ]);
});

test('encoders keep their contract', async () => {
  await checkEncoder(gzip, [{ title: 'level 6', config: { level: 6 }, decode: (bytes) => gunzipSync(bytes) }]);
  const decode = async (bytes: Uint8Array): Promise<Uint8Array> => {
    const source = (async function* () {
      yield bytes;
    })();
    const parts: Buffer[] = [];
    for await (const part of bzip2Decoder.decode(source, {}, { signal: new AbortController().signal } as PluginContext))
      parts.push(Buffer.from(part));
    return Buffer.concat(parts);
  };
  await checkEncoder(bzip2, [{ title: 'as it is', config: {}, decode }]);
});

test.run();
