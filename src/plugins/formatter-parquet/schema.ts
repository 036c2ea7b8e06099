import type { ConfigSchema } from '../../core/spi/index.js';

export const parquetFormatterSchema = {
  type: 'object',
  additionalProperties: false,
  properties: {
    type: { const: 'parquet', description: 'Selects this formatter.' },
    compression: { enum: ['zstd', 'snappy', 'gzip', 'lz4_raw', 'brotli', 'uncompressed'], default: 'zstd', description: 'Compression of the pages.' },
    compression_level: { type: 'integer', minimum: 1, maximum: 22, description: 'Level of zstd. Default: 3.' },
    row_group_size: { type: 'integer', minimum: 2048, default: 122880, description: 'Rows of a row group.' },
  },
} as const satisfies ConfigSchema;
