import { ConfigError, RemoteError } from '../../../core/spi/index.js';
import type { SqlConnectionSettings } from './connection.js';

/** The server stays silent for longer than `socket_timeout`. */
export function silenceError(product: string, settings: SqlConnectionSettings, doing: string, cause?: unknown): RemoteError {
  return new RemoteError({
    code: 'SQL_SILENT',
    message: `${product} ${settings.place}: ${doing}: the server said nothing for ${settings.socketTimeoutMs / 1000} s`,
    hint: 'check server and network; raise socket_timeout when a statement takes that long before its first row',
    retryable: true,
    cause,
  });
}

/** The config asks for TLS, the server has none. */
export function tlsRefusedError(product: string, settings: SqlConnectionSettings, cause?: unknown): ConfigError {
  return new ConfigError({
    code: 'SQL_TLS_REFUSED',
    message: `${product} ${settings.place}: the server does not offer TLS, but tls is ${settings.tls.mode}`,
    hint: 'switch TLS on at the server, or accept a plain connection with tls: disable',
    cause,
  });
}

/** A reading transaction was open for longer than `max_transaction_secs`. */
export function transactionLimitError(product: string, settings: SqlConnectionSettings, doing: string, seconds: number): RemoteError {
  return new RemoteError({
    code: 'SQL_TRANSACTION_LIMIT',
    message: `${product} ${settings.place}: ${doing}: the transaction was open for ${seconds} s, the limit of max_transaction_secs`,
    hint: 'raise max_transaction_secs, or read less at a time: incremental_columns, where, or several tables',
    retryable: false,
  });
}
