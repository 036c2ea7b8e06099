import { ConfigError, RemoteError, SluiceError, type ConfigPlace } from '../../../core/spi/index.js';

/** What went wrong at a database, whatever the product. */
export type SqlErrorKind = 'unreachable' | 'login' | 'database' | 'denied' | 'tls' | 'busy' | 'timeout' | 'full' | 'statement' | 'value' | 'failed';

const KINDS: Readonly<Record<SqlErrorKind, { readonly code: string; readonly retryable: boolean; readonly hint: string }>> = {
  unreachable: {
    code: 'SQL_UNREACHABLE',
    retryable: true,
    hint: 'check that the server runs and that host, port and firewall are right, then run again',
  },
  login: { code: 'SQL_LOGIN', retryable: false, hint: 'check user and password, and that the server lets this user in from here' },
  database: { code: 'SQL_DATABASE', retryable: false, hint: 'check the name of the database, or create it' },
  denied: { code: 'SQL_DENIED', retryable: false, hint: 'grant the user the right that the message names' },
  tls: {
    code: 'SQL_TLS',
    retryable: false,
    hint: 'name the certificate authority with tls_ca; the certificate must be issued for the host of the config. tls: require or disable are less safe',
  },
  busy: { code: 'SQL_BUSY', retryable: true, hint: 'other sessions were in the way; run again' },
  timeout: { code: 'SQL_TIMEOUT', retryable: false, hint: 'raise the time limit of the config or of the server, or read less at a time' },
  full: { code: 'SQL_SERVER_FULL', retryable: false, hint: 'free space on the disk of the database server' },
  statement: { code: 'SQL_STATEMENT', retryable: false, hint: 'check the table, the columns and the SQL of the config' },
  value: { code: 'SQL_VALUE', retryable: false, hint: 'check the values that the message names' },
  failed: { code: 'SQL_FAILED', retryable: false, hint: 'see the log of the database server' },
};

/** What a driver's error means: by SQLSTATE or error number, never by its text. Undefined: it is not the driver's. */
export type ClassifySqlError = (error: unknown) => SqlErrorKind | undefined;

export interface SqlErrorContext {
  /** `PostgreSQL`. */
  readonly product: string;
  /** `host:port/database`. */
  readonly place: string;
  /** A gerund, e.g. `reading public.orders`. */
  readonly doing: string;
  /** The connection is known to have ended; drivers give no code for that. */
  readonly lost?: boolean;
  /** Replaces the hint of the kind. */
  readonly hint?: string;
}

/** A driver's error as ours; anything unknown is returned as it is. A statement that the server does not understand is the config's fault. */
export function sqlError(error: unknown, classify: ClassifySqlError, context: SqlErrorContext): unknown {
  if (error instanceof SluiceError) return error;
  const kind = classify(error) ?? (context.lost === true ? 'unreachable' : undefined);
  if (kind === undefined) return error;
  const details = {
    ...KINDS[kind],
    message: `${context.product} ${context.place}: ${context.doing}: ${messageOf(error)}`,
    cause: error,
    ...(context.hint === undefined ? {} : { hint: context.hint }),
  };
  return kind === 'statement' ? new ConfigError(details) : new RemoteError(details);
}

/** What Node's own code of a failed connection means; undefined for anything else. */
export function networkErrorKind(code: unknown): SqlErrorKind | undefined {
  if (typeof code !== 'string') return undefined;
  if (/CERT|^ERR_TLS|^ERR_SSL|^EPROTO$|^DEPTH_ZERO|^UNABLE_TO/.test(code)) return 'tls';
  if (code === 'ENOTFOUND') return 'unreachable';
  return /^E[A-Z_]{3,}$/.test(code) && !code.startsWith('ERR_') ? 'unreachable' : undefined;
}

/** Node reports a host with several addresses as an AggregateError without a message. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}

/** Puts the place of a config key on an error of its SQL. */
export function placeSqlError(error: unknown, place: ConfigPlace, key: string): unknown {
  if (!(error instanceof ConfigError) || error.where.path !== undefined) return error;
  return new ConfigError({
    code: error.code,
    message: error.message,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    cause: error.cause,
    where: place.at(key),
  });
}
