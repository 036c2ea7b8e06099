import type { ColumnOption } from '../shared/sql/column-options.js';
import type { SqlConnectionConfig } from '../shared/sql/connection.js';
import type { IncrementalConfig } from '../shared/sql/incremental-config.js';
import type { SelectionConfig } from '../shared/sql/select.js';

export interface PostgresqlInputConfig extends SqlConnectionConfig, SelectionConfig, IncrementalConfig {
  readonly type: 'postgresql';
  readonly order_by?: string;
  readonly column_options?: { readonly [column: string]: ColumnOption };
  readonly default_column_options?: { readonly [sourceType: string]: ColumnOption };
  readonly use_raw_query_with_incremental?: boolean;
  readonly default_timezone?: string;
  readonly max_connections?: number;
  readonly max_transaction_secs?: number;
  readonly rows_per_second?: number;
  readonly parallel_ranges?: number;
  readonly statement_timeout_millis?: number;
  readonly application_name?: string;
  readonly before_setup?: string;
  readonly before_select?: string;
  readonly after_select?: string;
  readonly fetch_rows?: number;
  readonly driver_path?: string;
}
