import { defineFormatter, quoteIdentifier } from '../../core/spi/index.js';
import { configProblem } from '../shared/config-problem.js';
import { parquetFormatterSchema } from './schema.js';

interface ParquetConfig {
  readonly compression: string;
  readonly compression_level?: number;
  readonly row_group_size: number;
}

export default defineFormatter<ParquetConfig>({
  kind: 'formatter',
  type: 'parquet',
  summary: 'Apache Parquet with the column types of the pipeline.',
  stability: 'stable',
  schema: parquetFormatterSchema,
  examples: [{ title: 'For readers that know only snappy', config: { type: 'parquet', compression: 'snappy' } }],
  extension: '.parquet',
  plan(config, schema, ctx) {
    const { compression, compression_level: level } = config;
    if (level !== undefined && compression !== 'zstd')
      throw configProblem(ctx.place, 'compression_level', {
        code: 'CONFIG_VALUE',
        message: `only zstd has levels, found compression ${compression}`,
        hint: 'leave compression_level out',
      });
    const levels = compression === 'zstd' ? `, COMPRESSION_LEVEL ${level ?? 3}` : '';
    return {
      form: 'copy',
      columns: schema.map(({ name }) => ({ name, sql: quoteIdentifier(name) })),
      // Pages of version 2 cannot be read everywhere.
      options: `FORMAT parquet, COMPRESSION ${compression}${levels}, ROW_GROUP_SIZE ${config.row_group_size}, PARQUET_VERSION v1`,
    };
  },
});
