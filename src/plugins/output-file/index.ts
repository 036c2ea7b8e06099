import { defineObjectOutput } from '../shared/object-output/index.js';
import { openLocalPlace } from './local-place.js';
import { fileOutputSchema } from './schema.js';

export default defineObjectOutput({
  type: 'file',
  summary: 'Files of this machine: each appears whole, and a manifest says when a run is complete.',
  stability: 'stable',
  schema: fileOutputSchema,
  examples: [
    {
      title: 'Each run adds compressed CSV files',
      config: { type: 'file', path_prefix: 'out/orders_', formatter: { type: 'csv' }, encoders: [{ type: 'gzip' }] },
    },
    {
      title: 'One file, replaced at each run',
      config: { type: 'file', path: 'out/orders.parquet', mode: 'replace', formatter: { type: 'parquet' } },
    },
    {
      title: 'A folder for each country',
      config: { type: 'file', path_prefix: 'out/orders_', partition_by: ['country'], formatter: { type: 'jsonl' } },
    },
  ],
  open: (folder, _config, ctx) => Promise.resolve(openLocalPlace(folder, ctx.root)),
});
