import type { Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import { ConfigError, defineEncoder } from '../../core/spi/index.js';
import { encodeThrough } from '../shared/encode-through.js';
import { zstdEncoderSchema } from './schema.js';

/** Node 22.15 and later. */
const { createZstdCompress } = zlib as { createZstdCompress?: () => Transform };
const REASON = 'this version of Node.js cannot compress with zstd; only files that DuckDB writes as they are (UTF-8, one encoder) can be';

export default defineEncoder({
  kind: 'encoder',
  type: 'zstd',
  summary: 'Compresses with Zstandard.',
  stability: 'stable',
  schema: zstdEncoderSchema,
  examples: [{ title: 'Smaller and faster than gzip', config: { type: 'zstd' } }],
  extension: '.zst',
  copyOptions: () => 'COMPRESSION zstd',
  unavailable: () => (createZstdCompress === undefined ? REASON : undefined),

  encode(source, _config, ctx) {
    if (createZstdCompress === undefined)
      throw new ConfigError({ code: 'ENCODER_UNAVAILABLE', message: `encoder zstd: ${REASON}`, hint: 'use encoder gzip, or Node.js 22.15' });
    return encodeThrough(source, createZstdCompress(), ctx.signal);
  },
});
