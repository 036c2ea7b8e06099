import type { PluginKind } from '../core/spi/index.js';

interface BuiltinPlugin {
  readonly kind: PluginKind;
  readonly type: string;
  readonly load: () => Promise<{ readonly default: unknown }>;
}

/** The plugins of this package. Listing one costs nothing: it is imported when a config names it. */
export const BUILTIN_PLUGINS: readonly BuiltinPlugin[] = [
  { kind: 'input', type: 'config', load: () => import('./input-config/index.js') },
  { kind: 'input', type: 'file', load: () => import('./input-file/index.js') },
  { kind: 'input', type: 'google_analytics', load: () => import('./input-google-analytics/index.js') },
  { kind: 'input', type: 'postgresql', load: () => import('./input-postgresql/index.js') },
  { kind: 'input', type: 'query', load: () => import('./input-query/index.js') },
  { kind: 'input', type: 'random', load: () => import('./input-random/index.js') },
  { kind: 'input', type: 's3', load: () => import('./input-s3/index.js') },
  { kind: 'parser', type: 'csv', load: () => import('./parser-csv/index.js') },
  { kind: 'parser', type: 'fixed_width', load: () => import('./parser-fixed-width/index.js') },
  { kind: 'parser', type: 'json', load: () => import('./parser-json/index.js') },
  { kind: 'parser', type: 'ltsv', load: () => import('./parser-ltsv/index.js') },
  { kind: 'parser', type: 'msgpack', load: () => import('./parser-msgpack/index.js') },
  { kind: 'parser', type: 'parquet', load: () => import('./parser-parquet/index.js') },
  { kind: 'parser', type: 'regexp', load: () => import('./parser-regexp/index.js') },
  { kind: 'decoder', type: 'bzip2', load: () => import('./decoder-bzip2/index.js') },
  { kind: 'decoder', type: 'gzip', load: () => import('./decoder-gzip/index.js') },
  { kind: 'decoder', type: 'zstd', load: () => import('./decoder-zstd/index.js') },
  { kind: 'filter', type: 'add_time', load: () => import('./filter-add-time/index.js') },
  { kind: 'filter', type: 'column', load: () => import('./filter-column/index.js') },
  { kind: 'filter', type: 'dedupe', load: () => import('./filter-dedupe/index.js') },
  { kind: 'filter', type: 'expand_json', load: () => import('./filter-expand-json/index.js') },
  { kind: 'filter', type: 'explode', load: () => import('./filter-explode/index.js') },
  { kind: 'filter', type: 'hash', load: () => import('./filter-hash/index.js') },
  { kind: 'filter', type: 'javascript', load: () => import('./filter-javascript/index.js') },
  { kind: 'filter', type: 'mask', load: () => import('./filter-mask/index.js') },
  { kind: 'filter', type: 'remove_columns', load: () => import('./filter-remove-columns/index.js') },
  { kind: 'filter', type: 'rename', load: () => import('./filter-rename/index.js') },
  { kind: 'filter', type: 'sql', load: () => import('./filter-sql/index.js') },
  { kind: 'filter', type: 'where', load: () => import('./filter-where/index.js') },
  { kind: 'output', type: 'file', load: () => import('./output-file/index.js') },
  { kind: 'output', type: 'null', load: () => import('./output-null/index.js') },
  { kind: 'output', type: 'postgresql', load: () => import('./output-postgresql/index.js') },
  { kind: 'output', type: 's3', load: () => import('./output-s3/index.js') },
  { kind: 'output', type: 'stdout', load: () => import('./output-stdout/index.js') },
  { kind: 'output', type: 'warehouse', load: () => import('./output-warehouse/index.js') },
  { kind: 'formatter', type: 'csv', load: () => import('./formatter-csv/index.js') },
  { kind: 'formatter', type: 'json', load: () => import('./formatter-json/index.js') },
  { kind: 'formatter', type: 'jsonl', load: () => import('./formatter-jsonl/index.js') },
  { kind: 'formatter', type: 'parquet', load: () => import('./formatter-parquet/index.js') },
  { kind: 'formatter', type: 'tsv', load: () => import('./formatter-tsv/index.js') },
  { kind: 'encoder', type: 'gzip', load: () => import('./encoder-gzip/index.js') },
  { kind: 'guess', type: 'bzip2', load: () => import('./guess-bzip2/index.js') },
  { kind: 'guess', type: 'csv', load: () => import('./guess-csv/index.js') },
  { kind: 'guess', type: 'gzip', load: () => import('./guess-gzip/index.js') },
  { kind: 'guess', type: 'json', load: () => import('./guess-json/index.js') },
  { kind: 'guess', type: 'parquet', load: () => import('./guess-parquet/index.js') },
  { kind: 'guess', type: 'zstd', load: () => import('./guess-zstd/index.js') },
];
