import type { ConfigPlace, PluginContext } from '../../core/spi/index.js';
import { isServerSetting, openMysql, type MysqlSession } from '../shared/mysql/session.js';
import type { ColumnOption } from '../shared/sql/column-options.js';
import { resolveConnection, type SqlConnectionConfig, type SqlConnectionSettings } from '../shared/sql/connection.js';
import type { IncrementalConfig } from '../shared/sql/incremental-config.js';
import type { SelectionConfig } from '../shared/sql/select.js';

export interface MysqlInputConfig extends SqlConnectionConfig, Omit<SelectionConfig, 'schema'>, IncrementalConfig {
  readonly type: 'mysql';
  readonly order_by?: string;
  readonly use_raw_query_with_incremental?: boolean;
  readonly server_public_key?: string;
  readonly compress?: boolean;
  readonly column_options?: { readonly [column: string]: ColumnOption };
  readonly default_column_options?: { readonly [sourceType: string]: ColumnOption };
  readonly default_timezone?: string;
  readonly zero_dates?: 'reject' | 'null';
  readonly max_connections?: number;
  readonly max_transaction_secs?: number;
  readonly rows_per_second?: number;
  readonly parallel_ranges?: number;
  readonly before_setup?: string;
  readonly before_select?: string;
  readonly after_select?: string;
  readonly fetch_rows?: number;
  readonly driver_path?: string;
  readonly use_legacy_datetime_code?: boolean;
}

const MYSQL_PORT = 3306;

/** Where no config file is at hand. */
export const NOWHERE: ConfigPlace = { at: (path) => ({ path }) };

export function connectionOf(config: MysqlInputConfig, place: ConfigPlace): SqlConnectionSettings {
  return resolveConnection(config, { port: MYSQL_PORT }, place);
}

export function openSession(settings: SqlConnectionSettings, config: MysqlInputConfig, ctx: PluginContext): Promise<MysqlSession> {
  return openMysql(settings, {
    root: ctx.root,
    signal: ctx.signal,
    ...(config.compress === undefined ? {} : { compress: config.compress }),
    ...(config.server_public_key === undefined ? {} : { serverPublicKey: config.server_public_key }),
  });
}

/** One snapshot for everything that the session reads from now on. */
export async function beginSnapshot(session: MysqlSession): Promise<void> {
  await session.run('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ', 'opening a transaction');
  await session.run('START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY', 'opening a transaction');
}

/** What of the config has no effect here, or less than it may seem. */
export function configNotes(config: MysqlInputConfig, settings: SqlConnectionSettings): readonly string[] {
  const foreign = Object.keys(settings.options).filter((name) => !isServerSetting(name));
  return [
    ...(settings.tls.note === undefined ? [] : [settings.tls.note]),
    ...(foreign.length === 0 ? [] : [`options of JDBC have no effect: ${foreign.join(', ')}`]),
    ...(config.fetch_rows === undefined ? [] : ['fetch_rows has no effect: rows are streamed']),
    ...(config.use_legacy_datetime_code === undefined ? [] : ['use_legacy_datetime_code has no effect: times are read as the server has them']),
    ...(config.driver_path === undefined ? [] : ['driver_path has no effect: the driver is built in']),
  ];
}
