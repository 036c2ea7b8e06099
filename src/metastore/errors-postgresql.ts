import { RemoteError, SluiceError } from '../core/spi/index.js';

interface Kind {
  readonly code: string;
  readonly retryable: boolean;
  readonly hint: string;
}

/** The connection is gone, or there never was one. */
export const UNREACHABLE_CODE = 'METASTORE_UNREACHABLE';

const UNREACHABLE: Kind = {
  code: UNREACHABLE_CODE,
  retryable: true,
  hint: 'check that the server runs and that host, port and firewall are right, then run again',
};
const LOGIN: Kind = { code: 'METASTORE_LOGIN', retryable: false, hint: 'check the user in metastore.url and metastore.password' };
const DENIED: Kind = {
  code: 'METASTORE_DENIED',
  retryable: false,
  hint: 'grant the user CREATE on the schema and all rights on the sluice_* and iceberg_* tables',
};
const CONTENDED: Kind = { code: 'METASTORE_BUSY', retryable: true, hint: 'other writers were in the way; run again' };
const FULL: Kind = { code: 'DISK_FULL', retryable: false, hint: 'free space on the disk of the PostgreSQL server' };

/** By SQLSTATE, or its class of two characters (PostgreSQL manual, appendix A). */
const BY_STATE: Readonly<Record<string, Kind>> = {
  '08': UNREACHABLE,
  '28': LOGIN,
  '3D000': { code: 'METASTORE_DATABASE', retryable: false, hint: 'create the database, or name another in metastore.url' },
  '40': CONTENDED,
  '42501': DENIED,
  '53': { ...UNREACHABLE, hint: 'the server lacks connections or memory; raise max_connections or run fewer processes' },
  '53100': FULL,
  '55P03': CONTENDED,
  '25006': { code: 'METASTORE_DENIED', retryable: false, hint: 'the server is a read-only standby; name the primary in metastore.url' },
  '25P03': UNREACHABLE,
  '57P01': UNREACHABLE,
  '57P02': UNREACHABLE,
  '57P03': UNREACHABLE,
  '57P05': UNREACHABLE,
  '58': { ...UNREACHABLE, hint: 'the disk of the server failed; see its log' },
};

const OTHER: Kind = { code: 'METASTORE_FAILED', retryable: false, hint: 'see the log of the PostgreSQL server' };
const TLS: Kind = {
  code: 'METASTORE_TLS',
  retryable: false,
  hint: 'name the certificate authority with sslrootcert=<file>; the certificate must be issued for the host in metastore.url',
};

const STATE = /^[0-9A-Z]{5}$/;

/**
 * An error of the driver as ours. `lost` tells that the connection had ended: the driver itself gives no code for that.
 * Anything unknown is returned as it is.
 */
export function postgresqlError(error: unknown, place: string, lost: boolean): unknown {
  if (error instanceof SluiceError) return error;
  const kind = kindOf((error as { code?: unknown } | null)?.code, lost);
  if (kind === undefined) return error;
  return new RemoteError({ ...kind, message: `metastore ${place}: ${messageOf(error)}`, cause: error });
}

function kindOf(code: unknown, lost: boolean): Kind | undefined {
  if (typeof code === 'string') {
    if (STATE.test(code) && !/^E[A-Z]{4}$/.test(code)) return BY_STATE[code] ?? BY_STATE[code.slice(0, 2)] ?? (lost ? UNREACHABLE : OTHER);
    if (/CERT|^ERR_TLS|^ERR_SSL|^UNABLE_TO/.test(code)) return TLS;
    return UNREACHABLE;
  }
  return lost ? UNREACHABLE : undefined;
}

/** Node reports a host with several addresses as an AggregateError without a message. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
