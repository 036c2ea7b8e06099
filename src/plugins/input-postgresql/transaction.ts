import type { PluginContext } from '../../core/spi/index.js';
import type { SqlConnectionSettings } from '../shared/sql/connection.js';
import { postgresqlDialect } from '../shared/postgresql/dialect.js';
import { openPostgres, type PostgresSession } from '../shared/postgresql/session.js';
import type { PostgresqlInputConfig } from './config.js';

/** Settings that make the text of every value exact and the same on every server. Only for the transaction, so that poolers do. */
const EXACT_TEXT: Readonly<Record<string, string>> = {
  DateStyle: 'ISO, YMD',
  IntervalStyle: 'iso_8601',
  TimeZone: 'UTC',
  extra_float_digits: '1',
  bytea_output: 'hex',
  xmloption: 'content',
};

const { quoteIdentifier, quoteLiteral } = postgresqlDialect;

export async function openSession(settings: SqlConnectionSettings, config: PostgresqlInputConfig, ctx: PluginContext): Promise<PostgresSession> {
  return openPostgres(settings, { root: ctx.root, signal: ctx.signal, applicationName: config.application_name ?? 'sluice' });
}

/** One snapshot for all that follows; with `snapshot`, another session's. Nothing can be written. */
export async function beginReading(
  session: PostgresSession,
  settings: SqlConnectionSettings,
  config: PostgresqlInputConfig,
  snapshot?: string,
): Promise<void> {
  const timeout = config.statement_timeout_millis;
  const values = {
    ...EXACT_TEXT,
    ...(timeout === undefined ? {} : { statement_timeout: String(timeout) }),
    ...settings.options,
  };
  const statements = [
    'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY',
    ...(snapshot === undefined ? [] : [`SET TRANSACTION SNAPSHOT ${quoteLiteral(snapshot)}`]),
    ...Object.entries(values).map(([name, value]) => `SET LOCAL ${name.split('.').map(quoteIdentifier).join('.')} = ${quoteLiteral(String(value))}`),
  ];
  await session.texts(statements.join(';\n'), 'opening a transaction');
}
