import { openS3, type S3Connection } from '../shared/aws/open-s3.js';
import { probeBucket } from '../shared/aws/probe-bucket.js';
import { defineObjectOutput, type ObjectOutputConfig } from '../shared/object-output/index.js';
import { createBucketPlace, type ObjectSettings } from './bucket-place.js';
import { s3OutputSchema } from './schema.js';

export type S3OutputConfig = S3Connection & ObjectOutputConfig & ObjectSettings & { readonly type: 's3' };

export default defineObjectOutput<S3OutputConfig>({
  type: 's3',
  summary: 'Writes objects of Amazon S3 or a compatible service: each appears whole, the set is complete with its manifest.',
  stability: 'stable',
  schema: s3OutputSchema,
  examples: [
    {
      title: 'Compressed CSV, a file for each task',
      config: {
        type: 's3',
        bucket: 'shop-exports',
        region: 'ap-northeast-1',
        path_prefix: 'orders/2026-',
        formatter: { type: 'csv' },
        encoders: [{ type: 'gzip' }],
      },
    },
    {
      title: 'Parquet in folders by country, replaced at each run',
      config: {
        type: 's3',
        bucket: 'shop-exports',
        path_prefix: 'orders/',
        mode: 'replace',
        partition_by: ['country'],
        formatter: { type: 'parquet' },
      },
    },
  ],

  open: (folder, config, ctx) => Promise.resolve(createBucketPlace(folder, config, () => openS3(config, ctx))),

  probe: async (config, ctx) => probeBucket(await openS3(config, ctx), ctx.signal),
});
