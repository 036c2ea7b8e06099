import { createGzip } from 'node:zlib';
import { defineEncoder } from '../../core/spi/index.js';
import { encodeThrough } from '../shared/encode-through.js';
import { gzipEncoderSchema } from './schema.js';

interface GzipConfig {
  readonly level?: number;
}

export default defineEncoder<GzipConfig>({
  kind: 'encoder',
  type: 'gzip',
  summary: 'Compresses with gzip.',
  stability: 'stable',
  schema: gzipEncoderSchema,
  examples: [{ title: 'As small as it gets', config: { type: 'gzip', level: 9 } }],
  extension: '.gz',
  copyOptions: (config) => (config.level === undefined ? 'COMPRESSION gzip' : undefined),

  encode(source, config, ctx) {
    const gzip = createGzip({ chunkSize: 256 << 10, ...(config.level === undefined ? {} : { level: config.level }) });
    return encodeThrough(source, gzip, ctx.signal);
  },
});
